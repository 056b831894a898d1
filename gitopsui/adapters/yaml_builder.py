"""The values of one YAML document from libyaml's events: anchors, merges, duplicate keys, tags."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

import yaml
from yaml._yaml import CParser

from gitopsui.adapters.yaml_limits import Budget, Document, line_of, refuse
from gitopsui.adapters.yaml_scalars import CORE, SCALAR_TAGS, Scalar, key_text, resolve, resolve_tagged

_MERGE = "<<"
_NON_SPECIFIC = "!"
_TEXT = CORE + "str"


def build_document(parser: CParser, budget: Budget) -> Document:
    """The document whose start event was just taken from `parser`; None is the value of an empty one."""
    return _Builder(parser, budget).build()


@dataclass(slots=True)
class _Frame:
    """A list or mapping that is still open; `lines` (None for a list) is where each key was written."""

    container: Any
    lines: dict[str, int] | None
    anchor: str | None
    nodes_before: int
    size_before: int
    key: str | None = None
    is_merge: bool = False


@dataclass(frozen=True, slots=True)
class _Anchored:
    """What an alias stands for; `key` is its name where the alias is a key, None for lists and mappings."""

    value: Any
    nodes: int
    size: int
    key: str | None


class _Builder:
    def __init__(self, parser: CParser, budget: Budget) -> None:
        self._next = parser.get_event
        self._budget = budget
        self._stack: list[_Frame] = []
        self._top: _Frame | None = None  # the last of the stack, at hand because every event asks
        self._anchors: dict[str, _Anchored | None] = {}  # None while its value is still open
        self._root: Any = None
        self._plain: dict[str, Scalar] = {}
        self._keys: dict[str, str] = {}

    def build(self) -> Document:
        handlers: dict[type, Callable[[Any], None]] = {
            yaml.ScalarEvent: self._take_scalar,
            yaml.MappingStartEvent: self._open,
            yaml.SequenceStartEvent: self._open,
            yaml.MappingEndEvent: self._close,
            yaml.SequenceEndEvent: self._close,
            yaml.AliasEvent: self._take_alias,
        }
        event: Any = self._next()
        line = line_of(event)
        while (handle := handlers.get(type(event))) is not None:
            handle(event)
            event = self._next()
        return Document(line, self._root)

    def _take_scalar(self, event: yaml.ScalarEvent) -> None:
        text: str = event.value
        self._budget.count_node(len(text), event)
        top = self._top
        if top is not None and top.lines is not None and top.key is None:
            self._take_key(top, self._key(event), event)
            if event.anchor is not None:
                self._anchors[event.anchor] = _Anchored(self._value(event), 1, len(text), top.key)
            return
        value = self._value(event)
        if event.anchor is not None:
            self._anchors[event.anchor] = _Anchored(
                value, 1, len(text), text if value is None else self._key(event)
            )
        self._add(value, event)

    def _open(self, event: yaml.MappingStartEvent | yaml.SequenceStartEvent) -> None:
        budget, top = self._budget, self._top
        is_mapping = type(event) is yaml.MappingStartEvent
        if event.tag not in (None, _NON_SPECIFIC, CORE + ("map" if is_mapping else "seq")):
            _refuse_tag(event, event.tag)
        if top is not None and top.lines is not None and top.key is None:
            _refuse_at(event, "YAML_KEY", "a key may not be a list or a mapping")
        if event.anchor is not None:
            self._anchors[event.anchor] = None
        frame = _Frame(
            container={} if is_mapping else [],
            lines={} if is_mapping else None,
            anchor=event.anchor,
            nodes_before=budget.nodes,
            size_before=budget.size,
        )
        budget.count_node(0, event)
        self._stack.append(frame)
        self._top = frame
        budget.check_depth(len(self._stack), event)

    def _close(self, event: yaml.CollectionEndEvent) -> None:
        frame = self._stack.pop()
        self._top = self._stack[-1] if self._stack else None
        if frame.anchor is not None:
            nodes = self._budget.nodes - frame.nodes_before
            size = self._budget.size - frame.size_before
            self._anchors[frame.anchor] = _Anchored(frame.container, nodes, size, None)
        self._add(frame.container, event)

    def _take_alias(self, event: yaml.AliasEvent) -> None:
        if event.anchor not in self._anchors:
            _refuse_at(event, "YAML_SYNTAX", "the alias names an anchor that is not set above it")
        anchored = self._anchors[event.anchor]
        if anchored is None:
            _refuse_at(event, "YAML_ALIASES", "the alias stands for a value that it is a part of")
        self._budget.count_alias(anchored.nodes, anchored.size, event)
        top = self._top
        if top is not None and top.lines is not None and top.key is None:
            if anchored.key is None:
                _refuse_at(event, "YAML_KEY", "a key may not be a list or a mapping")
            self._take_key(top, anchored.key, event)
        else:
            self._add(anchored.value, event)

    def _add(self, value: Any, event: yaml.Event) -> None:
        top = self._top
        if top is None:
            self._root = value
        elif top.lines is None:
            top.container.append(value)
        elif top.is_merge:
            _merge(top.container, value, event)
            top.key, top.is_merge = None, False
        else:
            top.container[top.key] = value
            top.key = None

    def _take_key(self, top: _Frame, key: str, event: yaml.Event) -> None:
        """Several `<<` are united, as kubectl does; every other key may be given once."""
        assert top.lines is not None
        if key == _MERGE and isinstance(event, yaml.ScalarEvent) and event.implicit[0]:
            top.is_merge = True
        elif key in top.lines:
            problem = f"the key {_shown(key)} is given again, first in line {top.lines[key]}"
            _refuse_at(event, "YAML_DUPLICATE_KEY", problem)
        else:
            top.lines[key] = line_of(event)
        top.key = key

    def _key(self, event: yaml.ScalarEvent) -> str:
        text: str = event.value
        if event.tag is None and not event.implicit[0]:
            return text
        known = self._keys.get(text) if event.tag is None else None
        if known is not None:
            return known
        try:
            key = text if event.tag == _TEXT else key_text(text)
        except ValueError:
            _refuse_at(event, "YAML_KEY", "a key may be a text, a number or a truth value, not null")
        if event.tag is None:
            self._keys[text] = key
        return key

    def _value(self, event: yaml.ScalarEvent) -> Scalar:
        text: str = event.value
        if event.tag is not None:
            return _tagged(event, event.tag)
        if not event.implicit[0]:
            return text
        try:
            return self._plain[text]
        except KeyError:
            value = self._plain[text] = _finite(resolve(text), event)
            return value


def _tagged(event: yaml.ScalarEvent, tag: str) -> Scalar:
    text: str = event.value
    if tag == _NON_SPECIFIC:
        return text
    if tag not in SCALAR_TAGS:
        _refuse_tag(event, tag)
    try:
        value = resolve_tagged(text, tag)
    except ValueError:
        _refuse_at(event, "YAML_VALUE", f"the value does not fit its tag {_shown(tag)}")
    return _finite(value, event)


def _finite(value: Scalar, event: yaml.Event) -> Scalar:
    if isinstance(value, float) and not math.isfinite(value):
        _refuse_at(event, "YAML_NUMBER", "Kubernetes knows no infinity and no not-a-number")
    return value


def _merge(container: dict[str, Any], value: Any, event: yaml.Event) -> None:
    """
    Apply `<<: value` where it stands: as with kubectl, a merge replaces keys given before it and is
    replaced by those after it; of several mappings the first wins.
    """
    mappings = value if isinstance(value, list) else [value]
    if not all(isinstance(mapping, dict) for mapping in mappings):
        _refuse_at(event, "YAML_VALUE", "only mappings can be merged with <<")
    for mapping in reversed(mappings):
        container.update(mapping)


def _refuse_tag(event: yaml.Event, tag: str) -> NoReturn:
    _refuse_at(event, "YAML_TAG", f"the tag {_shown(tag)} has no meaning in Kubernetes")


def _refuse_at(event: yaml.Event, code: str, problem: str) -> NoReturn:
    line = line_of(event)
    refuse(code, f"Line {line}: {problem}.", line)


def _shown(text: str) -> str:
    """A word of the file inside a sentence: tags in their short form, quoted, cut at 80 characters."""
    short = f"!!{text.removeprefix(CORE)}" if text.startswith(CORE) else text
    return repr(short[:80])
