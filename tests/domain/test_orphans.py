"""What nobody answers for, and what only looks like it."""

from __future__ import annotations

from typing import Any

import pytest

from gitopsui.domain.orphans import MOST_KEPT, Unclaimed, UnclaimedObjects, find_unclaimed, is_claim_of

BORN = "2026-11-01T12:00:00Z"
RBAC = "rbac.authorization.k8s.io/v1"


def thing(kind: str = "ConfigMap", name: str = "left", api: str = "v1", **metadata: Any) -> dict[str, Any]:
    about = {"name": name, "namespace": "shop", "creationTimestamp": BORN, **metadata}
    return {"apiVersion": api, "kind": kind, "metadata": about}


def noted(**annotations: str) -> dict[str, Any]:
    return {"annotations": annotations}


@pytest.mark.parametrize(
    "manifest",
    [
        thing(),
        thing("Secret"),
        thing("ServiceAccount", "robot"),
        thing("Deployment", api="apps/v1"),
        thing("Role", api=RBAC),
        thing(labels={"app": "shop"}),
        thing(labels={"app.kubernetes.io/managed-by": "somebody"}),
        # Only the ConfigMap of this name is everywhere.
        thing("Deployment", "kube-root-ca.crt", "apps/v1"),
        thing("Deployment", "sh.helm.release.v1.x", "apps/v1"),
        {**thing("Secret"), "type": "Opaque"},
        # A mark that was copied from another object.
        thing(**noted(**{"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:shop/web"})),
    ],
)
def test_what_nothing_speaks_for_is_unclaimed(manifest: dict[str, Any]) -> None:
    assert find_unclaimed(manifest) == Unclaimed(manifest["metadata"]["name"], BORN)


@pytest.mark.parametrize(
    "manifest",
    [
        thing(ownerReferences=[{"uid": "1", "kind": "Deployment", "name": "web", "controller": True}]),
        thing(ownerReferences=[{"uid": "1", "kind": "Deployment", "name": "web"}]),
        thing(**noted(**{"argocd.argoproj.io/tracking-id": "shop:/ConfigMap:shop/left"})),
        thing(**noted(**{"meta.helm.sh/release-name": "shop"})),
        thing(**noted(**{"helm.sh/hook": "pre-install"})),
        thing(**noted(**{"argocd.argoproj.io/hook": "PreSync"})),
        thing(labels={"kustomize.toolkit.fluxcd.io/name": "shop"}),
        thing(labels={"helm.toolkit.fluxcd.io/name": "shop"}),
        thing(labels={"app.kubernetes.io/instance": "shop"}),
    ],
)
def test_what_has_an_owner_or_a_mark_is_claimed(manifest: dict[str, Any]) -> None:
    assert find_unclaimed(manifest) is None


@pytest.mark.parametrize(
    "manifest",
    [
        thing("ServiceAccount", "default"),
        thing("ConfigMap", "kube-root-ca.crt"),
        thing("ConfigMap", "istio-ca-root-cert"),
        thing("Service", "kubernetes", namespace="default"),
        {**thing("Secret"), "type": "kubernetes.io/service-account-token"},
        thing("Secret", **noted(**{"kubernetes.io/service-account.name": "robot"})),
        {**thing("Secret"), "type": "helm.sh/release.v1"},
        thing("Secret", "sh.helm.release.v1.shop.v3"),
        thing("ConfigMap", "sh.helm.release.v1.shop.v3"),
        thing("Secret", **noted(**{"cert-manager.io/certificate-name": "shop"})),
        thing("ConfigMap", **noted(**{"control-plane.alpha.kubernetes.io/leader": "{}"})),
        thing("Endpoints"),
        thing("EndpointSlice", api="discovery.k8s.io/v1"),
        thing("Lease", api="coordination.k8s.io/v1"),
        thing("Event"),
        thing("RoleBinding", "system:image-pullers", RBAC),
        thing("Role", "x", RBAC, labels={"kubernetes.io/bootstrapping": "rbac-defaults"}),
        thing("ConfigMap", "coredns", namespace="kube-system"),
    ],
)
def test_what_comes_with_the_cluster_is_nobodys_finding(manifest: dict[str, Any]) -> None:
    assert find_unclaimed(manifest) is None


@pytest.mark.parametrize(
    "broken",
    [
        None,
        [],
        {},
        {"kind": "ConfigMap", "metadata": []},
        thing(name=""),
        thing(namespace=""),
        thing(namespace=None),
        {"apiVersion": 1, "kind": ["x"], "metadata": {"name": 3, "namespace": "n"}},
    ],
)
def test_what_has_neither_name_nor_namespace_is_not_told(broken: Any) -> None:
    assert find_unclaimed(broken) is None


def test_fields_of_any_shape_are_read() -> None:
    odd = thing(ownerReferences="none", labels=3, annotations=[1], creationTimestamp=7)
    assert find_unclaimed(odd) == Unclaimed("left", "")


@pytest.mark.parametrize(
    ("name", "is_claim"),
    [
        ("data-db-0", True),
        ("data-db-12", True),
        ("data-db", False),
        ("data-db-x", False),
        ("db-0", False),
        ("data-other-0", False),
    ],
)
def test_the_claims_of_a_stateful_set_are_told_by_their_names(name: str, is_claim: bool) -> None:
    assert is_claim_of(name, ["db", "queue"]) is is_claim


def test_the_order_of_a_list_does_not_change_its_digest_and_its_objects_do() -> None:
    one, two = Unclaimed("a", BORN), Unclaimed("b", BORN)
    assert UnclaimedObjects.of([one, two]) == UnclaimedObjects.of([two, one])
    assert UnclaimedObjects.of([one]).digest != UnclaimedObjects.of([one, two]).digest
    assert UnclaimedObjects.of([]) == UnclaimedObjects()


def test_of_very_many_the_first_are_kept_and_the_others_counted() -> None:
    found = UnclaimedObjects.of(Unclaimed(f"o{number:05}") for number in range(MOST_KEPT + 3))
    assert (len(found.kept), found.rest_count) == (MOST_KEPT, 3)
