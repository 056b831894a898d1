"""The patches of a kustomization: enough of them to know what an Application becomes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from gitopsui.domain.layout_files import Document
from gitopsui.domain.tree import mapping, objects, sequence, text

_MOST_PATCHES = 500
# Only these are read; patching everything else would cost time and tell nothing.
_PATCHED_GROUPS = (
    "argoproj.io",
    "kustomize.toolkit.fluxcd.io",
    "helm.toolkit.fluxcd.io",
    "source.toolkit.fluxcd.io",
)


def patched(
    documents: list[Document],
    body: Mapping[str, Any],
    read: Callable[[str], tuple[Any, ...]],
    parse: Callable[[str], tuple[Any, ...]],
) -> list[Document]:
    """
    The documents after the patches of the kustomization `body`; `read` gives a file's documents,
    `parse` those of a patch that is written inline.

    Strategic patches are merged with lists replaced, JSON patches (RFC 6902) know add, replace and
    remove.
    """
    if any(document.group in _PATCHED_GROUPS for document in documents):
        for target, patch in _patches(body, read, parse):
            documents = [_apply(document, target, patch) for document in documents]
    return documents


def _patches(
    body: Mapping[str, Any],
    read: Callable[[str], tuple[Any, ...]],
    parse: Callable[[str], tuple[Any, ...]],
) -> Iterator[tuple[Mapping[str, Any], Any]]:
    entries = [*objects(body.get("patches")), *objects(body.get("patchesJson6902"))]
    named = [(mapping(e.get("target")), text(e.get("path")), text(e.get("patch"))) for e in entries]
    merged = map(text, sequence(body.get("patchesStrategicMerge")))
    named += [({}, "", entry) if "\n" in entry else ({}, entry, "") for entry in merged]
    for target, path, written in named[:_MOST_PATCHES]:
        for patch in read(path) if path else parse(written) if written else ():
            yield target, patch


def _apply(document: Document, target: Mapping[str, Any], patch: Any) -> Document:
    if document.group not in _PATCHED_GROUPS:
        return document
    if isinstance(patch, list):
        is_meant = bool(target) and _selects(target, document)
        return replace(document, body=_operate(document.body, objects(patch))) if is_meant else document
    if not isinstance(patch, dict):
        return document
    other = Document(document.path, patch)
    is_meant = _selects(target, document) if target else _is_same(other, document)
    return replace(document, body=_merge(document.body, patch, not target)) if is_meant else document


def _is_same(patch: Document, document: Document) -> bool:
    return (patch.group, patch.kind, patch.name) == (document.group, document.kind, document.name)


def _selects(target: Mapping[str, Any], document: Document) -> bool:
    wanted = {key: text(target.get(key)) for key in ("group", "kind", "name")}
    found = {"group": document.group, "kind": document.kind, "name": document.name}
    return all(not value or value in (found[key], ".*") for key, value in wanted.items())


def _merge(base: Any, patch: Any, is_root_kept: bool = True, depth: int = 0) -> Any:
    """A strategic merge with lists replaced; a null removes. Of the metadata the name stays."""
    if not isinstance(base, dict) or not isinstance(patch, dict) or depth > 64:
        return patch
    merged = dict(base)
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        elif depth == 0 and key == "metadata" and not is_root_kept:
            name = mapping(base.get(key)).get("name")
            merged[key] = {**mapping(_merge(base.get(key), value, True, 1)), "name": name}
        else:
            merged[key] = _merge(base.get(key), value, True, depth + 1)
    return merged


def _operate(body: Mapping[str, Any], operations: Iterable[Mapping[str, Any]]) -> Mapping[str, Any]:
    for operation in list(operations)[:_MOST_PATCHES]:
        pointer = text(operation.get("path"))
        keys = [key.replace("~1", "/").replace("~0", "~") for key in pointer.split("/")[1:65]]
        if keys and text(operation.get("op")) in ("add", "replace", "remove"):
            changed = _changed(body, keys, operation)
            body = changed if isinstance(changed, dict) else body
    return body


def _changed(node: Any, keys: list[str], operation: Mapping[str, Any]) -> Any:
    """A copy of `node` with the value at `keys` changed; `node` where there is no way to it."""
    key, *rest = keys
    if isinstance(node, dict):
        copy: Any = dict(node)
        present = key in copy
        where: Any = key
    elif isinstance(node, list):
        copy = list(node)
        where = (
            len(copy) if key == "-" else int(key) if key.isascii() and key.isdigit() and len(key) < 6 else -1
        )
        present = 0 <= where < len(copy)
    else:
        return node
    if rest:
        if present:
            copy[where] = _changed(copy[where], rest, operation)
    elif operation.get("op") == "remove":
        if present:
            del copy[where]
    elif isinstance(copy, list) and operation.get("op") == "add" and 0 <= where <= len(copy):
        copy.insert(where, operation.get("value"))
    elif isinstance(copy, dict) or present:
        copy[where] = operation.get("value")
    return copy
