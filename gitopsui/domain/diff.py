"""
The fields in which one live object differs from what Git asks for.

Git drives the comparison: what only the cluster has is a default or somebody else's business, and no
difference. What Git asked for before and does not ask for any more is found in `removal`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gitopsui.domain.normalize import is_default, is_empty, same_value
from gitopsui.domain.schema import ABSENT, Field, Listing, Struct

_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


@dataclass(frozen=True, slots=True)
class FieldChange:
    """
    One field that differs. `path` reads `spec.template.spec.containers[web].image`; None on one side
    means that the field is not there. `manager` wrote the live value at `changed_at`, as far as
    managedFields tell. `pointer` is the RFC 6901 address in the live object, lists by index; `address`
    is the same with items of keyed lists by their key (`/spec/ports/port=80,protocol=TCP/name`), so that
    it finds them on both sides.
    """

    path: str
    desired: Any
    live: Any
    manager: str | None = None
    changed_at: datetime | None = None
    pointer: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a path: a field by `name`, or an item of a list by `index` and the fields that name it."""

    name: str = ""
    index: int = -1
    keys: Mapping[str, Any] | None = None


Trail = tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """A difference and the way to it. ABSENT stands for a field that is not there."""

    trail: Trail
    desired: Any
    live: Any


def path_of(trail: Sequence[Step]) -> str:
    """`metadata.labels[app.kubernetes.io/name]`, `spec.ports[80/TCP]`, `spec.tolerations[0]`."""
    parts = []
    for step in trail:
        if step.keys is not None:
            parts.append(f"[{'/'.join(str(value) for value in step.keys.values())}]")
        elif step.index >= 0:
            parts.append(f"[{step.index}]")
        elif _PLAIN_NAME.fullmatch(step.name):
            parts.append(f".{step.name}")
        else:
            parts.append(f"[{step.name}]")
    return "".join(parts).removeprefix(".")


def pointer_of(trail: Sequence[Step]) -> str:
    """The path as a JSON pointer: https://www.rfc-editor.org/rfc/rfc6901"""
    return "".join(f"/{step.index}" if step.index >= 0 else f"/{escape_token(step.name)}" for step in trail)


def address_of(trail: Sequence[Step]) -> str:
    """The path as an ignore rule writes it: like the pointer, but items of keyed lists by their key."""
    return "".join(
        f"/{_keyed(step) or step.index}" if step.index >= 0 else f"/{escape_token(step.name)}"
        for step in trail
    )


def _keyed(step: Step) -> str:
    named = {name: str(value) for name, value in (step.keys or {}).items()}
    if any("," in value for value in named.values()):
        return ""
    return escape_token(",".join(f"{name}={value}" for name, value in named.items()))


def escape_token(name: str) -> str:
    """A field name as one part of a JSON pointer."""
    return name.replace("~", "~0").replace("/", "~1")


def index_items(items: Sequence[Any], field: Field) -> dict[tuple[Any, ...], int] | None:
    """Where each item of a keyed list stands; None when its items cannot be told apart."""
    places: dict[tuple[Any, ...], int] = {}
    for position, item in enumerate(items):
        if not isinstance(item, dict):
            return None
        key = tuple([item.get(name, field.key_defaults.get(name, ABSENT)) for name in field.keys])
        if not all(isinstance(part, str | int) for part in key) or key in places:
            return None
        places[key] = position
    return places


# A step that is still to be written out, since most are never reported: the name of a field, the place of an
# item, or the place of an item of a keyed list with its field and its key.
RawStep = str | int | tuple[int, Field, tuple[Any, ...]]


def _written(step: RawStep) -> Step:
    if isinstance(step, str):
        return Step(step)
    if isinstance(step, int):
        return Step(index=step)
    position, field, key = step
    return Step(index=position, keys=dict(zip(field.keys, key, strict=True)))


class Comparison:
    """Walks what Git asks for beside what is live and collects the differences in `found`."""

    __slots__ = ("fallback", "found", "trail")

    def __init__(self, fallback: Struct) -> None:
        self.fallback = fallback
        self.found: list[Found] = []
        self.trail: list[RawStep] = []

    def add(self, desired: Any, live: Any) -> None:
        self.found.append(Found(tuple(map(_written, self.trail)), desired, live))

    def fields(self, want: Mapping[str, Any], have: Mapping[str, Any], struct: Struct) -> None:
        known, rest, trail = struct.fields, struct.rest, self.trail
        for name, value in want.items():
            field = known.get(name, rest)
            trail.append(name if isinstance(name, str) else str(name))
            if name in have:
                self.value(value, have[name], field, have)
            elif not _is_needless(value, field, have, struct):
                self.add(value, ABSENT)
            trail.pop()

    def value(self, want: Any, have: Any, field: Field, parent: Mapping[str, Any]) -> None:
        if isinstance(want, dict) and isinstance(have, dict):
            self.fields(want, have, field.struct or self.fallback)
        elif isinstance(want, list) and isinstance(have, list):
            self.items(want, have, field)
        elif not (
            want is None
            or same_value(want, have, field)
            or (have is None and is_default(want, field, parent))
            or is_unasked(want, have, field)
        ):
            self.add(want, have)

    def items(self, want: list[Any], have: list[Any], field: Field) -> None:
        if field.listing is Listing.KEYED:
            wanted, found = index_items(want, field), index_items(have, field)
            if wanted is not None and found is not None:
                self.keyed(want, have, field, wanted, found)
                return
        if field.is_assigned and not want:
            return
        if field.listing is Listing.SET:
            if not all(any(same_value(item, other, field) for other in have) for item in want):
                self.add(want, have)
            return
        self.positions(want, have, field)

    def keyed(
        self,
        want: list[Any],
        have: list[Any],
        field: Field,
        wanted: dict[tuple[Any, ...], int],
        found: dict[tuple[Any, ...], int],
    ) -> None:
        struct = field.struct or self.fallback
        for key, position in wanted.items():
            place = found.get(key, -1)
            self.trail.append((place if place >= 0 else position, field, key))
            if place < 0:
                self.add(want[position], ABSENT)
            else:
                self.fields(want[position], have[place], struct)
            self.trail.pop()
        if field.is_ordered:
            self.order([key for key in wanted if key in found], [key for key in found if key in wanted])

    def order(self, wanted: list[tuple[Any, ...]], found: list[tuple[Any, ...]]) -> None:
        if wanted != found:
            self.add([key[0] for key in wanted], [key[0] for key in found])

    def positions(self, want: list[Any], have: list[Any], field: Field) -> None:
        if len(want) != len(have) or not _are_alike(want, have, field):
            self.add(want, have)
            return
        for position, item in enumerate(want):
            if isinstance(item, dict | list):
                self.trail.append(position)
                self.value(item, have[position], field, {})
                self.trail.pop()


def _is_needless(want: Any, field: Field, have: Mapping[str, Any], struct: Struct) -> bool:
    """Whether the live object may do without a field that Git spells out."""
    if struct.is_map:
        # A label without a value is a label.
        return want is None
    return (field.is_assigned and is_empty(want)) or is_default(want, field, have)


def is_unasked(want: Any, have: Any, field: Field) -> bool:
    """Whether Git leaves the choice to the cluster, or both say nothing in different words."""
    if field.is_assigned and (want in ("", 0) or is_empty(want)):
        return True
    return is_empty(want) and is_empty(have)


def _are_alike(want: list[Any], have: list[Any], field: Field) -> bool:
    """Whether two lists of one length hold the same texts and numbers, with objects in the same places."""
    for item, other in zip(want, have, strict=True):
        if isinstance(item, dict | list):
            if type(item) is not type(other):
                return False
        elif not same_value(item, other, field):
            return False
    return True
