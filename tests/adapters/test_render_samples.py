"""The sample cases of bad input that concern rendering, and the same classes by files of our own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gitopsui.adapters.render import Renderer, RenderSource, Tools
from gitopsui.adapters.render_source import Rendered
from gitopsui.adapters.yaml_reader import read_text
from gitopsui.domain.errors import RenderError
from tests.adapters.render_binaries import require_tools
from tests.adapters.render_repository import Commits

CASES = Path(__file__).parents[2] / "../shared/conformance/badinput"
MARKER = Path("/tmp/gitopsui-pwned")
GOOD = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: good}\n"
FOLDER = RenderSource("plain", "apps/demo")

needs_cases = pytest.mark.skipif(not CASES.is_dir(), reason="sample cases are not beside this repository")


def cases(category: str) -> list[dict[str, Any]]:
    if not CASES.is_dir():
        return []
    found = json.loads((CASES / "index.json").read_text())["cases"]
    return [case for case in found if case["category"] == category]


@pytest.fixture
def commits(tmp_path: Path) -> Commits:
    return Commits(tmp_path / "repository")


@pytest.fixture
def renderer(tmp_path: Path) -> Renderer:
    return Renderer(Tools(), tmp_path / "scratch")


def names(rendered: Rendered) -> list[str]:
    found = (manifest.get("metadata") for manifest in rendered.manifests)
    return [metadata.get("name", "") for metadata in found if isinstance(metadata, dict)]


@needs_cases
@pytest.mark.shared
@pytest.mark.parametrize("case", cases("manifest"), ids=lambda case: case["id"])
def test_a_manifest_of_a_wrong_shape_does_not_hide_its_neighbours(
    commits: Commits, renderer: Renderer, case: dict[str, Any]
) -> None:
    text = (CASES / case["file"]).read_text()
    sha = commits.add(
        {f"apps/demo/{Path(case['file']).name}": f"{text}\n---\n{GOOD}", "apps/demo/good.yaml": GOOD}
    )

    rendered = renderer.render(commits.repository, sha, FOLDER)

    assert names(rendered).count("good") == 2
    assert rendered.unreadable == ()
    assert any("NOT_MANIFEST" in note for note in rendered.notes) == (case["outcome"] == "NOT_MANIFEST")
    assert not MARKER.exists()


@needs_cases
@pytest.mark.shared
def test_the_sample_of_remote_bases_is_listed_and_never_fetched(commits: Commits, renderer: Renderer) -> None:
    text = (CASES / "manifest" / "kustomization_remote.yaml").read_text()
    sha = commits.add({"apps/demo/kustomization.yaml": text})

    with pytest.raises(RenderError) as caught:
        renderer.render(commits.repository, sha, RenderSource("kustomize", "apps/demo"))

    assert caught.value.code == "REMOTE_BASE"
    [document] = read_text(text.encode())
    for reference in document["resources"]:
        assert reference in caught.value.message


@needs_cases
@pytest.mark.shared
@pytest.mark.parametrize("tool", ["plain", "kustomize", "helm"])
def test_the_sample_path_of_a_flux_object_leads_nowhere(
    commits: Commits, renderer: Renderer, tool: str
) -> None:
    [document] = read_text((CASES / "manifest" / "flux_kubeconfig_ref.yaml").read_bytes())
    sha = commits.add({"apps/demo/good.yaml": GOOD})

    with pytest.raises(RenderError) as caught:
        renderer.render(commits.repository, sha, RenderSource(tool, document["spec"]["path"]))

    assert caught.value.code == "PATH_OUTSIDE"


@needs_cases
@pytest.mark.shared
def test_a_folder_with_every_bad_sample_file_is_read_around_them(
    commits: Commits, renderer: Renderer
) -> None:
    found = {case["file"]: case for case in cases("yaml")}
    sha = commits.add({f"apps/{name}": (CASES / name).read_bytes() for name in found})

    rendered = renderer.render(commits.repository, sha, RenderSource("plain", "apps/yaml"))

    expected = {f"apps/{name}": case["outcome"] for name, case in found.items() if case["outcome"] != "OK"}
    assert {error.path: error.code for error in rendered.unreadable} == expected
    assert len(rendered.manifests) == 4
    assert not MARKER.exists()


EVIL_NAMES = [
    b"new\nline.yaml",
    b"tab\t.yaml",
    b"bad\xff\xfe.yaml",
    b"--output=x.yaml",
    b"-rf.yaml",
    b"<img src=x onerror=alert(1)>.yaml",
    b"'\"`$(id).yaml",
    "\u202elmay.yaml".encode(),
    b"a" * 245 + b".yaml",
    b" lead.yaml",
    b"%2e%2e%2f.yaml",
    b"x;id.yaml",
    b"*.yaml",
    b":(glob)x.yaml",
    b"/".join([b"d"] * 200) + b"/deep.yaml",
]


def test_files_of_any_name_are_read(commits: Commits, renderer: Renderer) -> None:
    sha = commits.add({f"apps/demo/{name.decode('utf-8', 'surrogateescape')}": GOOD for name in EVIL_NAMES})

    rendered = renderer.render(commits.repository, sha, FOLDER)

    assert len(rendered.manifests) == len(EVIL_NAMES)
    assert rendered.unreadable == ()


@pytest.mark.binary
def test_a_chart_with_files_of_any_valid_name_is_rendered(commits: Commits, tmp_path: Path) -> None:
    files = {f"app/files/{name.decode()}": "x" for name in EVIL_NAMES if b"\xff" not in name}
    chart = {"app/Chart.yaml": "apiVersion: v2\nname: app\nversion: 1.0.0\n", "app/templates/a.yaml": GOOD}
    renderer = Renderer(require_tools("helm"), tmp_path / "scratch")

    rendered = renderer.render(
        commits.repository, commits.add({**files, **chart}), RenderSource("helm", "app")
    )

    assert names(rendered) == ["good"]
