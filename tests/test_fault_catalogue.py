"""Every fault of promotions, forges, webhooks and of the platform has a test that carries its number."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

FOLDER = Path(__file__).parent
NUMBERS = {*range(14, 39), *range(62, 73)}
_NUMBER = re.compile(r"(?:^|_)f(\d+)(?=_)")


def _tests() -> Iterator[str]:
    """The names of all tests, read and not run."""
    for path in FOLDER.rglob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                yield node.name


def test_every_fault_has_a_test_that_names_it() -> None:
    named = {int(number) for name in _tests() for number in _NUMBER.findall(name.removeprefix("test_"))}

    assert sorted(NUMBERS - named) == []
