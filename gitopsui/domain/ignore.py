"""Rules for fields that never count, named by JSON pointer or by their writer. There is no jq."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any

from gitopsui.domain.errors import InputError
from gitopsui.domain.identity import ResourceKey
from gitopsui.domain.tree import mapping


class Level(StrEnum):
    """Who set a rule up, and for what."""

    SHIPPED = "shipped"  # comes with the program: what every cluster changes by itself
    PROJECT = "project"  # people, for all applications of a project
    APPLICATION = "application"  # people, for one application


@dataclass(frozen=True, slots=True)
class IgnoreRule:
    """
    Fields of some objects that are no drift. `group` and `kind` are globs (`*`), `name` and `namespace` exact
    or None for all. A pointer is RFC 6901 (`/spec/replicas`, `~1` for a slash); a part that is `*` stands for
    every item of a list, `name=web` for the items with that name (`port=80,protocol=TCP` likewise).
    `managers` are field managers whose writings are accepted. `row` is what the rule was stored as.
    """

    group: str = "*"
    kind: str = "*"
    name: str | None = None
    namespace: str | None = None
    json_pointers: tuple[str, ...] = ()
    managers: tuple[str, ...] = ()
    reason: str = ""
    expires_at: datetime | None = None
    level: Level = Level.PROJECT
    row: int | None = None

    def is_for(self, key: ResourceKey) -> bool:
        """Whether the rule speaks of this object."""
        return (
            self.name in (None, key.name)
            and self.namespace in (None, key.namespace)
            and _fits(key.kind, self.kind)
            and _fits(key.group, self.group)
        )

    def takes_out(self, pointer: str, address: str, manager: str | None) -> bool:
        """
        Whether a change of an object that the rule is for does not count: by both ways to write where it
        is (see FieldChange) and by who wrote the live value.
        """
        if manager and manager in self.managers:
            return True
        ways = (split_pointer(pointer), split_pointer(address or pointer))
        return any(_is_under(ways, split_pointer(one)) for one in self.json_pointers)


def _fits(value: str, glob: str) -> bool:
    return glob in ("*", value) or fnmatchcase(value, glob)


def _is_under(ways: tuple[tuple[str, ...], tuple[str, ...]], parts: tuple[str, ...]) -> bool:
    by_index, by_key = ways
    if not parts or len(parts) > len(by_index):
        return False
    return all(
        part in (index, key) or (part == "*" and index.isdecimal())
        for part, index, key in zip(parts, by_index, by_key, strict=False)
    )


def active_rules(rules: Iterable[IgnoreRule], now: datetime) -> tuple[IgnoreRule, ...]:
    """The rules that have not expired."""
    return tuple(rule for rule in rules if rule.expires_at is None or rule.expires_at > now)


def check_pointer(pointer: str) -> None:
    """Raises InputError with code JSON_POINTER when this is no address inside an object."""
    if not pointer.startswith("/") or pointer == "/":
        raise InputError("A JSON pointer starts with a slash: /spec/replicas.", code="JSON_POINTER")
    rest = pointer.replace("~0", "").replace("~1", "")
    if "~" in rest:
        raise InputError("In a JSON pointer ~ is written ~0 and / is written ~1.", code="JSON_POINTER")


_GLOB = re.compile(r"(?:[A-Za-z0-9.*?-]|\[!?[A-Za-z0-9.-]+\])*")


def check_glob(glob: str) -> None:
    """Raises InputError with code GLOB when no group or kind can match this."""
    if not _GLOB.fullmatch(glob):
        message = "A pattern is made of letters, digits, dots and dashes, with * and ? for what is open."
        raise InputError(message, code="GLOB")


def check_rule(rule: IgnoreRule) -> None:
    """
    Raises InputError, its `field` set, when a rule is misspelt or so wide that it would hide everything:
    one without pointers and managers, or one for every kind that names no more than `/spec`.
    """
    for name, glob in (("group", rule.group), ("kind", rule.kind)):
        _blame(name, check_glob, glob)
    for pointer in rule.json_pointers:
        _blame("json_pointers", check_pointer, pointer)
    if not rule.json_pointers and not rule.managers:
        raise InputError(
            "Name at least one field or one manager: without them the rule would silence everything.",
            code="RULE_TOO_WIDE",
            field="json_pointers",
        )
    wide = [pointer for pointer in rule.json_pointers if len(split_pointer(pointer)) == 1]
    if wide and _fits("AnyKindAtAll", rule.kind):
        message = (
            f"For every kind, {wide[0]} would silence nearly everything: name a kind or a field inside it."
        )
        raise InputError(message, code="RULE_TOO_WIDE", field="json_pointers")


def _blame(field: str, check: Any, text: str) -> None:
    try:
        check(text)
    except InputError as error:
        raise InputError(error.message, code=error.code, field=field) from None


def split_pointer(pointer: str) -> tuple[str, ...]:
    """The parts of a JSON pointer; empty for one that addresses nothing."""
    if not pointer.startswith("/"):
        return ()
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in pointer[1:].split("/"))


def without(value: Any, pointers: Sequence[tuple[str, ...]]) -> Any:
    """A copy of the value without what the pointers address; a missing path is no error."""
    for parts in pointers:
        value = _without(value, parts) if parts else value
    return value


def _without(value: Any, parts: tuple[str, ...]) -> Any:
    head, rest = parts[0], parts[1:]
    if isinstance(value, dict) and head in value:
        if not rest:
            return {name: item for name, item in value.items() if name != head}
        return {**value, head: _without(value[head], rest)}
    if isinstance(value, list):
        hit = [_is_meant(item, position, head) for position, item in enumerate(value)]
        if not rest:
            return [item for item, is_hit in zip(value, hit, strict=True) if not is_hit]
        return [_without(item, rest) if is_hit else item for item, is_hit in zip(value, hit, strict=True)]
    return value


def values_at(value: Any, parts: tuple[str, ...]) -> list[Any]:
    """What `without` would take out, in the order it lies there."""
    if not parts:
        return [value]
    head, rest = parts[0], parts[1:]
    if isinstance(value, dict):
        return values_at(value[head], rest) if head in value else []
    if isinstance(value, list):
        meant = [item for position, item in enumerate(value) if _is_meant(item, position, head)]
        return [found for item in meant for found in values_at(item, rest)]
    return []


def _is_meant(item: Any, position: int, part: str) -> bool:
    if part == "*" or part == str(position):
        return True
    named = part.split(",") if "=" in part else ()
    return bool(named) and all(_has(mapping(item), pair) for pair in named)


def _has(item: Any, pair: str) -> bool:
    name, _, value = pair.partition("=")
    # A port without a protocol is one of TCP.
    return str(item.get(name, "TCP" if name == "protocol" else "")) == value and name != ""


def suggest_rule(
    key: ResourceKey, pointer: str, *, manager: str | None = None, reason: str = ""
) -> IgnoreRule:
    """The narrowest rule that silences a field of one object; a manager, if given, stands for the pointer."""
    pointers, managers = ((), (manager,)) if manager else ((pointer,), ())
    return IgnoreRule(key.group, key.kind, key.name, key.namespace or None, pointers, managers, reason)
