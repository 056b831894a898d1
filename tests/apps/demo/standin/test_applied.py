"""Samples of what a real API server was given: applied to the stand-in, they come back without drift."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from apps.demo.standin import StandIn
from tests.contracts.kubectl import TOKENS, Api, require_kubectl

APPLIED = Path(__file__).parents[4] / "../shared/conformance/applied"
CASES = sorted(APPLIED.glob("*-client.desired.json")) + sorted(APPLIED.glob("*-server.desired.json"))

pytestmark = [
    pytest.mark.binary,
    pytest.mark.shared,
    pytest.mark.skipif(not APPLIED.is_dir(), reason="sample cases are not beside this repository"),
]


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    require_kubectl()
    with StandIn(tokens=TOKENS) as standin:
        yield Api(tmp_path, standin, "")


@pytest.mark.parametrize("file", CASES, ids=lambda path: path.name.split(".")[0])
def test_a_sample_comes_back_without_drift(api: Api, file: Path) -> None:
    way = file.name.split(".")[0].rpartition("-")[2]
    flags = ("--server-side",) if way == "server" else ()
    desired = json.loads(file.read_text(encoding="utf-8"))
    api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": way}})
    if desired["kind"] == "Widget":
        definition = file.with_name(f"customresourcedefinition-{way}.desired.json")
        api.apply(json.loads(definition.read_text(encoding="utf-8")), flags=flags)
    api.apply(desired, flags=flags)
    assert len(api.live(desired)) == 1
    assert api.drift(desired) == []
