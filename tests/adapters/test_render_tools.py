from __future__ import annotations

from pathlib import Path

import pytest

from gitopsui.adapters.render_tools import find_tools
from gitopsui.domain.errors import RenderError
from tests.adapters.render_binaries import require_tools

KUBECTL = '{{"clientVersion": {{"gitVersion": "{version}"}}{more}}}'


def program(folder: Path, name: str, answer: str) -> Path:
    """A program that prints `answer` whatever it is asked."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\ncat <<'END'\n{answer}\nEND\n")
    path.chmod(0o755)
    return path


def kubectl(folder: Path, version: str, kustomize: str = "") -> Path:
    more = f', "kustomizeVersion": "{kustomize}"' if kustomize else ""
    return program(folder, "kubectl", KUBECTL.format(version=version, more=more))


def test_tools_are_looked_for_in_the_folder_first_and_then_on_the_path(tmp_path: Path) -> None:
    near, far = tmp_path / "near", tmp_path / "far"
    helm = program(near, "helm", "v4.1.4+g05fa379")
    program(far, "helm", "v3.1.0")
    kustomize = program(far, "kustomize", "v5.7.1")

    tools = find_tools({"PATH": str(far)}, near)

    assert (tools.helm, tools.kustomize) == ((str(helm),), (str(kustomize),))
    assert (tools.versions, tools.problems) == ({"helm": "4.1.4", "kustomize": "5.7.1"}, {})
    assert tools.require("helm") == (str(helm),)


def test_kubectl_counts_as_kustomize(tmp_path: Path) -> None:
    path = kubectl(tmp_path, "v1.34.5", "v5.7.1")

    tools = find_tools({"PATH": str(tmp_path)})

    assert tools.kustomize == (str(path), "kustomize")
    assert tools.versions == {"kustomize": "5.7.1"}


def test_a_kubectl_that_does_not_tell_its_kustomize_is_named_itself(tmp_path: Path) -> None:
    kubectl(tmp_path, "v1.22.0")

    assert find_tools({"PATH": str(tmp_path)}).versions == {"kustomize": "of kubectl 1.22.0"}


@pytest.mark.parametrize("answer", ["{Version:kustomize/v4.5.7 GitCommit:56d82a8 BuildDate:2022}", "4.5.7"])
def test_older_ways_to_tell_a_version_are_understood(tmp_path: Path, answer: str) -> None:
    program(tmp_path, "kustomize", answer)

    assert find_tools({"PATH": str(tmp_path)}).versions == {"kustomize": "4.5.7"}


def test_the_kubectl_of_old_distributions_is_refused_with_a_reason_and_a_hint(tmp_path: Path) -> None:
    path = kubectl(tmp_path, "v1.20.2")

    tools = find_tools({"PATH": str(tmp_path)})

    assert tools.kustomize is None
    assert tools.problems["kustomize"] == (
        f"kustomize not found. kubectl 1.20.2 at {path} is too old; 1.21 is the oldest that works."
    )
    with pytest.raises(RenderError) as caught:
        tools.require("kustomize")
    assert (caught.value.code, caught.value.permanent) == ("TOOL_MISSING", True)
    assert "GITOPSUI_KUSTOMIZE" in caught.value.hint


def test_a_newer_one_further_on_is_used_in_its_place(tmp_path: Path) -> None:
    kubectl(tmp_path / "old", "v1.20.2")
    path = kubectl(tmp_path / "new", "v1.34.5", "v5.7.1")

    assert find_tools({"PATH": str(path.parent)}, tmp_path / "old").kustomize == (str(path), "kustomize")


def test_a_tool_that_was_named_is_used_and_not_replaced_by_another(tmp_path: Path) -> None:
    named = kubectl(tmp_path / "named", "v1.30.0", "v5.0.4")
    program(tmp_path / "path", "kustomize", "v5.7.1")
    program(tmp_path / "path", "helm", "v4.1.4")
    environment = {
        "PATH": str(tmp_path / "path"),
        "GITOPSUI_KUBECTL": str(named),
        "GITOPSUI_HELM": str(tmp_path / "missing"),
    }

    tools = find_tools(environment)

    assert tools.kustomize == (str(named), "kustomize")
    assert tools.helm is None
    assert tools.problems["helm"] == "helm not found. The program missing is not installed."


@pytest.mark.parametrize("answer", ["", "no version here", "{}", "[1]", '{"clientVersion": 5}'])
def test_a_program_that_answers_nonsense_is_no_tool(tmp_path: Path, answer: str) -> None:
    for name in ("kustomize", "kubectl", "helm"):
        program(tmp_path, name, answer)

    assert sorted(find_tools({"PATH": str(tmp_path)}).problems) == ["helm", "kustomize"]


def test_without_any_tool_both_are_missing() -> None:
    assert find_tools({}).problems == {"kustomize": "kustomize not found.", "helm": "helm not found."}


@pytest.mark.binary
def test_the_real_tools_are_found() -> None:
    assert set(require_tools("kustomize", "helm").versions) == {"kustomize", "helm"}
