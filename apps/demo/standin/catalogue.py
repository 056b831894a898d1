"""Which kinds are served just now: the built-in ones and those of every CustomResourceDefinition."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .kinds import BUILT_IN, CUSTOM_RESOURCE_DEFINITION, Kind
from .store import Store


class Catalogue:
    """A view upon the store; it is read again whenever a definition changed."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._read_at = -1
        self._kinds: tuple[Kind, ...] = ()
        self._by_path: dict[tuple[str, str, str], Kind] = {}

    def kinds(self) -> tuple[Kind, ...]:
        """Built-in kinds first, then custom ones by name of their definition."""
        touched = self._store.touched(CUSTOM_RESOURCE_DEFINITION.resource)
        if touched != self._read_at:
            definitions, _ = self._store.list_objects(CUSTOM_RESOURCE_DEFINITION.resource)
            custom = [kind for stored in definitions for kind in kinds_of(stored.manifest)]
            self._kinds = (*BUILT_IN, *custom)
            self._by_path = {(kind.group, kind.version, kind.plural): kind for kind in self._kinds}
            self._read_at = touched
        return self._kinds

    def find(self, group: str, version: str, plural: str) -> Kind | None:
        self.kinds()
        return self._by_path.get((group, version, plural))

    def find_kind(self, group: str, kind: str) -> Kind | None:
        """The first version that serves this kind."""
        return next((item for item in self.kinds() if (item.group, item.kind) == (group, kind)), None)

    def versions(self) -> dict[str, dict[str, list[Kind]]]:
        """Kinds by group and version; the core group is ""."""
        found: dict[str, dict[str, list[Kind]]] = {}
        for kind in self.kinds():
            found.setdefault(kind.group, {}).setdefault(kind.version, []).append(kind)
        return found


def kinds_of(definition: Mapping[str, Any]) -> Iterable[Kind]:
    """The served versions of one CustomResourceDefinition, the storage version first."""
    spec = definition["spec"]
    versions = [version for version in spec["versions"] if version.get("served")]
    for version in sorted(versions, key=lambda item: not item.get("storage")):
        yield _kind_of(spec, version)


def _kind_of(spec: Mapping[str, Any], version: Mapping[str, Any]) -> Kind:
    names = spec["names"]
    return Kind(
        spec["group"],
        version["name"],
        names["kind"],
        names["plural"],
        is_namespaced=spec.get("scope", "Namespaced") == "Namespaced",
        short_names=tuple(names.get("shortNames") or ()),
        categories=tuple(names.get("categories") or ()),
        subresources=tuple(sorted(version.get("subresources") or {})),
        has_generation=True,
        singular_name=names.get("singular", ""),
        list_kind=names.get("listKind", ""),
        is_custom=True,
        schema=(version.get("schema") or {}).get("openAPIV3Schema") or {},
        columns=tuple(version.get("additionalPrinterColumns") or ()),
    )
