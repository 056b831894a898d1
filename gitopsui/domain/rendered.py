"""What differs between two renderings of an application: resources added, removed and changed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from gitopsui.domain.identity import Manifest, ResourceKey, find_key, flatten
from gitopsui.domain.ignore import split_pointer, without
from gitopsui.domain.volatile import VolatileField


class ResourceChange(StrEnum):
    """What happens to a resource."""

    ADDED = "added"  # only the second rendering has it
    REMOVED = "removed"  # only the first has it
    CHANGED = "changed"  # both have it, and it differs


@dataclass(frozen=True, slots=True)
class RenderedChange:
    """One resource; None on the side that does not have it."""

    key: ResourceKey
    change: ResourceChange
    old: Manifest | None
    new: Manifest | None


def compare_rendered(
    base: Iterable[Manifest], head: Iterable[Manifest], *, volatile: Sequence[VolatileField] = ()
) -> list[RenderedChange]:
    """
    What differs, sorted by resource. What a chart makes up anew with each render is no difference: such a
    value is taken out, and a resource with such a name is left out.
    """
    before, after = _by_key(base, volatile), _by_key(head, volatile)
    return [
        RenderedChange(key, _change(key in before, key in after), before.get(key), after.get(key))
        for key in sorted({*before, *after})
        if before.get(key) != after.get(key)
    ]


def _change(was: bool, will_be: bool) -> ResourceChange:
    if was and will_be:
        return ResourceChange.CHANGED
    return ResourceChange.REMOVED if was else ResourceChange.ADDED


def _by_key(manifests: Iterable[Manifest], volatile: Sequence[VolatileField]) -> dict[ResourceKey, Manifest]:
    """Of two with one key the last counts."""
    pointers: dict[ResourceKey, list[str]] = {}
    for field in volatile:
        pointers.setdefault(field.key, []).append(field.pointer)
    found: dict[ResourceKey, Manifest] = {}
    for manifest in flatten(manifests):
        key = find_key(manifest)
        if "" not in pointers.get(key, ()):
            found[key] = without(manifest, [split_pointer(one) for one in pointers.get(key, ())])
    return found
