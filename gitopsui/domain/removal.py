"""
Fields that Git asked for before, does not ask for any more, and that the cluster still has.

What was asked for before is known from the last-applied annotation of kubectl and Argo CD, or from the field
set of the manager that applies the object server-side.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from gitopsui.domain.diff import Comparison, index_items
from gitopsui.domain.normalize import is_default, is_empty
from gitopsui.domain.schema import ABSENT, Field, Listing, Struct
from gitopsui.domain.schema_pod import CUSTOM
from gitopsui.domain.tree import mapping

# What the tools write onto an object at the moment they apply it; no manifest in Git has these.
_TOOL_MARKS = (
    "app.kubernetes.io/instance",
    "argocd.argoproj.io/",
    "helm.toolkit.fluxcd.io/",
    "kubectl.kubernetes.io/",
    "kustomize.toolkit.fluxcd.io/",
    "meta.helm.sh/",
    "objectset.rio.cattle.io/",
)


def is_tool_mark(name: str, value: Any) -> bool:
    """Whether a label or annotation was put there by the tool that applied the object."""
    return name.startswith(_TOOL_MARKS) or (name == "app.kubernetes.io/managed-by" and value == "Helm")


class LastApplied(Comparison):
    """Compares with the object as it was applied the last time."""

    __slots__ = ()

    def removed(self, want: Mapping[str, Any], have: Mapping[str, Any], before: Any, struct: Struct) -> None:
        for name, old in mapping(before).items():
            if name not in have:
                continue
            field = struct.fields.get(name, struct.rest)
            self.trail.append(name)
            if want.get(name) is not None:
                self.descend(want[name], have[name], old, field)
            else:
                self.gone(have[name], old, field, have, struct)
            self.trail.pop()

    def descend(self, want: Any, have: Any, old: Any, field: Field) -> None:
        if want == old:
            return
        if isinstance(want, dict) and isinstance(have, dict):
            self.removed(want, have, old, field.struct or self.fallback)
        elif isinstance(want, list) and isinstance(have, list) and isinstance(old, list):
            if field.listing is Listing.KEYED:
                self.keyed_items(want, have, old, field)
            elif field.listing is Listing.SET:
                if any(item in have and item not in want for item in old):
                    self.add(want, have)
            elif len(want) == len(have) == len(old):
                for position, item in enumerate(want):
                    self.trail.append(position)
                    self.descend(item, have[position], old[position], Field(field.struct))
                    self.trail.pop()

    def keyed_items(self, want: list[Any], have: list[Any], old: list[Any], field: Field) -> None:
        wanted, found, before = index_items(want, field), index_items(have, field), index_items(old, field)
        if wanted is None or found is None or before is None:
            return
        for key, position in before.items():
            if key not in found:
                continue
            self.trail.append((found[key], field, key))
            if key in wanted:
                self.descend(want[wanted[key]], have[found[key]], old[position], Field(field.struct))
            else:
                self.add(ABSENT, have[found[key]])
            self.trail.pop()

    def gone(self, have: Any, old: Any, field: Field, parent: Mapping[str, Any], struct: Struct) -> None:
        """A field that is not in Git at all: one difference, or one for each key of a map."""
        if is_empty(old) and not (struct.is_map and isinstance(old, str)):
            return
        if isinstance(old, dict) and isinstance(have, dict) and not _is_whole(field, have, old):
            self.removed({}, have, old, field.struct or self.fallback)
        elif not is_kept(have, field, parent, struct, str(self.trail[-1])):
            self.add(ABSENT, have)


class FieldSet(Comparison):
    """
    Compares with the fields that the applying manager owns.
    https://kubernetes.io/docs/reference/using-api/server-side-apply/
    """

    __slots__ = ()

    def removed(self, want: Mapping[str, Any], have: Mapping[str, Any], owned: Any, struct: Struct) -> None:
        for mark, node in mapping(owned).items():
            name = mark[2:] if isinstance(mark, str) and mark[:2] == "f:" else None
            if name is None or name not in have:
                continue
            field = struct.fields.get(name, struct.rest)
            self.trail.append(name)
            if want.get(name) is not None:
                self.descend(want[name], have[name], mapping(node), field)
            else:
                self.gone(have[name], mapping(node), field, have, struct)
            self.trail.pop()

    def descend(self, want: Any, have: Any, node: Mapping[str, Any], field: Field) -> None:
        if isinstance(want, dict) and isinstance(have, dict):
            if node:
                self.removed(want, have, node, field.struct or self.fallback)
            elif field.struct is not None and field.struct.is_atomic:
                self.whole(want, have, field)
        elif isinstance(want, list) and isinstance(have, list):
            if field.listing is Listing.KEYED and (node or not want):
                self.keyed_items(want, have, node, field)
            elif field.listing is Listing.SET:
                if any(value in have and value not in want for value in _values(node)):
                    self.add(want, have)
            elif not node and self.fallback is not CUSTOM:
                # A custom resource may have defaults that only its definition knows.
                self.whole(want, have, field)

    def whole(self, want: Any, have: Any, field: Field) -> None:
        """What is owned as one: any field in it that Git does not name is too many, if it is no default."""
        if field.listing is Listing.KEYED and isinstance(want, list) and isinstance(have, list):
            self.whole_items(want, have, field)
        elif isinstance(want, list) and isinstance(have, list) and len(want) == len(have):
            for position, item in enumerate(want):
                self.trail.append(position)
                self.whole(item, have[position], field)
                self.trail.pop()
        elif isinstance(want, dict) and isinstance(have, dict):
            struct = field.struct or self.fallback
            for name, value in have.items():
                known = struct.fields.get(name, struct.rest)
                self.trail.append(name)
                if name in want:
                    self.whole(want[name], value, known)
                elif not is_kept(value, known, have, struct, name):
                    self.add(ABSENT, value)
                self.trail.pop()

    def whole_items(self, want: list[Any], have: list[Any], field: Field) -> None:
        wanted, found = index_items(want, field), index_items(have, field)
        for key, position in (found or {}).items() if wanted is not None else ():
            self.trail.append((position, field, key))
            if wanted is not None and key in wanted:
                self.whole(want[wanted[key]], have[position], Field(field.struct))
            else:
                self.add(ABSENT, have[position])
            self.trail.pop()

    def keyed_items(self, want: list[Any], have: list[Any], node: Mapping[str, Any], field: Field) -> None:
        wanted, found = index_items(want, field), index_items(have, field)
        if wanted is None or found is None:
            return
        for mark, inner in node.items():
            key = item_key(str(mark), field.keys)
            if key is None or key not in found:
                continue
            self.trail.append((found[key], field, key))
            if key in wanted:
                self.removed(want[wanted[key]], have[found[key]], inner, field.struct or self.fallback)
            else:
                self.add(ABSENT, have[found[key]])
            self.trail.pop()

    def gone(
        self, have: Any, node: Mapping[str, Any], field: Field, parent: Mapping[str, Any], struct: Struct
    ) -> None:
        names = {mark[2:] for mark in map(str, node) if mark.startswith("f:")}
        if isinstance(have, dict) and names and not _is_whole(field, have, names):
            self.removed({}, have, node, field.struct or self.fallback)
        elif not is_kept(have, field, parent, struct, str(self.trail[-1])):
            self.add(ABSENT, have)


def is_kept(have: Any, field: Field, parent: Mapping[str, Any], struct: Struct, name: str) -> bool:
    """Whether a field stays as it is when Git stops asking for it: the default, or the mark of a tool."""
    if struct.is_map:
        return is_tool_mark(name, have)
    return field.is_assigned or is_empty(have) or is_default(have, field, parent)


def _is_whole(field: Field, have: Mapping[str, Any], before: Iterable[str]) -> bool:
    """Whether a removed object is best told as one: it is of a known type, or nothing of it would remain."""
    struct = field.struct
    if struct is None or struct.is_map:
        names = set(before)
        return have.keys() <= names and not any(is_tool_mark(str(name), item) for name, item in have.items())
    return True


def item_key(mark: str, keys: tuple[str, ...]) -> tuple[Any, ...] | None:
    """The key in `k:{"containerPort":80,"protocol":"TCP"}` as a tuple in the order of `keys`."""
    if not mark.startswith("k:"):
        return None
    named = parse_mark(mark)
    if not isinstance(named, dict) or not all(isinstance(named.get(name), str | int) for name in keys):
        return None
    return tuple([named[name] for name in keys])


@lru_cache(maxsize=4096)
def parse_mark(mark: str) -> Any:
    """The JSON behind the first two characters of a mark, or None; not to be changed."""
    try:
        return json.loads(mark[2:])
    except (ValueError, RecursionError):
        return None


def _values(node: Mapping[str, Any]) -> list[Any]:
    return [parse_mark(mark) for mark in map(str, node) if mark.startswith("v:")]
