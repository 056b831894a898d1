"""Reads the sample cases that are held beside the repository."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

CONFORMANCE = Path(__file__).parents[2] / "../shared/conformance"

needs_samples = pytest.mark.skipif(
    not CONFORMANCE.is_dir(), reason="sample cases are not beside this repository"
)


def load_sample(path: str) -> Any:
    """The JSON file at `path`, an empty mapping where the samples are missing, so that collecting works."""
    file = CONFORMANCE / path
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}


def load_bad_input(category: str) -> list[Any]:
    """The cases of one category of bad input; the text of a case that is a file is under `text`."""
    cases = [
        case for case in load_sample("badinput/index.json").get("cases", ()) if case["category"] == category
    ]
    for case in cases:
        if "file" in case:
            raw = (CONFORMANCE / "badinput" / case["file"]).read_bytes()
            case["text"] = raw.decode("utf-8", "replace")
    return cases
