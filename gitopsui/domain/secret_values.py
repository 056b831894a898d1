"""Secrets of which we see the metadata alone: their values were not compared, and it is said."""

from __future__ import annotations

from collections.abc import Iterable

from gitopsui.domain.identity import GroupKind, Manifest, group_kind_of

SECRET = GroupKind("", "Secret")
# A whole Secret always has a type.
_BODY = frozenset({"data", "stringData", "type"})
NOT_COMPARED = "Values not compared: this connection does not read Secret values."


def is_without_values(live: Manifest) -> bool:
    """Whether this is a Secret that came as metadata alone."""
    return group_kind_of(live) == SECRET and _BODY.isdisjoint(live)


def describe_not_compared(live: Iterable[Manifest]) -> str:
    """A sentence for the verdict of an application; "" where every value was compared."""
    count = sum(is_without_values(manifest) for manifest in live)
    if not count:
        return ""
    noun = "Secret" if count == 1 else "Secrets"
    return f"Values of {count} {noun} are not compared: this connection does not read them."
