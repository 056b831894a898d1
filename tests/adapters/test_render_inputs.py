"""What a digest follows: exactly the files a render reads, whatever else a commit changes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from gitopsui.adapters.git_output import TreeEntry
from gitopsui.adapters.render import Renderer, RenderSource, Tools
from tests.adapters.render_repository import Commits, Link

PLAIN = RenderSource("plain", "plain")
KUSTOMIZE = RenderSource("kustomize", "kustomize/overlays/production")
HELM = RenderSource("helm", "helm/shop", values_files=("helm/values/production.yaml",))

READ = [
    (PLAIN, "plain/cart.yaml"),
    (PLAIN, "plain/sub/new.yaml"),
    (KUSTOMIZE, "kustomize/overlays/production/kustomization.yaml"),
    (KUSTOMIZE, "kustomize/overlays/production/replicas.yaml"),
    (KUSTOMIZE, "kustomize/base/kustomization.yaml"),
    (KUSTOMIZE, "kustomize/base/deployment.yaml"),
    (KUSTOMIZE, "kustomize/base/app.conf"),
    (KUSTOMIZE, "kustomize/base/greeting.txt"),
    (KUSTOMIZE, "kustomize/base/app.env"),
    (HELM, "helm/shop/Chart.yaml"),
    (HELM, "helm/shop/values.yaml"),
    (HELM, "helm/shop/templates/deployment.yaml"),
    (HELM, "helm/shop/templates/new.yaml"),
    (HELM, "helm/shop/anything.txt"),
    (HELM, "helm/values/production.yaml"),
]
NOT_READ = [
    (PLAIN, "plain/README.md"),
    (PLAIN, "plain-neighbour.yaml"),
    (PLAIN, "plain/.hidden.yaml"),
    (KUSTOMIZE, "kustomize/base/unused.yaml"),
    (KUSTOMIZE, "kustomize/overlays/staging/kustomization.yaml"),
    (KUSTOMIZE, "README.md"),
    (HELM, "helm/values/staging.yaml"),
    (HELM, "helm/other/Chart.yaml"),
]


@pytest.fixture
def commits(tmp_path: Path) -> Commits:
    commits = Commits(tmp_path / "repository")
    commits.add_data("plain", "kustomize", "helm")
    return commits


@pytest.fixture
def renderer(tmp_path: Path) -> Renderer:
    return Renderer(Tools(), tmp_path / "scratch")


def changed(commits: Commits, path: str) -> str:
    """A commit in which this file has another line at its end, or is new."""
    file = commits.folder / path
    content = file.read_bytes() if file.exists() else b""
    return commits.add({path: content + b"\n# changed\n"})


@pytest.mark.parametrize(("source", "path"), READ)
def test_a_file_that_the_render_reads_changes_the_digest(
    commits: Commits, renderer: Renderer, source: RenderSource, path: str
) -> None:
    shas = [commits.repository.resolve("HEAD"), changed(commits, path)]

    digests = {renderer.inputs_digest(commits.repository, sha, source) for sha in shas}

    assert len(digests) == 2


@pytest.mark.parametrize(("source", "path"), NOT_READ)
def test_a_file_that_the_render_does_not_read_leaves_the_digest(
    commits: Commits, renderer: Renderer, source: RenderSource, path: str
) -> None:
    shas = [commits.repository.resolve("HEAD"), changed(commits, path)]

    digests = {renderer.inputs_digest(commits.repository, sha, source) for sha in shas}

    assert len(digests) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"release_name": "x"},
        {"namespace": "x"},
        {"include_crds": False},
        {"parameters": ("a=b",)},
        {"kube_version": "1.30.0"},
        {"values_files": ()},
    ],
)
def test_whatever_helm_is_told_changes_the_digest(
    commits: Commits, renderer: Renderer, changes: dict[str, object]
) -> None:
    sha = commits.repository.resolve("HEAD")

    digests = [
        renderer.inputs_digest(commits.repository, sha, source)
        for source in (HELM, replace(HELM, **changes))  # type: ignore[arg-type]
    ]

    assert digests[0] != digests[1]


def test_another_version_of_the_tool_changes_the_digest_of_what_it_renders(
    commits: Commits, tmp_path: Path
) -> None:
    sha = commits.repository.resolve("HEAD")
    renderers = [Renderer(Tools(versions={"helm": version}), tmp_path) for version in ("4.1.4", "4.2.0")]

    helm = {each.inputs_digest(commits.repository, sha, HELM) for each in renderers}
    kustomize = {each.inputs_digest(commits.repository, sha, KUSTOMIZE) for each in renderers}

    assert (len(helm), len(kustomize)) == (2, 1)


def test_a_chart_and_a_plugin_folder_that_lie_elsewhere_are_followed(
    commits: Commits, renderer: Renderer
) -> None:
    chart = "apiVersion: v2\nname: app\nversion: 1.0.0\ndependencies: [{name: lib, repository: 'file://../lib'}]\n"
    commits.add(
        {
            "app/Chart.yaml": chart,
            "lib/Chart.yaml": "apiVersion: v2\nname: lib\nversion: 1.0.0\n",
            "k/kustomization.yaml": "generators: [g.yaml]\n",
            "k/g.yaml": "apiVersion: builtin\nkind: ConfigMapGenerator\nfiles: [deep/x]\n",
        }
    )
    sources = (RenderSource("helm", "app"), RenderSource("kustomize", "k"))

    shas = [commits.repository.resolve("HEAD"), commits.add({"lib/templates/a.yaml": "a", "k/deep/x": "b"})]

    for source in sources:
        assert len({renderer.inputs_digest(commits.repository, sha, source) for sha in shas}) == 2


@pytest.mark.parametrize(
    "source",
    [
        RenderSource("kustomize", "missing"),
        RenderSource("kustomize", "../.."),
        RenderSource("kustomize", "remote"),
        RenderSource("helm", "remote"),
        RenderSource("plain", "/etc"),
        RenderSource("plain", "link"),
        RenderSource("jsonnet", "plain"),
    ],
)
def test_a_source_that_cannot_be_rendered_has_a_digest_too(
    commits: Commits, renderer: Renderer, source: RenderSource
) -> None:
    sha = commits.add({"remote/kustomization.yaml": "resources: ['gh:a/b']\n", "link": Link("plain")})

    digest = renderer.inputs_digest(commits.repository, sha, source)

    assert digest == renderer.inputs_digest(commits.repository, sha, source)
    assert len(digest) == 64


def test_an_unrelated_commit_in_a_repository_with_remote_bases_leaves_the_digest(
    commits: Commits, renderer: Renderer
) -> None:
    first = commits.add({"remote/kustomization.yaml": "resources: ['gh:a/b']\n"})
    second = commits.add({"README.md": "x"})
    third = commits.add({"remote/kustomization.yaml": "resources: ['gh:a/c']\n"})
    source = RenderSource("kustomize", "remote")

    digests = [renderer.inputs_digest(commits.repository, sha, source) for sha in (first, second, third)]

    assert digests[0] == digests[1] != digests[2]


class CountedTree:
    """A repository that counts how often it is asked."""

    def __init__(self, commits: Commits) -> None:
        self._repository = commits.repository
        self.path = self._repository.path
        self.questions: list[str] = []

    def tree(self, commit: str, path: str = "") -> list[TreeEntry]:
        self.questions.append("tree")
        return self._repository.tree(commit, path)

    def blobs(self, shas: Iterable[str], *, max_bytes: int) -> dict[str, bytes]:
        self.questions.append("blobs")
        return self._repository.blobs(shas, max_bytes=max_bytes)


def test_a_second_digest_of_a_commit_asks_nothing_and_one_of_the_next_commit_only_for_its_listing(
    commits: Commits, renderer: Renderer
) -> None:
    tree = CountedTree(commits)
    first = commits.repository.resolve("HEAD")

    renderer.inputs_digest(tree, first, KUSTOMIZE)
    assert tree.questions == ["tree", "blobs", "blobs"]
    renderer.inputs_digest(tree, first, KUSTOMIZE)
    renderer.inputs_digest(tree, first, PLAIN)
    assert tree.questions == ["tree", "blobs", "blobs"]
    renderer.inputs_digest(tree, changed(commits, "README.md"), KUSTOMIZE)
    assert tree.questions == ["tree", "blobs", "blobs", "tree"]


def test_the_listing_of_a_branch_is_not_remembered(commits: Commits, renderer: Renderer) -> None:
    first = renderer.inputs_digest(commits.repository, "refs/heads/main", PLAIN)
    changed(commits, "plain/cart.yaml")

    assert renderer.inputs_digest(commits.repository, "refs/heads/main", PLAIN) != first
