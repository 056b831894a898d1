"""What a commit of a config repository changed in the manifests of an application, in one line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from gitopsui.domain.diff import FieldChange
from gitopsui.domain.identity import Manifest, ResourceKey, find_key, flatten
from gitopsui.domain.mask_text import mask_text
from gitopsui.domain.pair import field_changes

MOST_TOLD = 3
LONGEST_VALUE = 40  # characters; a longer value is only said to have changed
# What kustomize puts behind the name of a generated object: a hash without vowels and 0, 1, 3.
# https://github.com/kubernetes-sigs/kustomize/blob/master/api/hasher/hasher.go
_HASH = re.compile(r"-[2456789bcdfghkmt]{10}\b")
_LAST = re.compile(r"(?:^|\.)([^.\[\]]+(?:\[[^\]]*\])?)$|\[([^\]]*)\]$")
_NO_WORDS = frozenset({"value"})
_OF_BOTH = frozenset({"cpu", "memory", "ephemeral-storage"})  # of limits or of requests

_Key = tuple[str, str, str, str]


def describe_change(
    before: Iterable[Manifest],
    after: Iterable[Manifest],
    *,
    old_version: str = "",
    new_version: str = "",
) -> str:
    """
    `Deployment cart: replicas 2 → 3; ConfigMap cart-config: CACHE_TTL`, "" where both make the same.

    Both sides come masked under one key. What only names another version is left out where both versions
    are given: the reader is told of it already.
    """
    old, new = _by_key(before), _by_key(after)
    told = list(_told(old, new, (old_version, new_version)))
    rest = len(told) - MOST_TOLD
    return "; ".join(told[:MOST_TOLD]) + (f"; and {rest} more" if rest > 0 else "")


def _told(old: dict[_Key, Manifest], new: dict[_Key, Manifest], versions: tuple[str, str]) -> Iterator[str]:
    for key in sorted(old.keys() | new.keys()):
        name = f"{key[1]} {key[3]}"
        if key not in old:
            yield f"{name} added"
        elif key not in new:
            yield f"{name} removed"
        else:
            words = _words_of(old[key], new[key], key, versions)
            more = f" and {len(words) - MOST_TOLD} more" if len(words) > MOST_TOLD else ""
            if words:
                yield f"{name}: {', '.join(words[:MOST_TOLD])}{more}"


def _words_of(old: Manifest, new: Manifest, key: _Key, versions: tuple[str, str]) -> list[str]:
    try:
        changes = _changes(old, new, group=key[0], kind=key[1])
    except RecursionError:
        return ["something nested too deep to tell"]
    return [_words(change) for change in changes if not _is_the_version(change, versions)]


def _by_key(manifests: Iterable[Manifest]) -> dict[_Key, Manifest]:
    """By key, where a generated name counts without its hash; of two with one key the last one counts."""
    return {_key(find_key(one)): one for one in flatten(manifests)}


def _key(key: ResourceKey) -> _Key:
    return key.group, key.kind, key.namespace, _HASH.sub("", key.name)


def _changes(old: Manifest, new: Manifest, *, group: str, kind: str) -> list[FieldChange]:
    """`desired` is new and `live` is old; each field once, those that went last."""
    came = field_changes(new, old, group=group, kind=kind)
    went = [one for one in field_changes(old, new, group=group, kind=kind) if one.live is None]
    gone = [FieldChange(one.path, None, one.desired) for one in went]
    return [one for one in (*came, *gone) if _plain(one.desired) != _plain(one.live)]


def _plain(value: Any) -> str:
    return "" if value is None else _HASH.sub("", repr(value))


def _is_the_version(change: FieldChange, versions: tuple[str, str]) -> bool:
    old, new = versions
    if not old or not new or change.desired is None or change.live is None:
        return False
    return _plain(change.live).replace(old, new) == _plain(change.desired)


def _words(change: FieldChange) -> str:
    name = _name(change.path)
    old, new = _shown(change.live), _shown(change.desired)
    if change.live is None:
        return f"{name} {new} added" if new else f"{name} added"
    if change.desired is None:
        return f"{name} removed"
    return f"{name} {old} → {new}" if old and new else name


def _name(path: str) -> str:
    """The last step of a path: `replicas`, `env[LOG_LEVEL]`, `CACHE_TTL`; `value` alone says nothing."""
    head, _, last = path.rpartition(".")
    if last in _NO_WORDS and head:
        return _name(head)
    if last in _OF_BOTH and head:
        return f"{head.rpartition('.')[2]}.{last}"
    match = _LAST.search(path)
    name = (match[1] or match[2]) if match else path
    # Of a ConfigMap the file is meant, not the field that holds its files.
    return mask_text(name[5:-1] if name.startswith("data[") else name)


def _shown(value: Any) -> str:
    """A short value on one line; "" for any other."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str | int | float):
        return ""
    text = mask_text(str(value))
    return text if text and len(text) <= LONGEST_VALUE and "\n" not in text else ""
