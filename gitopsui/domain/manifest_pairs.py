"""The manifests of one application in two environments beside each other."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from gitopsui.domain.identity import Manifest, find_key, flatten
from gitopsui.domain.normalize import canonical
from gitopsui.domain.yaml_text import to_yaml

# What kustomize puts behind the name of a generated object.
# https://github.com/kubernetes-sigs/kustomize/blob/master/api/hasher/hasher.go
_HASH = re.compile(r"-[2456789bcdfghkmt]{10}\b")
_PLACE = "…"

_Key = tuple[str, str, str]


class PairChange(StrEnum):
    """How a resource of one environment stands to that of the other."""

    SAME = "same"
    NAMES = "names"  # only names and namespaces of the environments differ
    CHANGED = "changed"
    ADDED = "added"  # in the new one alone
    REMOVED = "removed"  # in the old one alone


@dataclass(frozen=True, slots=True)
class ManifestPair:
    """One resource; the texts are YAML, masked as the manifests were, "" for a side that has it not."""

    kind: str
    name: str
    change: PairChange
    old: str = ""
    new: str = ""


def pair_manifests(
    old: Iterable[Manifest],
    new: Iterable[Manifest],
    *,
    old_names: Collection[str],
    new_names: Collection[str],
) -> list[ManifestPair]:
    """
    The resources of both sides, by kind and name. A name that holds one of the names of its environment, or a
    hash of its content, is the same name in the other; namespaces do not count.

    Both sides must be masked under one key. Of two with one key the last one counts.
    """
    left, right = _by_key(old, _words(old_names)), _by_key(new, _words(new_names))
    keys = sorted(left.keys() | right.keys(), key=lambda key: (key[1], key[2], key[0]))
    words = _words(old_names), _words(new_names)
    return [_pair(key, left, right, words) for key in keys]


def _words(names: Collection[str]) -> re.Pattern[str] | None:
    """The longest first, so that `shop-production` is one word."""
    known = sorted({name for name in names if len(name) > 1}, key=len, reverse=True)
    # As a whole word: of `production` the `prod` is none.
    joined = "|".join(map(re.escape, known))
    return re.compile(rf"(?<![A-Za-z0-9])(?:{joined})(?![A-Za-z0-9])") if known else None


def _neutral(text: str, words: re.Pattern[str] | None) -> str:
    plain = _HASH.sub("", text)
    return words.sub(_PLACE, plain) if words else plain


def _by_key(manifests: Iterable[Manifest], words: re.Pattern[str] | None) -> dict[_Key, Manifest]:
    found = {}
    for manifest in flatten(manifests):
        key = find_key(manifest)
        found[key.group, key.kind, _neutral(key.name, words)] = manifest
    return found


def _pair(
    key: _Key,
    left: Mapping[_Key, Manifest],
    right: Mapping[_Key, Manifest],
    words: tuple[re.Pattern[str] | None, re.Pattern[str] | None],
) -> ManifestPair:
    old, new = (_text(side.get(key), key) for side in (left, right))
    name = find_key(right[key] if key in right else left[key]).name
    if not old or not new:
        return ManifestPair(key[1], name, PairChange.ADDED if new else PairChange.REMOVED, old, new)
    if old == new:
        return ManifestPair(key[1], name, PairChange.SAME, old, new)
    is_alike = _neutral(old, words[0]) == _neutral(new, words[1])
    return ManifestPair(key[1], name, PairChange.NAMES if is_alike else PairChange.CHANGED, old, new)


def _text(manifest: Manifest | None, key: _Key) -> str:
    """The YAML without the namespace, which says where and not what."""
    if manifest is None:
        return ""
    shown = dict(canonical(manifest, key[0], key[1]))
    metadata = shown.get("metadata")
    if isinstance(metadata, dict):
        shown["metadata"] = {name: value for name, value in metadata.items() if name != "namespace"}
    return to_yaml(shown)
