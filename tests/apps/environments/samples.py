"""Cases of bad input: our own small ones, and those that are held beside the repository."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

OWN = Path(__file__).parents[2] / "data/badinput"
SHARED = Path(__file__).parents[3] / "../shared/conformance/badinput"
MARKER = Path("/tmp/gitopsui-pwned")
OWN_CANARIES = ("CANARY-own", "Q0FOQVJZLW93b", "CANARY-")


@dataclass(frozen=True, slots=True)
class Case:
    """One case; `data` are the bytes of its file, `value` what is typed into a field."""

    id: str
    outcome: str
    data: bytes = b""
    name: str = ""
    value: str = ""
    facts: dict[str, Any] = field(default_factory=dict)


def load_cases(folder: Path, category: str) -> list[Case]:
    """The cases of one category; none where the folder is missing, so that collecting works."""
    index = folder / "index.json"
    listed = json.loads(index.read_text(encoding="utf-8"))["cases"] if index.is_file() else []
    return [_case(folder, raw) for raw in listed if raw["category"] == category]


def _case(folder: Path, raw: dict[str, Any]) -> Case:
    file = folder / raw["file"] if "file" in raw else None
    data = file.read_bytes() if file is not None and file.is_file() else b""
    return Case(raw["id"], raw["outcome"], data, file.name if file else "", raw.get("value", ""), raw)


def canaries(folder: Path) -> list[str]:
    """Every encoding of every secret that may not show up anywhere."""
    file = folder / "canaries.txt"
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    return [*OWN_CANARIES, *(word for line in lines for word in line.split("\t") if word)]


SETS = [
    pytest.param(OWN, id="own"),
    pytest.param(
        SHARED,
        id="shared",
        marks=[
            pytest.mark.shared,
            pytest.mark.skipif(not SHARED.is_dir(), reason="sample cases are not beside this repository"),
        ],
    ),
]


def each(category: str) -> list[Any]:
    """Every case of a category as a parameter, the shared ones marked."""
    own = [pytest.param(case, id=case.id) for case in load_cases(OWN, category)]
    shared = load_cases(SHARED, category)
    return own + [pytest.param(case, id=case.id, marks=pytest.mark.shared) for case in shared]
