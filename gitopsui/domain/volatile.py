"""
Fields that two renders of the same inputs do not agree on, since the chart makes them up anew each time
(`randAlphaNum`, `genCA`, `now`). What is live can never be what Git asks for there, so they are no drift.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gitopsui.domain.diff import Step, escape_token, path_of
from gitopsui.domain.identity import Manifest, ResourceKey, find_key
from gitopsui.domain.ignore import IgnoreRule, Level

# A chart may render thousands of objects, each with a stamp of its own.
MOST_FIELDS = 2_000
REASON = "differs between two renders"
_NAME = "metadata.name"


@dataclass(frozen=True, slots=True)
class VolatileField:
    """One field that is made up anew. `pointer` is that of an ignore rule; "" where the name itself is."""

    key: ResourceKey
    path: str
    pointer: str

    @property
    def is_name(self) -> bool:
        """Whether the object is called otherwise each time, so that it can never be found again."""
        return not self.pointer


def differing_fields(first: Iterable[Manifest], second: Iterable[Manifest]) -> tuple[VolatileField, ...]:
    """What differs between two renders, in the order of the first. The keys are those of the first."""
    again = {find_key(manifest): manifest for manifest in second}
    found: list[VolatileField] = []
    for manifest in first:
        if not isinstance(manifest, dict):
            continue
        key = find_key(manifest)
        if key not in again:
            found.append(VolatileField(key, _NAME, ""))
            continue
        for trail in _differences(manifest, again[key], ()):
            found.append(_field(key, trail))
            if len(found) >= MOST_FIELDS:
                return tuple(found)
    return tuple(found)


def volatile_rules(fields: Iterable[VolatileField]) -> tuple[IgnoreRule, ...]:
    """One rule for each object: its made up fields do not count."""
    by_key: dict[ResourceKey, list[str]] = {}
    for field in fields:
        if not field.is_name:
            by_key.setdefault(field.key, []).extend(_pointers(field))
    return tuple(
        IgnoreRule(
            _literal(key.group),
            _literal(key.kind),
            key.name,
            key.namespace or None,
            tuple(dict.fromkeys(pointers)),
            reason=REASON,
            level=Level.SHIPPED,
        )
        for key, pointers in by_key.items()
    )


def is_made_up(key: ResourceKey, fields: Iterable[VolatileField]) -> bool:
    """
    Whether an object may be what an earlier render called otherwise: of the same kind and place as one whose
    name is made up anew, and called alike but for a last part of the same length. `key` and the keys of
    `fields` name their namespaces alike.
    """
    stem = _stem(key)
    return bool(stem[-2]) and any(field.is_name and _stem(field.key) == stem for field in fields)


def _stem(key: ResourceKey) -> tuple[str, str, str, str, int]:
    """The name without what follows the last dash, which is where charts put what they make up."""
    start, dash, end = key.name.rpartition("-")
    return key.group, key.kind, key.namespace, start + dash, len(end)


def _pointers(field: VolatileField) -> list[str]:
    head, _, rest = field.pointer.partition("/stringData")
    if (field.key.group, field.key.kind) != ("", "Secret") or head or not rest:
        return [field.pointer]
    # The API server keeps it in `data`, and there it is compared.
    return [field.pointer, f"/data{rest}"]


def _literal(text: str) -> str:
    """A text that a glob takes for nothing but itself."""
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in text)


def _field(key: ResourceKey, trail: Sequence[Step]) -> VolatileField:
    pointer = "".join(f"/{escape_token(_token(step))}" for step in trail)
    return VolatileField(key, path_of(trail), pointer)


def _token(step: Step) -> str:
    if step.keys is not None:
        return ",".join(f"{name}={value}" for name, value in step.keys.items())
    return str(step.index) if step.index >= 0 else step.name


def _differences(one: Any, other: Any, trail: tuple[Step, ...]) -> Iterator[tuple[Step, ...]]:
    """The ways to the outermost places where two values differ."""
    if isinstance(one, dict) and isinstance(other, dict):
        for name in dict.fromkeys((*one, *other)):
            step = Step(str(name))
            if name not in one or name not in other:
                yield (*trail, step)
            else:
                yield from _differences(one[name], other[name], (*trail, step))
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        steps = _steps(one)
        for position, step in enumerate(steps):
            yield from _differences(one[position], other[position], (*trail, step))
    elif type(one) is not type(other) or one != other:
        yield trail


def _steps(items: Sequence[Any]) -> list[Step]:
    """The items of a list by their names where they have some, since the cluster may order them otherwise."""
    names = [item.get("name") if isinstance(item, Mapping) else None for item in items]
    is_keyed = all(isinstance(name, str) for name in names) and len(set(names)) == len(names)
    return [
        Step(index=position, keys={"name": name} if is_keyed else None) for position, name in enumerate(names)
    ]
