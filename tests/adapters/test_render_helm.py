from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from gitopsui.adapters.render import Chart, Origin, Renderer, RenderSource, Tools
from gitopsui.adapters.render_source import Rendered
from gitopsui.domain.errors import RenderError
from tests.adapters.render_binaries import require_tools
from tests.adapters.render_repository import Commits, Link

CHART = "apiVersion: v2\nname: app\nversion: 1.0.0\n"
CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n"
SHOP = RenderSource("helm", "helm/shop", release_name="web", namespace="shop")


@pytest.fixture
def commits(tmp_path: Path) -> Commits:
    return Commits(tmp_path / "repository")


def render(commits: Commits, sha: str, source: RenderSource, *, twice: bool = False) -> Rendered:
    renderer = Renderer(require_tools("helm"), commits.folder.parent / "scratch")
    return renderer.render(commits.repository, sha, source, check_determinism=twice)


def refusal(commits: Commits, sha: str, source: RenderSource) -> RenderError:
    """The error of a render on a machine without helm: it must come before one is looked for."""
    with pytest.raises(RenderError) as caught:
        Renderer(Tools(), commits.folder.parent / "scratch").render(commits.repository, sha, source)
    return caught.value


def named(rendered: Rendered) -> dict[str, dict[str, object]]:
    return {f"{manifest['kind']}/{manifest['metadata']['name']}": manifest for manifest in rendered.manifests}


@pytest.mark.binary
def test_a_chart_is_rendered_with_its_release_namespace_hooks_and_crds(commits: Commits) -> None:
    rendered = render(commits, commits.add_data("helm"), SHOP)

    found = named(rendered)
    assert sorted(found) == [
        "CustomResourceDefinition/carts.shop.example",
        "Deployment/web-cart",
        "Job/migrate",
    ]
    assert found["Deployment/web-cart"]["metadata"] == {
        "name": "web-cart",
        "namespace": "shop",
        "labels": {"kubernetes": "v1.34.0"},
    }
    assert found["Job/migrate"]["metadata"] == {
        "name": "migrate",
        "annotations": {"helm.sh/hook": "pre-upgrade"},
    }
    assert set(rendered.origins) == {
        Origin("helm/shop/crds/carts.yaml"),
        Origin("helm/shop/templates/deployment.yaml"),
        Origin("helm/shop/templates/migrate.yaml"),
    }
    assert rendered.renderer.startswith("helm ")
    assert list((commits.folder.parent / "scratch").iterdir()) == []


@pytest.mark.binary
def test_values_files_parameters_and_versions_are_handed_on(commits: Commits) -> None:
    source = RenderSource(
        "helm",
        "helm/shop",
        values_files=("helm/values/production.yaml", "more, values.yaml"),
        include_crds=False,
        parameters=("image=registry.example/other",),
        kube_version="1.29.3",
    )
    commits.add({"more, values.yaml": "ignored: true\n"})

    found = named(render(commits, commits.add_data("helm"), source))

    assert sorted(found) == ["Deployment/shop-cart", "Job/migrate"]
    deployment = str(found["Deployment/shop-cart"])
    assert "'replicas': 4" in deployment
    assert "registry.example/other:1.4.2" in deployment
    assert "v1.29.3" in deployment


@pytest.mark.binary
def test_a_template_that_cannot_be_read_does_not_hide_the_others(commits: Commits) -> None:
    files = {
        "app/Chart.yaml": CHART,
        "app/templates/good.yaml": CONFIG,
        "app/templates/twice.yaml": f"{CONFIG}data: {{a: one, a: two}}\n",
    }

    rendered = render(commits, commits.add(files), RenderSource("helm", "app"))

    assert list(named(rendered)) == ["ConfigMap/x"]
    assert [(error.code, error.path) for error in rendered.unreadable] == [
        ("YAML_DUPLICATE_KEY", "app/templates/twice.yaml")
    ]


@pytest.mark.binary
def test_a_chart_that_makes_random_values_is_noticed_when_rendered_twice(commits: Commits) -> None:
    files = {
        "app/Chart.yaml": CHART,
        "app/templates/a.yaml": CONFIG,
        "app/templates/b.yaml": f"{CONFIG.replace('x', 'b')}data: {{r: {{{{ randAlphaNum 20 }}}}}}\n",
    }
    sha = commits.add(files)

    once = render(commits, sha, RenderSource("helm", "app"))
    twice = render(commits, sha, RenderSource("helm", "app"), twice=True)

    assert once.is_deterministic
    assert not twice.is_deterministic
    assert "app/templates/b.yaml" in twice.notes[0]
    assert "app/templates/a.yaml" not in twice.notes[0]


@pytest.mark.binary
def test_a_chart_sees_nothing_of_this_machine_or_of_the_network(commits: Commits, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("hunter2")
    template = (
        f"{CONFIG}data:\n"
        '  above: {{ .Files.Get "../secret.txt" | quote }}\n'
        f'  absolute: {{{{ .Files.Get "{tmp_path}/secret.txt" | quote }}}}\n'
        '  found: {{ lookup "v1" "Secret" "default" "x" | toString | quote }}\n'
        '  address: {{ getHostByName "localhost" | quote }}\n'
    )
    files = {"app/Chart.yaml": CHART, "app/templates/a.yaml": template, "secret.txt": "hunter2"}

    [manifest] = render(commits, commits.add(files), RenderSource("helm", "app")).manifests

    assert manifest["data"] == {"above": "", "absolute": "", "found": "map[]", "address": ""}


@pytest.mark.binary
def test_vendored_charts_are_used_and_local_ones_are_brought(commits: Commits) -> None:
    dependencies = "".join(
        f"- {{name: {name}, version: 1.0.0, repository: '{repository}'}}\n"
        for name, repository in (
            ("vendored", "https://example.org/charts"),
            ("renamed", ""),
            ("near", "file://../near"),
        )
    )
    near = (
        CHART.replace("app", "near")
        + "dependencies: [{name: far, version: 1.0.0, repository: 'file://../far'}]\n"
    )
    files = {
        "charts/app/Chart.yaml": f"{CHART}dependencies:\n{dependencies}",
        "charts/app/charts/vendored/Chart.yaml": CHART.replace("app", "vendored"),
        "charts/app/charts/vendored/templates/a.yaml": CONFIG.replace("x", "vendored"),
        "charts/app/charts/other/Chart.yaml": CHART.replace("app", "renamed"),
        "charts/app/charts/other/templates/a.yaml": CONFIG.replace("x", "renamed"),
        "charts/near/Chart.yaml": near,
        "charts/near/templates/a.yaml": CONFIG.replace("x", "near"),
        "charts/far/Chart.yaml": CHART.replace("app", "far"),
        "charts/far/templates/a.yaml": CONFIG.replace("x", "far"),
    }

    rendered = render(commits, commits.add(files), RenderSource("helm", "charts/app"))

    assert sorted(named(rendered)) == [f"ConfigMap/{name}" for name in ("far", "near", "renamed", "vendored")]


@pytest.mark.binary
def test_what_helm_complains_about_is_told_without_places_of_this_machine(commits: Commits) -> None:
    files = {"app/Chart.yaml": CHART, "app/templates/a.yaml": '{{ fail "no replicas given" }}\n'}

    with pytest.raises(RenderError) as caught:
        render(commits, commits.add(files), RenderSource("helm", "app"))

    assert caught.value.code == "RENDER_FAILED"
    assert "no replicas given" in caught.value.message
    assert str(commits.folder.parent) not in caught.value.message


@pytest.mark.parametrize("file", ["Chart.yaml", "requirements.yaml"])
def test_a_chart_that_would_have_to_be_fetched_is_refused_before_anything_is_run(
    commits: Commits, file: str
) -> None:
    files = {"app/Chart.yaml": CHART, "app/charts/redis-cluster-1.0.0.tgz": "x"}
    text = "dependencies: [{name: redis, version: 1.2.x, repository: 'https://ada:hunter2@example.org/charts'}]\n"
    files[f"app/{file}"] = files.get(f"app/{file}", "") + text

    error = refusal(commits, commits.add(files), RenderSource("helm", "app"))

    assert (error.code, error.permanent) == ("REMOTE_CHART", True)
    assert "'redis' 1.2.x" in error.message
    assert "example.org/charts" in error.message
    assert "hunter2" not in error.message
    assert "helm dependency update" in error.hint


@pytest.mark.parametrize(
    ("files", "source", "code"),
    [
        ({"app/x.yaml": CONFIG}, {}, "PATH_MISSING"),
        ({"b/Chart.yaml": CHART}, {}, "PATH_MISSING"),
        ({}, {"path": "../app"}, "PATH_OUTSIDE"),
        ({}, {"values_files": ("missing.yaml",)}, "PATH_MISSING"),
        ({}, {"values_files": ("../x.yaml",)}, "PATH_OUTSIDE"),
        ({}, {"values_files": ("/etc/passwd",)}, "PATH_OUTSIDE"),
        ({}, {"values_files": ("https://example.org/values.yaml",)}, "PATH_OUTSIDE"),
        ({"v.yaml": Link("/proc/self/environ")}, {"values_files": ("v.yaml",)}, "SYMLINK"),
        ({"app/values.yaml": Link("/proc/self/environ")}, {}, "SYMLINK"),
        ({"app/templates/x.yaml": Link("../../../../etc/passwd")}, {}, "SYMLINK"),
        ({"app/templates": Link("../shared"), "shared/x.yaml": CONFIG}, {}, "SYMLINK"),
        ({"app/Chart.yaml": f"{CHART}a: [\n"}, {}, "RENDER_FAILED"),
        (
            {"app/Chart.yaml": f"{CHART}dependencies: [{{name: b, repository: 'file://../../b'}}]\n"},
            {},
            "PATH_OUTSIDE",
        ),
        (
            {"app/Chart.yaml": f"{CHART}dependencies: [{{name: b, repository: 'file://../b'}}]\n"},
            {},
            "PATH_MISSING",
        ),
        (
            {"app/Chart.yaml": f"{CHART}dependencies: [{{name: b, repository: 'file://.'}}]\n"},
            {},
            "RENDER_FAILED",
        ),
    ],
)
def test_a_chart_that_cannot_be_rendered_is_refused_before_anything_is_run(
    commits: Commits, files: Mapping[str, str | Link], source: dict[str, Any], code: str
) -> None:
    chart = {} if "app/x.yaml" in files or "b/Chart.yaml" in files else {"app/Chart.yaml": CHART}
    sha = commits.add({**chart, **files})

    assert refusal(commits, sha, RenderSource(**{"renderer": "helm", "path": "app", **source})).code == code


def test_charts_that_depend_on_each_other_end(commits: Commits) -> None:
    text = "dependencies: [{name: %s, version: 1.0.0, repository: 'file://../%s'}]\n"
    files = {"app/Chart.yaml": CHART + text % ("b", "b"), "b/Chart.yaml": CHART + text % ("app", "app")}

    assert refusal(commits, commits.add(files), RenderSource("helm", "app")).code == "RENDER_FAILED"


@pytest.mark.binary
@pytest.mark.parametrize(
    "changes",
    [
        {"release_name": "--post-renderer=x"},
        {"release_name": "x" * 54},
        {"namespace": "../x"},
        {"kube_version": "--debug"},
    ],
)
def test_names_that_no_cluster_takes_are_refused(commits: Commits, changes: dict[str, str]) -> None:
    sha = commits.add({"app/Chart.yaml": CHART, "app/templates/a.yaml": CONFIG})

    with pytest.raises(RenderError) as caught:
        render(commits, sha, RenderSource("helm", "app", **changes))  # type: ignore[arg-type]

    assert caught.value.code == "RENDER_FAILED"
    assert " is no valid " in caught.value.message


def test_without_helm_the_reason_and_a_hint_are_given(commits: Commits) -> None:
    error = refusal(commits, commits.add_data("helm"), SHOP)

    assert (error.code, error.message) == ("TOOL_MISSING", "helm not found.")
    assert "GITOPSUI_HELM" in error.hint


@pytest.mark.parametrize(
    ("text", "chart"),
    [
        ("name: shop\nversion: 1.2.3\nappVersion: '4'\n", Chart("shop", "1.2.3", "4")),
        ("name: shop\nversion: 1\n", Chart("shop", "1", "")),
        ("name: [a]\n", Chart("", "", "")),
        ("- a\n", Chart("", "", "")),
        ("", Chart("", "", "")),
        ("a: [\n", Chart("", "", "")),
    ],
)
def test_a_chart_tells_its_name_and_versions(commits: Commits, text: str, chart: Chart) -> None:
    renderer = Renderer(Tools(), commits.folder.parent / "scratch")

    assert renderer.chart(commits.repository, commits.add({"app/Chart.yaml": text}), "app") == chart


def test_a_folder_without_a_chart_has_no_name(commits: Commits) -> None:
    with pytest.raises(RenderError) as caught:
        Renderer(Tools(), commits.folder.parent / "scratch").chart(commits.repository, commits.add({}), "app")

    assert caught.value.code == "PATH_MISSING"


@pytest.mark.binary
def test_a_chart_that_makes_certificates_and_passwords_tells_the_fields_that_it_makes_up(
    commits: Commits,
) -> None:
    files = {
        "app/Chart.yaml": CHART,
        "app/templates/hook.yaml": (
            '{{- $ca := genCA "shop" 30 }}\n'
            "apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingWebhookConfiguration\n"
            "metadata: {name: shop}\nwebhooks:\n- name: a.shop.example\n  clientConfig:\n"
            "    caBundle: {{ $ca.Cert | b64enc }}\n    service: {name: shop, namespace: shop}\n"
        ),
        "app/templates/password.yaml": (
            "apiVersion: v1\nkind: Secret\nmetadata: {name: shop}\n"
            "stringData:\n  user: cart\n  password: {{ randAlphaNum 20 | quote }}\n"
        ),
    }
    sha = commits.add(files)

    rendered = render(commits, sha, RenderSource("helm", "app"), twice=True)

    assert [(field.key.kind, field.pointer) for field in rendered.volatile] == [
        ("Secret", "/stringData/password"),
        ("ValidatingWebhookConfiguration", "/webhooks/name=a.shop.example/clientConfig/caBundle"),
    ]


@pytest.mark.binary
def test_a_chart_without_chance_has_nothing_made_up(commits: Commits) -> None:
    rendered = render(commits, commits.add_data("helm"), SHOP, twice=True)

    assert rendered.volatile == ()
    assert rendered.is_deterministic
