"""
Masking at the door: a manifest leaves this module without the secrets that are known by place or by shape.

By place: data of Secrets (whatever their spelling, group or type, in lists too), the last-applied
annotation, environment variables, arguments and ConfigMap keys with a telling name. By shape: see
`mask_text`. Free text that nothing tells apart from other free text stays as it is.
"""

from __future__ import annotations

import base64
import binascii
import json
from functools import lru_cache
from typing import Any

from gitopsui.domain.identity import Manifest
from gitopsui.domain.mask_text import (
    BULLETS,
    display,
    is_masked,
    is_telling_field,
    is_telling_flag,
    is_telling_name,
    keyed_mask,
    mask_patterns,
    mask_text,
)
from gitopsui.domain.tree import mapping, objects, reach, text

__all__ = ["BULLETS", "display", "is_masked", "mask", "mask_text", "secret_bytes"]

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"

# Deeper than any object the API server accepts: what lies below is replaced as a whole.
_MAX_DEPTH = 100
_SECRET_KINDS = frozenset({"secret", "secrets", "secretlist"})
_SECRET_OPEN_FIELDS = frozenset({"apiVersion", "kind", "metadata", "type", "immutable", "items", "status"})
_PAYLOADS = frozenset({"data", "stringData", "binaryData"})
_HELM_STORES = frozenset({"helm", "TILLER"})
# Where the objects that Secrets are made from may spell out what goes into them.
_SPELLED_OUT = (
    ("spec", "target", "template", "data"),
    ("spec", "template", "data"),
    ("spec", "template", "stringData"),
    ("spec", "provider", "fake", "data"),
    ("spec", "stringData"),
)
# Annotations of a Secret that say who owns it; any other may hold what the Secret holds.
_OPEN_ANNOTATIONS = (
    "argocd.argoproj.io/",
    "helm.sh/",
    "helm.toolkit.fluxcd.io/",
    "kustomize.toolkit.fluxcd.io/",
    "kubernetes.io/service-account.name",
    "kubernetes.io/service-account.uid",
    "meta.helm.sh/",
)


def mask(manifest: Any, *, key: bytes) -> Manifest:
    """
    A copy of a manifest, or of a list of them, without secrets. A masked value carries a short HMAC under
    `key`, so two masked objects compare as the real ones would; `managedFields` keep who wrote which field
    when. Masking twice changes nothing, and nothing of any shape raises.
    """
    masked: Manifest = _Masker(key).value(manifest, "", 0)
    return masked


def secret_bytes(value: str, *, is_base64: bool) -> bytes:
    """What a value of a Secret stands for: `data` decoded, `stringData` and bad base64 as they are."""
    raw = value.encode("utf-8", "surrogatepass")
    if not is_base64:
        return raw
    try:
        return base64.b64decode(b"".join(raw.split()), validate=True)
    except (binascii.Error, ValueError):
        return raw


class _Masker:
    """One masking under one key. `field` is the name of the field that a value was found in."""

    __slots__ = ("key",)

    def __init__(self, key: bytes) -> None:
        self.key = key

    def value(self, value: Any, field: str, depth: int) -> Any:
        if isinstance(value, str):
            return self.string(value, field)
        if isinstance(value, dict):
            return self.object(value, depth + 1) if depth < _MAX_DEPTH else BULLETS
        if isinstance(value, list):
            return self.array(value, field, depth + 1) if depth < _MAX_DEPTH else BULLETS
        return value

    def string(self, value: str, field: str) -> str:
        if isinstance(field, str) and is_telling_field(field):
            return value if not value or is_masked(value) else self.plain(value)
        return mask_patterns(value, self.plain)

    def plain(self, value: str) -> str:
        return keyed_mask(value.encode("utf-8", "surrogatepass"), self.key)

    def whole(self, value: Any) -> Any:
        """A value that is a secret as it stands; nothing and emptiness are no secrets."""
        if value is None or value in ("", [], {}):
            return value
        if isinstance(value, str):
            return value if is_masked(value) else self.plain(value)
        return self.plain(_canonical(value))

    def object(self, value: dict[str, Any], depth: int) -> dict[str, Any]:
        kind = value.get("kind")
        if kind is not None and (is_secret_kind(kind) or _is_odd_kind(kind, value)):
            return self.secret(value, depth)
        if kind == "ConfigMap":
            return self.config_map(value, depth)
        if isinstance(kind, str) and _is_maker_of_secrets(kind, value):
            return self.maker(value, depth)
        if "value" in value and is_telling_name(text(value.get("name")) or text(value.get("key"))):
            return {**self.fields(value, depth), "value": self.whole(value["value"])}
        return self.fields(value, depth)

    def fields(self, value: dict[str, Any], depth: int) -> dict[str, Any]:
        masked: dict[str, Any] = {}
        for name, item in value.items():
            if name == "managedFields":
                masked[name] = _kept_managers(item)
            elif name == "annotations" and isinstance(item, dict):
                masked[name] = self.annotations(item, depth)
            elif name == "stringData":
                masked[name] = self.payload(item, is_base64=False)
            elif name == "secretGenerator":
                masked[name] = self.generators(item, depth)
            else:
                masked[name] = self.value(item, name, depth)
        return masked

    def generators(self, generators: Any, depth: int) -> Any:
        """The secretGenerator of a kustomization: its literals are `name=secret`."""
        masked = self.value(generators, "", depth)
        for generator in objects(masked):
            literals = generator.get("literals")
            if isinstance(literals, list):
                generator["literals"] = [self.literal(text(item)) for item in literals]
        return masked

    def literal(self, literal: str) -> str:
        name, equals, value = literal.partition("=")
        return f"{name}{equals}{self.whole(value)}"

    def array(self, values: list[Any], field: str, depth: int) -> list[Any]:
        masked = [self.value(item, field, depth) for item in values]
        for index in range(1, len(values)):
            before, item = values[index - 1], values[index]
            if isinstance(before, str) and isinstance(item, str) and is_telling_flag(before):
                masked[index] = self.whole(item)
        return masked

    def annotations(self, annotations: dict[str, Any], depth: int) -> dict[str, Any]:
        masked: dict[str, Any] = {}
        for name, value in annotations.items():
            if name == LAST_APPLIED:
                masked[name] = self.last_applied(value, depth, is_secret=False)
            elif is_telling_name(str(name)):
                masked[name] = self.whole(value)
            else:
                masked[name] = self.value(value, "", depth)
        return masked

    def last_applied(self, value: Any, depth: int, *, is_secret: bool) -> str:
        """What was applied before, masked like the object itself; what is no JSON is hidden as a whole."""
        if not isinstance(value, str) or is_masked(value) or depth > _MAX_DEPTH // 2:
            return value if isinstance(value, str) and is_masked(value) else BULLETS
        try:
            applied = json.loads(value)
        except (ValueError, RecursionError):
            return BULLETS
        if not isinstance(applied, dict):
            return BULLETS
        # Twice the depth of the outer object: applied objects inside of applied objects end soon.
        masked = self.secret(applied, depth * 2) if is_secret else self.value(applied, "", depth * 2)
        return json.dumps(masked, ensure_ascii=False, separators=(",", ":"))

    def secret(self, value: dict[str, Any], depth: int) -> dict[str, Any]:
        """A Secret in any spelling: only its identity, its labels and the names of its keys stay readable."""
        masked: dict[str, Any] = {}
        for name, item in value.items():
            if name in _PAYLOADS:
                masked[name] = self.payload(item, is_base64=name != "stringData")
            elif name == "items" and isinstance(item, list):
                masked[name] = [
                    self.secret(x, depth + 1) if isinstance(x, dict) else self.whole(x) for x in item
                ]
            elif name == "metadata" and isinstance(item, dict):
                masked[name] = self.secret_metadata(item, depth + 1)
            elif name in _SECRET_OPEN_FIELDS:
                masked[name] = self.value(item, "", depth)
            else:
                masked[name] = self.whole(item)
        return masked

    def secret_metadata(self, metadata: dict[str, Any], depth: int) -> dict[str, Any]:
        masked = self.fields(metadata, depth)
        annotations = metadata.get("annotations")
        if annotations is None:
            return masked
        if not isinstance(annotations, dict):
            return {**masked, "annotations": self.whole(annotations)}
        shown = masked["annotations"]
        for name, item in annotations.items():
            if name == LAST_APPLIED:
                shown[name] = self.last_applied(item, depth, is_secret=True)
            elif not str(name).startswith(_OPEN_ANNOTATIONS):
                shown[name] = self.whole(item)
        return masked

    def payload(self, payload: Any, *, is_base64: bool) -> Any:
        if not isinstance(payload, dict):
            return self.whole(payload)
        return {name: self.payload_value(item, is_base64=is_base64) for name, item in payload.items()}

    def payload_value(self, value: Any, *, is_base64: bool) -> Any:
        if not isinstance(value, str) or not value or is_masked(value):
            return self.whole(value)
        # Hashed decoded, so that stringData in Git and data in the cluster stay equal.
        return keyed_mask(secret_bytes(value, is_base64=is_base64), self.key)

    def maker(self, value: dict[str, Any], depth: int) -> dict[str, Any]:
        """An object that a Secret is made from, such as an ExternalSecret: what it spells out is a secret."""
        masked = self.fields(value, depth)
        for *parents, last in _SPELLED_OUT:
            parent = reach(masked, *parents)
            if isinstance(parent, dict) and last in parent:
                parent[last] = self.spelled(parent[last])
        return masked

    def spelled(self, value: Any) -> Any:
        if isinstance(value, dict):
            return self.payload(value, is_base64=False)
        if isinstance(value, list):
            return [
                {**item, "value": self.whole(item["value"])}
                if isinstance(item, dict) and "value" in item
                else item
                for item in value
            ]
        return self.whole(value)

    def config_map(self, value: dict[str, Any], depth: int) -> dict[str, Any]:
        masked = self.fields(value, depth)
        labels = mapping(mapping(value.get("metadata")).get("labels"))
        is_store = not _HELM_STORES.isdisjoint(map(str, (labels.get("owner"), labels.get("OWNER"))))
        for name in _PAYLOADS & value.keys():
            data = value[name]
            if isinstance(data, dict):
                for item in data:
                    if is_store or is_telling_name(str(item)):
                        masked[name][item] = self.whole(data[item])
        return masked


def is_secret_kind(kind: Any) -> bool:
    """Whether this kind is a Secret, in whatever group, number or spelling."""
    return isinstance(kind, str) and kind.casefold().strip() in _SECRET_KINDS


def _is_maker_of_secrets(kind: str, value: dict[str, Any]) -> bool:
    return "secret" in kind.lower() or "external-secrets" in text(value.get("apiVersion"))


def _is_odd_kind(kind: Any, value: dict[str, Any]) -> bool:
    # A kind of another type, or with letters that only look Latin, hides nothing better than a Secret does.
    if "data" not in value and "stringData" not in value:
        return False
    return not isinstance(kind, str) or any(letter.isalpha() and not letter.isascii() for letter in kind)


def _kept_managers(entries: Any) -> list[dict[str, Any]]:
    kept = ("manager", "operation", "time", "subresource")
    return [
        {
            **{name: entry[name] for name in kept if isinstance(entry.get(name), str)},
            "fieldsV1": _field_set(entry.get("fieldsV1"), 0),
        }
        for entry in (entries if isinstance(entries, list) else ())
        if isinstance(entry, dict)
    ]


def _field_set(node: Any, depth: int) -> dict[str, Any]:
    """The names of the fields alone: a field set holds objects and nothing else."""
    if not isinstance(node, dict) or depth > _MAX_DEPTH:
        return {}
    return {name: _field_set(item, depth + 1) if item else {} for name, item in node.items()}


@lru_cache(maxsize=1)
def _encoder() -> json.JSONEncoder:
    return json.JSONEncoder(sort_keys=False, default=str, separators=(",", ":"))


def _canonical(value: Any) -> str:
    try:
        return _encoder().encode(value)
    except (ValueError, TypeError, RecursionError):
        return type(value).__name__
