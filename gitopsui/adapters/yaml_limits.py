"""What reading one file may cost, and the count of what it has cost so far."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NoReturn

import yaml

from gitopsui.domain.errors import UnreadableFile


@dataclass(frozen=True, slots=True)
class Limits:
    """
    The limits of one file. The defaults fit real repositories: 2,000 Deployments are 146,000 nodes.

    `expanded_…` count what the aliases of a file stand for, as if each were written out.
    `cpu_seconds` is the parser's own time; `wall_seconds` ends a parser that does not answer at all.
    """

    file_bytes: int = 4 << 20
    depth: int = 64
    nodes: int = 200_000
    expanded_nodes: int = 200_000
    expanded_bytes: int = 16 << 20
    documents: int = 5_000
    cpu_seconds: int = 5
    wall_seconds: int = 20


@dataclass(frozen=True, slots=True)
class Document:
    """One document that is not empty, and the line it starts in, counted from 1."""

    line: int
    value: Any


class Budget:
    """
    Counts nodes and characters while a file is read, and refuses the file at a limit.

    `nodes` and `size` are totals with aliases written out; their difference over a subtree is what one
    more alias to it costs.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._written = 0
        self._documents = 0
        self._expanded = 0
        self._expanded_size = 0
        self.size = 0

    @property
    def nodes(self) -> int:
        return self._written + self._expanded

    def count_node(self, size: int, event: yaml.Event) -> None:
        self._written += 1
        self.size += size
        if self._written > self._limits.nodes:
            refuse("YAML_SIZE", f"The file has more than {self._limits.nodes:,} values.", line_of(event))

    def count_alias(self, nodes: int, size: int, event: yaml.Event) -> None:
        self._expanded += nodes
        self._expanded_size += size
        self.size += size
        if self._expanded > self._limits.expanded_nodes or self._expanded_size > self._limits.expanded_bytes:
            line = line_of(event)
            refuse("YAML_ALIASES", f"The aliases up to line {line} stand for too many values.", line)

    def check_depth(self, depth: int, event: yaml.Event) -> None:
        if depth > self._limits.depth:
            line = line_of(event)
            refuse("YAML_DEPTH", f"Line {line} is nested deeper than {self._limits.depth} levels.", line)

    def count_document(self, line: int) -> None:
        self._documents += 1
        if self._documents > self._limits.documents:
            refuse("YAML_SIZE", f"The file has more than {self._limits.documents:,} documents.", line)


def line_of(event: yaml.Event) -> int:
    """The line an event starts in, counted from 1."""
    return event.start_mark.line + 1 if event.start_mark is not None else 0


def refuse(code: str, message: str, line: int = 0) -> NoReturn:
    """Raise UnreadableFile; the reader adds the path."""
    raise UnreadableFile(message, code=code, line=line)
