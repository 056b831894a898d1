"""
What the API server knows about a field and plain JSON does not: its default, its unit, the keys of a list.

Only fields that need saying are in the tables; any other is compared as it stands. The tables follow
https://github.com/kubernetes/api (patch strategies, list map keys) and pkg/apis/*/v1/defaults.go.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final


class Absent(Enum):
    """The one value that stands for a field that is not there; JSON null is another thing."""

    ABSENT = "absent"


ABSENT: Final = Absent.ABSENT


class Scalar(Enum):
    """How two texts or numbers of a field are compared."""

    PLAIN = "plain"  # as they stand
    QUANTITY = "quantity"  # 1024Mi is 1Gi
    PORT = "port"  # 80 is "80": the API takes both for a port
    DURATION = "duration"  # 8760h is 8760h0m0s
    BYTES = "bytes"  # base64, whatever its line breaks


class Listing(Enum):
    """How the items of two lists are brought together."""

    ATOMIC = "atomic"  # by position: one owner writes the whole list
    KEYED = "keyed"  # by the fields named in `keys`; the order does not matter
    SET = "set"  # by value


@dataclass(frozen=True, slots=True)
class Struct:
    """The fields of one object type."""

    fields: Mapping[str, Field]
    rest: Field
    # The keys are data (labels), so an empty value counts.
    is_map: bool = False
    # Whoever applies it owns all of it, keys that are not there included.
    is_atomic: bool = False


@dataclass(frozen=True, slots=True)
class Field:
    """One field. `struct` is the type of the object, of the items of the list or of the values of the map."""

    struct: Struct | None = None
    scalar: Scalar = Scalar.PLAIN
    listing: Listing = Listing.ATOMIC
    keys: tuple[str, ...] = ()
    # A value, or a function from the object that lacks the field to the value the server would put there.
    default: Any = ABSENT
    # The cluster fills this in when Git leaves it empty.
    is_assigned: bool = False
    # The order of a keyed list is the order of execution.
    is_ordered: bool = False
    # A default that stands in for an absent part of a key: ports without a protocol are TCP.
    key_defaults: Mapping[str, Any] = field(default_factory=dict)


def default_of(known: Field, parent: Mapping[str, Any]) -> Any:
    """What the server puts into a field that its object lacks, or ABSENT."""
    return known.default(parent) if callable(known.default) else known.default


def struct(**fields: Field) -> Struct:
    """An object type; a field that is not named is compared by the rules for unknown types."""
    return Struct(fields, OPEN)


def atomic(**fields: Field) -> Field:
    """An object that is applied and owned as one: a selector, a reference."""
    return Field(Struct(fields, OPEN, is_atomic=True))


def inside(kind: Struct) -> Field:
    """An object of a type, or a list of them that is compared by position."""
    return Field(kind)


def keyed(kind: Struct, *keys: str, is_ordered: bool = False, **key_defaults: Any) -> Field:
    """A list of objects told apart by the given fields."""
    return Field(kind, listing=Listing.KEYED, keys=keys, is_ordered=is_ordered, key_defaults=key_defaults)


def value(default: Any | Callable[[Mapping[str, Any]], Any] = ABSENT) -> Field:
    """A text, number or boolean with a default."""
    return Field(default=default)


def map_of(known: Field, *, is_atomic: bool = False) -> Field:
    """An object whose keys are data and whose values are all of one kind."""
    return Field(Struct({}, known, is_map=True, is_atomic=is_atomic))


PLAIN = Field()
ASSIGNED = Field(is_assigned=True)
QUANTITY = Field(scalar=Scalar.QUANTITY)
QUANTITIES = map_of(QUANTITY)
PORT = Field(scalar=Scalar.PORT)
BYTES = Field(scalar=Scalar.BYTES)
SET = Field(listing=Listing.SET)
TEXTS = map_of(PLAIN)
ATOMIC_TEXTS = map_of(PLAIN, is_atomic=True)
OFF = value(default=False)
ZERO = value(default=0)
EMPTY = value(default="")

# A field of a type nobody described: compared as it stands, durations by value.
OPEN = Field(scalar=Scalar.DURATION)

METADATA = struct(
    labels=TEXTS,
    annotations=TEXTS,
    finalizers=SET,
    ownerReferences=keyed(Struct({}, PLAIN), "uid"),
)
SELECTOR = atomic(matchLabels=ATOMIC_TEXTS)
