from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from gitopsui.adapters.render import Renderer, RenderSource, Tools
from gitopsui.adapters.render_kustomize import Reference, references
from gitopsui.domain.errors import RenderError
from tests.adapters.render_binaries import require_tools
from tests.adapters.render_repository import Commits, Link

CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n"
PRODUCTION = RenderSource("kustomize", "kustomize/overlays/production")


@pytest.fixture
def commits(tmp_path: Path) -> Commits:
    return Commits(tmp_path / "repository")


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    return tmp_path / "scratch"


def refusal(commits: Commits, files: Mapping[str, str | bytes | Link], path: str = "app") -> RenderError:
    """The error of a render on a machine without kustomize: it must come before one is looked for."""
    renderer = Renderer(Tools(), commits.folder.parent / "scratch")
    with pytest.raises(RenderError) as caught:
        renderer.render(commits.repository, commits.add(files), RenderSource("kustomize", path))
    return caught.value


@pytest.mark.binary
def test_an_overlay_is_rendered_with_its_base_patches_and_generators(commits: Commits, scratch: Path) -> None:
    renderer = Renderer(require_tools("kustomize"), scratch)

    rendered = renderer.render(commits.repository, commits.add_data("kustomize"), PRODUCTION)

    found = {manifest["kind"]: manifest for manifest in rendered.manifests}
    assert sorted(found) == ["ConfigMap", "Deployment", "Service"]
    assert found["Deployment"]["spec"]["replicas"] == 5
    image = found["Deployment"]["spec"]["template"]["spec"]["containers"][0]["image"]
    assert image == "registry.example/shop/cart:1.5.0"
    assert found["ConfigMap"]["data"] == {
        "COLOUR": "green",
        "app.conf": "level=info\n",
        "motd": "Good morning\n",
    }
    assert {manifest["metadata"]["namespace"] for manifest in rendered.manifests} == {"production"}
    assert (rendered.unreadable, rendered.notes) == ((), ())
    assert rendered.renderer.startswith("kustomize ")
    assert list(scratch.iterdir()) == []


@pytest.mark.binary
def test_what_kustomize_complains_about_is_told_without_places_of_this_machine(
    commits: Commits, scratch: Path
) -> None:
    sha = commits.add({"app/kustomization.yaml": "resources: [x.yaml]\n", "app/x.yaml": "a: b\n"})

    with pytest.raises(RenderError) as caught:
        Renderer(require_tools("kustomize"), scratch).render(
            commits.repository, sha, RenderSource("kustomize", "app")
        )

    assert caught.value.code == "RENDER_FAILED"
    assert "missing" in caught.value.message
    assert str(scratch) not in caught.value.message


@pytest.mark.binary
def test_a_plugin_that_would_run_a_program_is_not_run(commits: Commits, scratch: Path) -> None:
    marker = scratch.parent / "marker"
    plugin = (
        "apiVersion: x/v1\nkind: X\nmetadata:\n  name: x\n  annotations:\n"
        "    config.kubernetes.io/function: |\n      exec: {path: ./run.sh}\n"
    )
    files = {
        "app/kustomization.yaml": "transformers: [plugin.yaml]\nresources: [x.yaml]\n",
        "app/plugin.yaml": plugin,
        "app/run.sh": f"#!/bin/sh\ntouch {marker}\n",
        "app/x.yaml": CONFIG,
    }

    with pytest.raises(RenderError) as caught:
        Renderer(require_tools("kustomize"), scratch).render(
            commits.repository, commits.add(files), RenderSource("kustomize", "app")
        )

    assert caught.value.code == "RENDER_FAILED"
    assert not marker.exists()


@pytest.mark.binary
def test_built_in_plugins_with_files_of_their_own_are_rendered(commits: Commits, scratch: Path) -> None:
    generator = (
        "apiVersion: builtin\nkind: ConfigMapGenerator\nmetadata: {name: made}\nfiles: [deep/note.txt]\n"
    )
    files = {
        "app/kustomization.yaml": "generators: [plugins]\n",
        "app/plugins/kustomization.yaml": "resources: [generator.yaml]\n",
        "app/plugins/generator.yaml": generator,
        "app/deep/note.txt": "hello",
        "app/plugins/deep/note.txt": "hello",
    }
    sha = commits.add(files)

    rendered = Renderer(require_tools("kustomize"), scratch).render(
        commits.repository, sha, RenderSource("kustomize", "app")
    )

    assert [manifest["data"] for manifest in rendered.manifests] == [{"note.txt": "hello"}]


def test_without_kustomize_the_reason_and_a_hint_are_given(commits: Commits) -> None:
    error = refusal(commits, {"app/kustomization.yaml": "resources: [x.yaml]\n", "app/x.yaml": CONFIG})

    assert (error.code, error.permanent, error.message) == ("TOOL_MISSING", True, "kustomize not found.")
    assert "GITOPSUI_KUSTOMIZE" in error.hint


REMOTE = "https://example.org/x"
REMOTE_REFERENCES = {
    "resources": f"resources: ['{REMOTE}']",
    "bases": "bases: ['github.com/org/repo//base?ref=v1']",
    "components": "components: ['git@example.org:org/repo']",
    "upper case": f"Resources: ['{REMOTE}']",
    "letters that Go folds": f"re\u017fources: ['{REMOTE}']",
    "a second spelling": f"resources: []\nRESOURCES: ['{REMOTE}']",
    "crds": f"crds: ['{REMOTE}']",
    "configurations": f"configurations: ['{REMOTE}']",
    "openapi": f"openapi: {{path: '{REMOTE}'}}",
    "patches": f"patches: [{{path: '{REMOTE}'}}]",
    "old patches": f"patches: ['{REMOTE}']",
    "strategic patches": f"patchesStrategicMerge: ['{REMOTE}']",
    "a line end": f'patchesStrategicMerge: ["{REMOTE}\\n"]',
    "json patches": f"patchesJson6902: [{{path: '{REMOTE}'}}]",
    "replacements": f"replacements: [{{path: '{REMOTE}'}}]",
    "generated files": f"configMapGenerator: [{{name: x, files: ['k={REMOTE}']}}]",
    "generated files without a key": f"configMapGenerator: [{{name: x, files: ['{REMOTE}?a=b']}}]",
    "generated variables": f"secretGenerator: [{{name: x, envs: ['{REMOTE}']}}]",
    "an old generated variable": f"secretGenerator: [{{name: x, env: '{REMOTE}'}}]",
    "an alias": f"x: &x ['{REMOTE}']\nresources: *x",
    "a merge": f"<<: {{resources: ['{REMOTE}']}}",
    "generators": f"generators: ['{REMOTE}']",
    "an inline plugin": f'transformers: ["kind: PatchTransformer\\npath: {REMOTE}"]',
}


@pytest.mark.parametrize("text", REMOTE_REFERENCES.values(), ids=REMOTE_REFERENCES)
def test_a_remote_reference_is_refused_before_anything_is_run(commits: Commits, text: str) -> None:
    error = refusal(commits, {"app/kustomization.yaml": f"{text}\n"})

    assert (error.code, error.permanent) == ("REMOTE_BASE", True)
    assert error.message.startswith("app/kustomization.yaml refers to ")
    assert error.hint


def test_a_remote_reference_of_a_base_of_a_base_is_found(commits: Commits) -> None:
    files = {
        "app/kustomization.yaml": "resources: [../one]\n",
        "one/kustomization.yml": "components: [../two]\n",
        "two/Kustomization": f"resources: ['{REMOTE}']\n",
    }

    assert refusal(commits, files).message.startswith("two/Kustomization refers to ")


def test_a_remote_reference_in_the_configuration_of_a_plugin_is_found(commits: Commits) -> None:
    plugin = f"apiVersion: builtin\nkind: PatchTransformer\nmetadata: {{name: p}}\npath: {REMOTE}\n"
    files = {
        "app/kustomization.yaml": "transformers: [plugins]\n",
        "app/plugins/kustomization.yaml": "resources: [p.yaml]\n",
        "app/plugins/p.yaml": plugin,
    }

    assert refusal(commits, files).code == "REMOTE_BASE"


def test_all_references_are_named_and_credentials_are_not(commits: Commits) -> None:
    entries = "['https://ada:hunter2@example.org/x', ../../../etc, missing.yaml, 'gh:a/b', 'gh:c/d']"

    error = refusal(commits, {"app/kustomization.yaml": f"resources: {entries}\n"})

    assert error.code == "REMOTE_BASE"
    assert "hunter2" not in error.message
    assert "../../../etc" in error.message
    assert "missing.yaml" in error.message
    assert "2 more" in error.message


@pytest.mark.parametrize(
    "text",
    [
        "helmCharts: [{name: x, repo: 'https://example.org'}]",
        "HelmCharts: []",
        "helmChartInflationGenerator: [{chartName: x}]",
        'generators: ["kind: HelmChartInflationGenerator\\nname: x"]',
    ],
)
def test_helm_charts_inside_kustomize_are_refused_with_a_way_out(commits: Commits, text: str) -> None:
    error = refusal(commits, {"app/kustomization.yaml": f"{text}\n"})

    assert error.code == "HELM_CHARTS"
    assert "rendered by helm" in error.hint


@pytest.mark.parametrize(
    ("files", "code"),
    [
        ({"app/x.yaml": CONFIG}, "PATH_MISSING"),
        ({"app/kustomization.yaml": "resources: [nothing.yaml]\n"}, "PATH_MISSING"),
        ({"app/kustomization.yaml": "patches: [{path: ../app}]\n"}, "PATH_MISSING"),
        ({"app/kustomization.yaml": "a: 1\n", "app/kustomization.yml": "b: 1\n"}, "PATH_MISSING"),
        ({"app/kustomization.yaml": "resources: [../../x]\n"}, "PATH_OUTSIDE"),
        ({"app/kustomization.yaml": "resources: [/etc]\n"}, "PATH_OUTSIDE"),
        ({"app/kustomization.yaml": "resources: [\n"}, "RENDER_FAILED"),
        ({"app/kustomization.yaml": "- a\n"}, "RENDER_FAILED"),
        ({"app/kustomization.yaml": "a: 1\n---\nb: 1\n"}, "RENDER_FAILED"),
        ({"app/kustomization.yaml": "a: " + "x" * (2 << 20)}, "RENDER_FAILED"),
        ({"app/kustomization.yaml": "resources: [l]\n", "app/l": Link("/etc/passwd")}, "SYMLINK"),
        ({"app/kustomization.yaml": "resources: [l/x]\n", "app/l": Link("../b"), "b/x": CONFIG}, "SYMLINK"),
        ({"app": Link("b"), "b/kustomization.yaml": "resources: []\n"}, "SYMLINK"),
        ({"app/kustomization.yaml": Link("x.yaml"), "app/x.yaml": "resources: []\n"}, "SYMLINK"),
    ],
)
def test_a_folder_that_cannot_be_rendered_is_refused_before_anything_is_run(
    commits: Commits, files: Mapping[str, str | Link], code: str
) -> None:
    assert refusal(commits, files).code == code


def test_bases_that_name_each_other_end(commits: Commits) -> None:
    files = {
        "app/kustomization.yaml": "resources: [../base]\n",
        "base/kustomization.yaml": "resources: [../app]\n",
    }

    assert refusal(commits, files).code == "TOOL_MISSING"


def test_values_of_wrong_types_name_nothing() -> None:
    document = {
        "resources": "x.yaml",
        "bases": [1, None, {"a": "b"}, ""],
        "patches": [{"path": 5}, 7],
        "openapi": ["x"],
        "configMapGenerator": {"files": ["k=v.txt"]},
        "secretGenerator": None,
    }

    assert list(references(document)) == [
        Reference("x.yaml", "resources", may_be_folder=True),
        Reference("v.txt", "configMapGenerator"),
    ]
