"""What ignore rules take out of a comparison, field by field, so that it stays to be seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gitopsui.domain.diff import FieldChange, Step
from gitopsui.domain.identity import Manifest, ResourceKey
from gitopsui.domain.ignore import IgnoreRule, split_pointer, values_at
from gitopsui.domain.managed_fields import entries_of
from gitopsui.domain.pair import field_changes, live_change
from gitopsui.domain.shipped import RESTARTED_AT, RESTARTED_RULE


@dataclass(frozen=True, slots=True)
class SilencedChange:
    """A field that differs and does not count, with the rule that says so."""

    change: FieldChange
    rule: IgnoreRule


@dataclass(frozen=True, slots=True)
class SilencedDrift:
    """The silenced fields of one object; there is at least one."""

    key: ResourceKey
    changes: tuple[SilencedChange, ...]


def touching_rules(rules: Sequence[IgnoreRule], want: Manifest, have: Manifest) -> list[IgnoreRule]:
    """Those that take out what is not the same on both sides; for the others one look is enough."""
    managers = (
        {entry.manager for entry in entries_of(have)} if any(rule.managers for rule in rules) else set()
    )
    return [rule for rule in rules if managers & set(rule.managers) or _differs(rule, want, have)]


def _differs(rule: IgnoreRule, want: Manifest, have: Manifest) -> bool:
    pointers = [parts for one in rule.json_pointers if (parts := split_pointer(one))]
    return any(values_at(want, parts) != values_at(have, parts) for parts in pointers)


def silenced_changes(
    key: ResourceKey,
    want: Manifest,
    have: Manifest,
    *,
    rules: Sequence[IgnoreRule],
    counted: Sequence[FieldChange],
) -> tuple[SilencedChange, ...]:
    """
    The changes that `rules`, all for this object, took out so that only `counted` were left; each with the
    first rule that does it alone.
    """
    touching = touching_rules(rules, want, have)
    if not touching:
        return ()
    every = field_changes(want, have, group=key.group, kind=key.kind)
    gone = [change for change in every if not _is_left(change, counted)]
    found = [SilencedChange(change, rule) for change, rule in _attribute(key, want, have, gone, touching)]
    return (*found, *_restarted(have, every, touching))


def _is_left(change: FieldChange, counted: Sequence[FieldChange]) -> bool:
    """Whether a change, or what lies inside it, still counts. Taking out an item moves those behind it."""
    ways = [(change.address, other.address) for other in counted]
    return any(other == mine or other.startswith(f"{mine}/") for mine, other in ways)


def _attribute(
    key: ResourceKey,
    want: Manifest,
    have: Manifest,
    gone: Sequence[FieldChange],
    touching: Sequence[IgnoreRule],
) -> list[tuple[FieldChange, IgnoreRule]]:
    if not gone or len(touching) == 1:
        return [(change, touching[0]) for change in gone]
    left = {
        rule: field_changes(want, have, group=key.group, kind=key.kind, rules=(rule,)) for rule in touching
    }
    return [
        (change, next((rule for rule in touching if not _is_left(change, left[rule])), touching[0]))
        for change in gone
    ]


def _restarted(
    have: Manifest, every: Sequence[FieldChange], touching: Sequence[IgnoreRule]
) -> list[SilencedChange]:
    """A restart by hand leaves its time on the live object alone: no difference to Git, but worth a line."""
    trail = [Step(name) for name in ("spec", "template", "metadata", "annotations", RESTARTED_AT)]
    if RESTARTED_RULE not in touching:
        return []
    change = live_change(have, trail)
    if change is None or any(_is_left(change, (other,)) for other in every):
        return []
    return [SilencedChange(change, RESTARTED_RULE)]
