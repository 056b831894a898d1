"""Whatever a cluster answers, its page says what to do next."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gitopsui.adapters import cluster, cluster_call
from gitopsui.domain.cluster_hints import hint_of
from gitopsui.domain.errors import ClusterError

READING = ("cluster.py", "cluster_access.py", "cluster_call.py", "cluster_listing.py", "http_policy.py")


def codes() -> set[str]:
    """The codes that the modules which read a cluster raise, and those they translate to."""
    folder = Path(cluster.__file__).parent
    source = "".join((folder / name).read_text(encoding="utf-8") for name in READING)
    return set(re.findall(r'code="([A-Z_]+)"', source)) | set(cluster_call.CODES.values())


def test_the_codes_are_found() -> None:
    assert {"CLUSTER_BUSY", "CLUSTER_TLS", "CLUSTER_UNREACHABLE", "URL_ADDRESS"} <= codes()


@pytest.mark.parametrize("code", sorted(codes()))
def test_every_code_has_a_hint(code: str) -> None:
    assert hint_of(ClusterError("It failed.", code=code)).endswith(".")


def test_the_hint_of_the_error_itself_comes_first() -> None:
    assert hint_of(ClusterError("It failed.", code="CLUSTER_BUSY", hint="Do this.")) == "Do this."
