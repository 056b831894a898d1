from __future__ import annotations

from pathlib import Path

import pytest

from gitopsui.adapters.render import Origin, Renderer, RenderSource, Tools
from gitopsui.adapters.render_source import Rendered
from gitopsui.domain.errors import RenderError
from tests.adapters.render_repository import Commits, Link

CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n"


@pytest.fixture
def commits(tmp_path: Path) -> Commits:
    return Commits(tmp_path / "repository")


def render(commits: Commits, sha: str, path: str) -> Rendered:
    renderer = Renderer(Tools(), commits.folder.parent / "scratch")
    return renderer.render(commits.repository, sha, RenderSource("plain", path))


def names(rendered: Rendered) -> list[str]:
    return [f"{manifest['kind']}/{manifest['metadata']['name']}" for manifest in rendered.manifests]


def test_all_manifests_below_the_folder_are_read_with_their_file_and_line(commits: Commits) -> None:
    sha = commits.add_data("plain")

    rendered = render(commits, sha, "plain")

    assert dict(zip(names(rendered), rendered.origins, strict=True)) == {
        "Deployment/cart": Origin("plain/cart.yaml", 1),
        "Service/cart": Origin("plain/cart.yaml", 15),
        "ServiceAccount/cart": Origin("plain/sub/account.json", 1),
        "ConfigMap/one": Origin("plain/sub/list.yml", 1),
        "ConfigMap/two": Origin("plain/sub/list.yml", 1),
    }
    assert (rendered.unreadable, rendered.notes, rendered.is_deterministic) == ((), (), True)
    assert rendered.renderer == "plain"


def test_the_whole_repository_and_a_single_file_can_be_the_source(commits: Commits) -> None:
    sha = commits.add({"a.yaml": CONFIG, "b/c.yaml": CONFIG.replace("x", "z")})

    assert names(render(commits, sha, "")) == ["ConfigMap/x", "ConfigMap/z"]
    assert names(render(commits, sha, ".")) == ["ConfigMap/x", "ConfigMap/z"]
    assert names(render(commits, sha, "b/c.yaml")) == ["ConfigMap/z"]


def test_the_commit_that_was_asked_for_is_read(commits: Commits) -> None:
    first = commits.add({"a/x.yaml": CONFIG})
    second = commits.add({"a/x.yaml": CONFIG.replace("x", "z")})

    assert [names(render(commits, sha, "a")) for sha in (first, second)] == [["ConfigMap/x"], ["ConfigMap/z"]]


def test_an_unreadable_file_is_named_and_the_others_are_read(commits: Commits) -> None:
    sha = commits.add({"a/bad.yaml": f"{CONFIG}---\na: [\n", "a/good.yaml": CONFIG, "a/list.yaml": "- x\n"})

    rendered = render(commits, sha, "a")

    assert names(rendered) == ["ConfigMap/x"]
    assert [(error.code, error.path, error.line) for error in rendered.unreadable] == [
        ("YAML_SYNTAX", "a/bad.yaml", 6),
        ("NOT_MANIFEST", "a/list.yaml", 1),
    ]


def test_what_is_no_manifest_is_left_out_with_a_note(commits: Commits) -> None:
    sha = commits.add(
        {
            "a/values.yaml": "replicas: 1\n",
            "a/daemon.yaml": "kind: DaemonSet\nreplicas: 1\n",
            "a/kustomization.yaml": "resources: [x.yaml]\n",
            "a/odd.yaml": f"apiVersion: v1\nkind: [Secret]\nmetadata: {{name: o}}\n---\n{CONFIG}",
        }
    )

    rendered = render(commits, sha, "a")

    assert names(rendered) == ["ConfigMap/x"]
    assert len(rendered.notes) == 4
    assert sum("NOT_MANIFEST" in note for note in rendered.notes) == 3
    assert any("'a/odd.yaml', line 1," in note for note in rendered.notes)
    assert rendered.unreadable == ()


def test_a_manifest_of_a_wrong_shape_is_kept_for_the_shape_check(commits: Commits) -> None:
    sha = commits.add({"a/x.yaml": f"apiVersion: 1\nkind: ConfigMap\nmetadata: x\n---\n{CONFIG}"})

    assert [manifest["apiVersion"] for manifest in render(commits, sha, "a").manifests] == [1, "v1"]


def test_folders_with_a_renderer_of_their_own_and_hidden_files_are_left_out(commits: Commits) -> None:
    sha = commits.add(
        {
            "a/x.yaml": CONFIG,
            "a/README.md": "# not YAML: [",
            "a/.github/workflow.yaml": "on: push\n",
            "a/.hidden.yaml": "x: 1\n",
            "a/chart/Chart.yaml": "name: c\n",
            "a/chart/templates/t.yaml": "{{ .Values }}\n",
            "a/overlay/kustomization.yml": "resources: []\n",
            "a/overlay/deep/p.yaml": "x: 1\n",
        }
    )

    rendered = render(commits, sha, "a")

    assert names(rendered) == ["ConfigMap/x"]
    assert rendered.unreadable == ()
    assert [note.split("'")[1] for note in rendered.notes] == ["a/chart", "a/overlay"]


def test_links_and_submodules_are_never_followed(commits: Commits) -> None:
    commits.add(
        {"a/x.yaml": CONFIG, "a/passwd.yaml": Link("/etc/passwd"), "a/loop": Link("loop"), "b": Link("a")}
    )
    sha = commits.add_submodule("a/module")

    rendered = render(commits, sha, "a")

    assert names(rendered) == ["ConfigMap/x"]
    assert [(error.code, error.path) for error in rendered.unreadable] == [
        ("SYMLINK", "a/loop"),
        ("SUBMODULE", "a/module"),
        ("SYMLINK", "a/passwd.yaml"),
    ]


def test_a_file_over_the_limit_is_named_and_not_fetched(commits: Commits) -> None:
    sha = commits.add({"a/x.yaml": CONFIG, "a/large.yaml": "# " + "x" * (4 << 20)})

    rendered = render(commits, sha, "a")

    assert [(error.code, error.path) for error in rendered.unreadable] == [("YAML_SIZE", "a/large.yaml")]
    assert names(rendered) == ["ConfigMap/x"]


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("../x", "PATH_OUTSIDE"),
        ("a/../../..", "PATH_OUTSIDE"),
        ("/etc", "PATH_OUTSIDE"),
        ("missing", "PATH_MISSING"),
        ("b", "SYMLINK"),
        ("b/x.yaml", "SYMLINK"),
    ],
)
def test_a_folder_that_is_not_there_is_an_error(commits: Commits, path: str, code: str) -> None:
    sha = commits.add({"a/x.yaml": CONFIG, "b": Link("a")})

    with pytest.raises(RenderError) as caught:
        render(commits, sha, path)
    assert (caught.value.code, caught.value.permanent) == (code, True)


def test_an_application_over_the_limits_is_refused(commits: Commits) -> None:
    text = f"---\n{CONFIG}"
    sha = commits.add(
        {
            "many/a.yaml": text * 3000,
            "many/b.yaml": text * 3000,
            **{f"large/{number}.yaml": f"# {'x' * (3 << 20)}\n# {number}" for number in range(4)},
        }
    )

    for path in ("many", "large"):
        with pytest.raises(RenderError) as caught:
            render(commits, sha, path)
        assert caught.value.code == "RENDER_TOO_LARGE"


def test_a_folder_without_manifests_says_so(commits: Commits) -> None:
    rendered = render(commits, commits.add({"a/README.md": "x"}), "a")

    assert rendered.manifests == ()
    assert rendered.notes == ("There is no manifest in this folder.",)
