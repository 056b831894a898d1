"""The real kubectl and helm of this machine; tests that need one skip with the reason where it is missing."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import pytest

from gitopsui.adapters.render_tools import Tools, find_tools

REPOSITORY = Path(__file__).parents[2]


@cache
def real_tools() -> Tools:
    return find_tools(os.environ, REPOSITORY / ".tools" / "bin")


def require_tools(*names: str) -> Tools:
    """The tools, or a skipped test."""
    tools = real_tools()
    for name in names:
        if name in tools.problems:
            pytest.skip(tools.problems[name])
    return tools


def find_kubectl() -> str:
    """The kubectl that brings kustomize: the one whose reading of YAML we follow."""
    command = require_tools("kustomize").kustomize or ()
    if command[1:] != ("kustomize",):
        pytest.skip("kubectl is not installed; there is only a kustomize of its own")
    return command[0]
