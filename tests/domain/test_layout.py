"""What a config repository holds is told as its authors would tell it."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from gitopsui.domain.layout import MOST_PROPOSALS, Layout, Proposal, interesting_paths, recognise
from gitopsui.domain.layout_names import words

EXAMPLES = Path(__file__).parents[1] / "data/layouts"
SAMPLES = Path(__file__).parents[2] / "../shared/conformance/badinput/manifest"
URL = "https://github.com/shop/gitops"


def read(example: dict[str, Any]) -> Layout:
    files: dict[str, list[Any]] = {}
    for path, text in example["files"].items():
        try:
            files[path] = list(yaml.safe_load_all(text))
        except yaml.YAMLError:
            continue
    return recognise(
        files,
        list(example["files"]),
        repository_url=example.get("url", ""),
        name=example.get("name", ""),
        read_text=lambda text: list(yaml.safe_load_all(text)),
    )


def load(name: str) -> dict[str, Any]:
    example: dict[str, Any] = yaml.safe_load((EXAMPLES / f"{name}.yaml").read_text("utf-8"))
    return example


def told(layout: Layout) -> list[list[str]]:
    return [[p.component, p.environment, p.path, p.renderer, *p.values_files] for p in layout.proposals]


def application(name: str, path: str, **source: Any) -> dict[str, Any]:
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": name},
        "spec": {
            "source": {"repoURL": URL, "path": path, **source},
            "destination": {"name": "in-cluster", "namespace": name},
        },
    }


def find(layout: Layout, component: str) -> Proposal:
    return next(proposal for proposal in layout.proposals if proposal.component == component)


DEPLOYMENT = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}}
NAMES = sorted(path.stem for path in EXAMPLES.glob("*.yaml"))


@pytest.mark.parametrize("name", NAMES)
def test_the_applications_of_an_example_are_proposed(name: str) -> None:
    example = load(name)

    layout = read(example)

    assert told(layout) == example["proposals"]
    assert list(layout.environments) == example["environments"]


@pytest.mark.parametrize("name", NAMES)
def test_what_cannot_be_rendered_says_why_and_the_rest_says_nothing(name: str) -> None:
    example = load(name)

    reasons = {proposal.path: proposal.reason for proposal in read(example).proposals if proposal.reason}

    assert reasons == example.get("reasons", {})


@pytest.mark.parametrize("name", NAMES)
def test_what_is_left_out_is_said(name: str) -> None:
    example = load(name)

    details = {finding.detail for finding in read(example).findings}

    assert set(example.get("findings", [])) <= details


@pytest.mark.parametrize("name", NAMES)
def test_the_order_of_the_files_does_not_matter(name: str) -> None:
    example = load(name)
    expected = read(example)
    paths = list(example["files"])
    random.Random(name).shuffle(paths)

    shuffled = read({**example, "files": {path: example["files"][path] for path in paths}})

    assert shuffled == expected


def test_an_application_keeps_what_argo_cd_is_told() -> None:
    cart = find(read(load("argocd")), "cart")

    assert cart.release_name == "cart"
    assert cart.namespace == "shop"
    assert cart.cluster_hint == "staging-cluster"
    assert cart.managed_by == "Argo CD Application cart-staging"
    assert cart.parameters == ("image.tag=1.2", r"hosts=a\,b", "flag=true")
    assert cart.inline_values == '{"replicas": 2}'


def test_a_chart_of_the_network_keeps_its_version() -> None:
    layout = read(load("argocd"))

    remote = next(proposal for proposal in layout.proposals if proposal.path == "argocd")

    assert (remote.declared_version, remote.release_name, remote.branch) == ("2.3.4", "prod-cart", "")


def test_no_reason_carries_a_password() -> None:
    for name in NAMES:
        assert "word@" not in repr(read(load(name)))


def test_the_version_of_a_release_comes_from_its_patch() -> None:
    example = load("flux")

    versions = {p.path: p.declared_version for p in read(example).proposals if p.declared_version}

    assert versions == example["versions"]


def test_a_release_keeps_what_flux_is_told() -> None:
    shop = find(read(load("flux")), "shop")

    assert (shop.namespace, shop.release_name, shop.cluster_hint) == ("shop", "shop", "staging")
    assert shop.note == "Values that lie in the cluster are left out: Secret shop."


def test_a_folder_on_another_branch_is_proposed_with_that_branch() -> None:
    tenant = find(read(load("flux")), "tenant")

    assert (tenant.branch, tenant.reason) == ("tenant", "")
    assert "not the branch looked at" in tenant.note


def test_an_inline_patch_is_read_where_the_caller_can_read_it() -> None:
    patch = "- {op: replace, path: /spec/source/path, value: cart/prod}"
    files: dict[str, list[Any]] = {
        "base/kustomization.yaml": [{"resources": ["cart.yaml"]}],
        "base/cart.yaml": [application("cart", "cart/dev")],
        "prod/kustomization.yaml": [
            {"resources": ["../base"], "patches": [{"target": {"kind": "Application"}, "patch": patch}]}
        ],
        "cart/dev/cart.yaml": [DEPLOYMENT],
        "cart/prod/cart.yaml": [DEPLOYMENT],
    }

    layout = recognise(files, files, read_text=lambda text: list(yaml.safe_load_all(text)))

    assert find(layout, "cart").path in ("cart/prod", "cart/dev")
    assert {p.path for p in layout.proposals if p.managed_by} == {"cart/prod"}


def test_a_rendered_app_of_apps_is_understood() -> None:
    files: dict[str, list[Any]] = {
        "apps/Chart.yaml": [{"name": "apps"}],
        "apps/templates/all.yaml": [application("web-prod", "web")],
        "web/web.yaml": [DEPLOYMENT],
    }

    layout = recognise(files, files, repository_url=URL)

    assert ["web", "prod", "web", "plain"] in told(layout)


def test_a_fork_is_taken_for_the_repository_its_applications_name() -> None:
    files: dict[str, list[Any]] = {
        "apps/web.yaml": [application("web", "web")],
        "web/web.yaml": [DEPLOYMENT],
    }

    layout = recognise(files, files, repository_url="https://git.example.org/me/gitops")

    assert find(layout, "web").reason == ""


@pytest.mark.parametrize(
    ("revision", "reason"),
    [
        ("main", "The folder gone is not in this repository."),
        ("release-1", ""),
        ("HEAD", "The folder gone is not in this repository."),
    ],
)
def test_a_folder_that_is_not_here_may_be_on_the_branch_that_is_named(revision: str, reason: str) -> None:
    files: dict[str, list[Any]] = {"apps/web.yaml": [application("web", "gone", targetRevision=revision)]}

    layout = recognise(files, files, repository_url=URL)

    assert find(layout, "web").reason == reason


def test_a_kustomization_that_makes_nothing_is_no_application() -> None:
    files: dict[str, list[Any]] = {
        "empty/kustomization.yaml": [{"resources": ["later.yaml"]}],
        "empty/later.yaml": [],
        "generated/kustomization.yaml": [{"configMapGenerator": [{"name": "settings"}]}],
    }

    layout = recognise(files, [*files, "unread/kustomization.yaml", "unread/broken.yaml"])

    assert [proposal.path for proposal in layout.proposals] == ["generated", "unread"]
    assert "What they list holds no manifests: empty." in {finding.detail for finding in layout.findings}


def test_two_thousand_applications_are_listed_and_the_rest_is_said() -> None:
    files = {f"a{number:04}/web.yaml": [DEPLOYMENT] for number in range(MOST_PROPOSALS + 7)}

    layout = recognise(files, files)

    assert len(layout.proposals) == MOST_PROPOSALS
    assert f"Only the first {MOST_PROPOSALS} of {MOST_PROPOSALS + 7} applications are listed." in {
        finding.detail for finding in layout.findings
    }


def test_an_empty_repository_holds_nothing() -> None:
    assert recognise({}, []) == Layout((), (), ())


def test_templates_of_charts_and_vendored_folders_are_not_worth_reading() -> None:
    tree = [
        "chart/Chart.yaml",
        "chart/templates/deployment.yaml",
        "chart/values.yaml",
        "node_modules/x/package.yaml",
        ".github/workflows/ci.yaml",
        ".argocd/app.yml",
        "app/Kustomization",
        "app/config.json",
        "README.md",
        "../outside.yaml",
        "/absolute.yaml",
        "a//b.yaml",
    ]

    assert interesting_paths(tree) == [
        ".argocd/app.yml",
        "app/Kustomization",
        "app/config.json",
        "chart/Chart.yaml",
        "chart/values.yaml",
    ]


@pytest.mark.timeout(20)
def test_folders_that_build_on_each_other_in_circles_end() -> None:
    files: dict[str, list[Any]] = {
        f"d{number}/kustomization.yaml": [
            {"resources": [f"../d{(number + step) % 300}" for step in range(60)]}
        ]
        for number in range(300)
    }
    flux = {
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
        "kind": "Kustomization",
        "metadata": {"name": "self"},
        "spec": {"path": "./self", "sourceRef": {"kind": "GitRepository", "name": "flux-system"}},
    }
    files |= {"self/flux.yaml": [flux], "argo/root.yaml": [application("root", "argo")]}

    assert isinstance(recognise(files, files), Layout)


@pytest.mark.timeout(20)
def test_ten_thousand_sets_that_match_everything_end() -> None:
    spec = {
        "generators": [{"git": {"directories": [{"path": "**"}]}}],
        "template": {"metadata": {"name": "{{path}}"}, "spec": {"source": {"path": "{{path}}"}}},
    }
    body = {"apiVersion": "argoproj.io/v1alpha1", "kind": "ApplicationSet", "spec": spec}
    files = {f"a{n % 100}/{n}.yaml": [{**body, "metadata": {"name": f"s{n}"}}] for n in range(10_000)}

    assert isinstance(recognise(files, files), Layout)


ODD: list[Any] = [
    None,
    True,
    7,
    1.5,
    "",
    "x",
    [],
    {},
    ["x"],
    {"x": "y"},
    [None],
    [[]],
    {"name": 3},
    "../..",
    "{{",
    "${",
]


def with_odd_values(value: Any, chance: random.Random) -> Any:
    """A copy of the value in which a few inner values are something else."""
    if chance.random() < 0.03:
        return chance.choice(ODD)
    if isinstance(value, dict):
        return {key: with_odd_values(inner, chance) for key, inner in value.items()}
    if isinstance(value, list):
        return [with_odd_values(inner, chance) for inner in value]
    return value


@pytest.mark.parametrize("name", NAMES)
def test_any_value_of_an_example_may_be_of_any_type(name: str) -> None:
    example = load(name)
    files = {
        path: list(yaml.safe_load_all(text)) for path, text in example["files"].items() if "{{ " not in text
    }

    for seed in range(150):
        chance = random.Random(seed)
        odd = {path: with_odd_values(documents, chance) for path, documents in files.items()}
        layout = recognise(odd, files, repository_url=example.get("url", ""), read_text=lambda text: [text])

        keys = [(p.component, p.environment, p.path, p.values_files) for p in layout.proposals]
        assert len(keys) == len(set(keys))
        assert all(len(p.component) <= 100 and len(p.reason) <= 1000 for p in layout.proposals)


KEYS = words(
    """
    apiVersion kind metadata name namespace spec source sources path repoURL chart helm valueFiles values
    valuesObject parameters generators list elements git directories files matrix merge clusters template
    resources patches components target sourceRef chartRef postBuild substitute dependencies repository
    helmCharts labels destination items ref url artifacts copy from to op
    """
)
TEXTS = words(
    """
    argoproj.io/v1alpha1 kustomize.toolkit.fluxcd.io/v1 helm.toolkit.fluxcd.io/v2 apps/v1
    source.toolkit.fluxcd.io/v1 Application ApplicationSet Kustomization HelmRelease GitRepository List
    Deployment a ../b {{path}} $x/y ** replace https://example.org/x /spec/source/path a/b/overlays/prod
    ${A} prod ExternalArtifact
    """
)
FILES = words(
    """
    a/kustomization.yaml a/Chart.yaml a/values-prod.yaml b/overlays/prod/kustomization.yaml x.jsonnet
    clusters/prod/apps.yaml a/b.yaml c/d.yaml root.yaml b/base/kustomization.yaml
    """
)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(sorted(TEXTS))
)
DOCUMENTS = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(sorted(KEYS)) | st.integers(), inner, max_size=6)
    ),
    max_leaves=25,
)
REPOSITORIES = st.dictionaries(st.sampled_from(sorted(FILES)), st.lists(DOCUMENTS, max_size=3), max_size=8)


@settings(max_examples=300, deadline=None)
@given(REPOSITORIES, st.lists(st.text(max_size=20), max_size=5))
def test_no_document_is_too_odd(files: dict[str, list[Any]], tree: list[str]) -> None:
    layout = recognise(files, [*files, *tree], repository_url="https://example.org/x")

    keys = [(p.component, p.environment, p.path, p.values_files) for p in layout.proposals]
    assert len(keys) == len(set(keys))
    assert all(p.component and p.environment and p.path for p in layout.proposals)


@pytest.mark.shared
@pytest.mark.parametrize("name", ["kustomization_remote", "flux_kubeconfig_ref"])
def test_the_sample_that_leads_outside_is_listed_with_its_reason(name: str) -> None:
    if not SAMPLES.is_dir():
        pytest.skip("sample cases are not beside this repository")
    text = (SAMPLES / f"{name}.yaml").read_text("utf-8")
    path = "apps/demo/kustomization.yaml" if "kustomization" in name else "apps/demo/flux.yaml"

    layout = recognise({path: list(yaml.safe_load_all(text))}, [path])

    assert [bool(proposal.reason) for proposal in layout.proposals] == [True]


def test_an_environment_with_a_name_of_its_own_is_told_by_its_siblings() -> None:
    names = ["dev", "edge", "staging", "production"]
    files = {f"apps/catalog/{name}/web.yaml": [DEPLOYMENT] for name in names}

    layout = recognise(files, list(files), repository_url=URL)

    assert {(p.component, p.environment) for p in layout.proposals} == {("catalog", name) for name in names}
