from __future__ import annotations

from typing import Any

import pytest

from gitopsui.domain.identity import ResourceKey
from gitopsui.domain.reconciler import ReconcilerState
from gitopsui.domain.reconciler_match import Mark, Target, common_marks, find_managers, marks_of
from gitopsui.domain.reconciler_objects import (
    APPLICATION,
    HELM_RELEASE,
    KUSTOMIZATION,
    parse_reconciler,
    with_source,
)
from gitopsui.domain.resource import Manifest
from tests.domain.reconciler_samples import CONFIG, argo, git_repository, helm_release, kustomization

TRACKED = "argocd.argoproj.io/tracking-id"
TARGET = Target(CONFIG, "apps/cart/overlays/dev", "shop", clusters=("https://eu.example.org", "eu"))


def service(name: str = "cart", **metadata: Any) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": "shop", **metadata},
    }


def tracked(application: str, name: str = "cart") -> Manifest:
    return service(name, annotations={TRACKED: f"{application}:/Service:shop/{name}"})


def read(*manifests: Manifest) -> list[ReconcilerState]:
    states = [state for state in map(parse_reconciler, manifests) if state is not None]
    return [with_source(state, {one.key: one for one in states}) for state in states]


def names(states: list[ReconcilerState]) -> list[str]:
    return [f"{state.key.namespace}/{state.key.name}" for state in states]


def test_the_marks_of_each_tool_name_its_object() -> None:
    assert marks_of(tracked("shop-cart")) == (Mark(APPLICATION, "", "shop-cart"),)
    assert marks_of(tracked("team_shop-cart")) == (Mark(APPLICATION, "team", "shop-cart"),)
    labels = {
        "kustomize.toolkit.fluxcd.io/name": "cart",
        "kustomize.toolkit.fluxcd.io/namespace": "flux-system",
        "helm.toolkit.fluxcd.io/name": "cart",
        "helm.toolkit.fluxcd.io/namespace": "shop",
    }
    assert marks_of(service(labels=labels)) == (
        Mark(KUSTOMIZATION, "flux-system", "cart"),
        Mark(HELM_RELEASE, "shop", "cart"),
    )


@pytest.mark.parametrize("manifest", [{}, {"metadata": []}, {"metadata": {"labels": 3}}])
def test_an_object_of_odd_shape_has_no_marks(manifest: Manifest) -> None:
    assert marks_of(manifest) == ()


def test_one_shared_object_does_not_bring_its_other_owner() -> None:
    objects = [*(tracked("shop-cart", f"s{n}") for n in range(3)), tracked("monitoring", "shared")]
    assert common_marks(objects) == [Mark(APPLICATION, "", "shop-cart")]


def test_a_mark_without_a_namespace_means_the_home_of_argo_cd() -> None:
    states = read(argo(namespace="argocd"), argo(namespace="team"))
    assert names(find_managers(states, common_marks([tracked("shop-cart")]), TARGET)) == ["argocd/shop-cart"]
    assert names(find_managers(states, common_marks([tracked("team_shop-cart")]), TARGET)) == [
        "team/shop-cart"
    ]


def test_a_sure_mark_beats_the_folder() -> None:
    # The folder is applied by two of one hub, each to another cluster; the mark says by which one here.
    states = read(argo("shop-cart-eu"), argo("shop-cart-us"))
    assert names(find_managers(states, common_marks([tracked("shop-cart-us")]), TARGET)) == [
        "argocd/shop-cart-us"
    ]
    assert find_managers(states, common_marks([tracked("gone")]), TARGET) == []


def test_an_instance_label_counts_only_with_its_destination() -> None:
    labelled = service(labels={"app.kubernetes.io/instance": "shop-cart"})
    other = argo(destination={"server": "https://kubernetes.default.svc", "namespace": "till"})
    elsewhere = Target(CONFIG, "somewhere/else", "shop")
    assert names(find_managers(read(argo()), common_marks([labelled]), elsewhere)) == ["argocd/shop-cart"]
    assert find_managers(read(other), common_marks([labelled]), elsewhere) == []


def test_without_a_mark_folder_and_destination_tell() -> None:
    states = read(argo(), kustomization(), git_repository())
    assert names(find_managers(states, [], TARGET)) == ["argocd/shop-cart", "flux-system/cart"]


@pytest.mark.parametrize(
    "target",
    [
        Target("https://git.example.org/other/config", "apps/cart/overlays/dev", "shop"),
        Target(CONFIG, "apps/cart/overlays/production", "shop"),
        Target(CONFIG, "apps/cart/overlays/dev", "till"),
    ],
)
def test_another_repository_folder_or_namespace_is_not_ours(target: Target) -> None:
    assert find_managers(read(argo(), kustomization(), git_repository()), [], target) == []


@pytest.mark.parametrize(
    ("server", "is_ours"),
    [
        ({"server": "https://eu.example.org"}, True),
        ({"name": "eu"}, True),
        ({"name": "in-cluster"}, True),
        ({"server": "https://us.example.org"}, False),
        ({"name": "us"}, False),
    ],
)
def test_another_cluster_is_not_ours(server: dict[str, str], is_ours: bool) -> None:
    states = read(argo(destination={**server, "namespace": "shop"}))
    assert bool(find_managers(states, [], TARGET)) is is_ours


def test_a_chart_of_the_repository_belongs_to_the_release_of_its_name() -> None:
    states = read(helm_release(), git_repository())
    chart = Target(CONFIG, "charts/pricing", "shop", release_name="pricing")
    assert find_managers(states, [], chart)[0].key == ResourceKey(
        HELM_RELEASE.group, "HelmRelease", "flux-system", "pricing"
    )
    other = Target(CONFIG, "charts/pricing", "shop", release_name="pricing-b")
    assert find_managers(states, [], other) == []


def test_a_source_is_no_manager_even_of_a_whole_repository() -> None:
    assert find_managers(read(git_repository()), [], Target(CONFIG, ".", "shop")) == []
