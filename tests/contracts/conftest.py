from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from apps.demo.standin import StandIn
from tests.contracts.kubectl import TOKENS, VARIABLE, Api, require_kubectl


@pytest.fixture(scope="module")
def server() -> Iterator[StandIn | None]:
    """The stand-in, or None for the cluster that the environment names."""
    require_kubectl()
    if os.environ.get(VARIABLE):
        yield None
        return
    with StandIn(tokens=TOKENS) as standin:
        yield standin


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where kubectl keeps what it discovers, from test to test."""
    return tmp_path_factory.mktemp("kubectl")


@pytest.fixture
def api(server: StandIn | None, home: Path) -> Iterator[Api]:
    """In a namespace of its own, which is removed after the test."""
    name = f"gitopsui-{uuid.uuid4().hex[:10]}"
    cluster = Api(home, server, "")
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    try:
        yield Api(home, server, name)
    finally:
        cluster.call("delete", "namespace", name, "--wait=false")
