from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from gitopsui.domain.errors import InputError
from gitopsui.domain.resource import (
    GroupKind,
    Owner,
    ResourceKey,
    check_shape,
    find_duplicates,
    find_key,
    flatten,
    has_controller,
    instance_label,
    is_extraneous,
    is_foreign_copy,
    is_hook,
    is_made_by_cluster,
    key_of,
    owners_of,
    parse_tracking_id,
)
from tests.domain.samples import load_bad_input, load_sample, needs_samples

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=12,
)


def make(kind: str = "ConfigMap", api: str = "v1", name: Any = "a", **metadata: Any) -> dict[str, Any]:
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name, **metadata}}


def pod_of(**spec: Any) -> dict[str, Any]:
    return {**make("Deployment", "apps/v1"), "spec": {"template": {"spec": spec}}}


class TestIdentity:
    def test_a_key_reads_group_kind_namespace_and_name(self) -> None:
        key = key_of(make("Deployment", "apps/v1", "cart", namespace="shop"))

        assert key == ResourceKey("apps", "Deployment", "shop", "cart")
        assert str(key) == "apps/Deployment:shop/cart"
        assert str(key.group_kind) == "apps/Deployment"

    def test_the_core_group_and_cluster_wide_objects_are_written_short(self) -> None:
        assert str(GroupKind("", "Pod")) == "Pod"
        assert str(key_of(make("Namespace", name="shop"))) == "Namespace:shop"

    def test_the_version_is_no_part_of_the_key(self) -> None:
        assert key_of(make("Job", "batch/v1")) == key_of(make("Job", "batch/v1beta1"))

    def test_a_namespace_on_a_cluster_wide_kind_is_dropped(self) -> None:
        role = make("ClusterRole", "rbac.authorization.k8s.io/v1", namespace="shop")
        assert key_of(role).namespace == ""

    def test_a_generated_name_is_known_by_its_prefix(self) -> None:
        assert key_of(make("Job", "batch/v1", None, generateName="migrate-")).name == "migrate-*"

    @pytest.mark.parametrize("value", [None, 3, "text", [], {}, {"kind": ["Secret"]}, {"apiVersion": "v1"}])
    def test_what_has_no_kind_is_no_manifest(self, value: Any) -> None:
        with pytest.raises(InputError) as caught:
            key_of(value)
        assert caught.value.code == "NOT_MANIFEST"

    @pytest.mark.parametrize(
        "value",
        [
            {**make(), "apiVersion": 1},
            {**make(), "metadata": "x"},
            {"apiVersion": "v1", "kind": "ConfigMap"},
            make(name=None),
            make(name=7),
            make(namespace=7),
        ],
    )
    def test_an_unreadable_identity_is_a_matter_of_shape(self, value: Any) -> None:
        with pytest.raises(InputError) as caught:
            key_of(value)
        assert caught.value.code == "MANIFEST_SHAPE"

    @settings(max_examples=150, deadline=None)
    @given(JSON)
    def test_any_json_can_be_asked_for_its_key_and_its_shape(self, value: Any) -> None:
        find_key(value)
        check_shape(value)
        owners_of(value)
        is_hook(value)
        flatten([value])


class TestLists:
    def test_lists_are_opened_in_order_and_in_depth(self) -> None:
        inner = {"apiVersion": "v1", "kind": "List", "items": [make(name="b"), make(name="c")]}
        outer = {"apiVersion": "v1", "kind": "List", "items": [make(name="a"), inner]}

        assert [item["metadata"]["name"] for item in flatten([outer, make(name="d")])] == list("abcd")

    def test_items_of_a_typed_list_get_its_kind(self) -> None:
        typed = {"apiVersion": "v1", "kind": "SecretList", "items": [{"metadata": {"name": "a"}}]}
        assert flatten([typed]) == [{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}}]

    def test_a_named_object_is_no_list_whatever_its_kind_is_called(self) -> None:
        price_list = {**make("PriceList", "shop.example/v1"), "items": [1]}
        assert flatten([price_list]) == [price_list]

    def test_duplicates_are_named_once_and_sorted(self) -> None:
        found = find_duplicates(
            [make(name="b"), make(name="a"), make(name="b"), make(name="a"), make(name="a"), 7]
        )
        assert [key.name for key in found] == ["a", "b"]


class TestHooks:
    @pytest.mark.parametrize(
        "annotation",
        [
            {"argocd.argoproj.io/hook": "PreSync"},
            {"argocd.argoproj.io/hook": "Skip"},
            {"helm.sh/hook": "test"},
            {"helm.sh/hook": "pre-install,pre-upgrade"},
        ],
    )
    def test_hooks_of_argo_cd_and_helm_are_hooks(self, annotation: dict[str, str]) -> None:
        assert is_hook(make(annotations=annotation))

    def test_the_crd_mark_of_helm_is_no_hook(self) -> None:
        assert not is_hook(make(annotations={"helm.sh/hook": "crd-install"}))
        assert not is_hook(make())


class TestOwners:
    def test_each_tool_is_read_by_its_own_mark(self) -> None:
        manifest = make(
            namespace="shop",
            annotations={
                "argocd.argoproj.io/tracking-id": "team_cart:/ConfigMap:shop/a",
                "meta.helm.sh/release-name": "cart",
                "meta.helm.sh/release-namespace": "shop",
            },
            labels={
                "kustomize.toolkit.fluxcd.io/name": "apps",
                "kustomize.toolkit.fluxcd.io/namespace": "flux-system",
                "app.kubernetes.io/instance": "ignored-beside-better-marks",
            },
        )
        assert owners_of(manifest) == (
            Owner("Argo CD", "cart", "team"),
            Owner("Flux", "apps", "flux-system"),
            Owner("Helm", "cart", "shop"),
        )

    def test_the_instance_label_speaks_when_nothing_else_does(self) -> None:
        assert owners_of(make(labels={"app.kubernetes.io/instance": "cart"})) == (Owner("label", "cart"),)
        assert owners_of(make()) == ()

    def test_a_copied_tracking_id_names_no_owner(self) -> None:
        copy = make(
            namespace="other", annotations={"argocd.argoproj.io/tracking-id": "cart:/ConfigMap:shop/a"}
        )
        assert is_foreign_copy(copy)
        assert owners_of(copy) == ()

    def test_a_cluster_wide_object_carries_the_namespace_of_its_application(self) -> None:
        mark = {"argocd.argoproj.io/tracking-id": "cart:/Namespace:shop/a"}
        assert not is_foreign_copy(make("Namespace", annotations=mark))

    def test_an_object_may_ask_to_stay(self) -> None:
        assert is_extraneous(
            make(annotations={"argocd.argoproj.io/compare-options": "Other=1, IgnoreExtraneous"})
        )
        assert is_extraneous(make(annotations={"helm.sh/resource-policy": "keep"}))
        assert not is_extraneous(make())

    def test_what_the_cluster_makes_is_known(self) -> None:
        assert is_made_by_cluster(make("EndpointSlice", "discovery.k8s.io/v1"))
        assert not is_made_by_cluster(make("Service"))
        assert has_controller(make(ownerReferences=[{"controller": True}]))
        assert not has_controller(make(ownerReferences=[{"controller": False}, 3]))

    def test_a_name_that_is_all_dashes_is_no_label(self) -> None:
        with pytest.raises(InputError):
            instance_label("-" * 64)


@needs_samples
@pytest.mark.shared
class TestTrackingSamples:
    def test_tracking_ids_are_parsed_as_argo_cd_does(self) -> None:
        for case in load_sample("tracking/tracking.json")["parse_tracking_id"]:
            if case.get("expect_error"):
                with pytest.raises(InputError):
                    parse_tracking_id(case["input"])
                continue
            found = parse_tracking_id(case["input"])
            expected = case["expected"]
            assert found.application == expected["app"]
            assert (found.group, found.kind) == (expected["group"], expected["kind"])
            assert (found.namespace, found.name) == (expected["namespace"], expected["name"])

    def test_labels_are_cut_as_argo_cd_does(self) -> None:
        for case in load_sample("tracking/tracking.json")["truncate_label"]:
            if case.get("expect_error"):
                with pytest.raises(InputError):
                    instance_label(case["input"])
            else:
                assert instance_label(case["input"]) == case["expected"]


class TestShape:
    def test_a_sound_deployment_has_no_findings(self) -> None:
        sound = pod_of(containers=[{"name": "web", "image": "cart:1", "env": [{"name": "A", "value": "1"}]}])
        assert check_shape(sound) == ()

    @pytest.mark.parametrize(
        ("manifest", "field"),
        [
            (pod_of(containers=None), "spec.template.spec.containers"),
            (pod_of(containers={"name": "c"}), "spec.template.spec.containers"),
            (pod_of(containers=[{"name": "web", "image": 5}]), "spec.template.spec.containers[web].image"),
            (pod_of(containers=["web"]), "spec.template.spec.containers[0]"),
            (
                pod_of(containers=[{"name": "web", "image": "i", "env": [{"name": "A", "value": 1}]}]),
                "containers[web].env[A].value",
            ),
            (
                pod_of(containers=[{"name": "web", "image": "i", "env": [{"name": "A"}, {"name": "A"}]}]),
                "env names A twice",
            ),
            ({**make("Deployment", "apps/v1"), "spec": "x"}, "spec is no object"),
            ({**make("Deployment", "apps/v1")}, "spec is missing"),
            ({**make("Deployment", "apps/v1"), "spec": {"replicas": 1.5}}, "spec.replicas"),
            ({**make("Deployment", "apps/v1"), "spec": {"replicas": -1}}, "spec.replicas"),
            ({**make("Deployment", "apps/v1"), "spec": {"replicas": True}}, "spec.replicas"),
            (make(name="../../etc/passwd"), "metadata.name"),
            (make(name="UPPER"), "metadata.name"),
            (make(name="x" * 254), "metadata.name"),
            (make(namespace="a.b"), "metadata.namespace"),
            (make(labels={"a": 1}), "metadata.labels[a]"),
            (make(annotations=["a"]), "metadata.annotations"),
            (
                {**make("Kustomization", "kustomize.toolkit.fluxcd.io/v1"), "spec": {"path": "a/../.."}},
                "spec.path",
            ),
            ("text", "no object"),
            ({}, "kind"),
        ],
    )
    def test_each_fault_is_named_with_its_field(self, manifest: Any, field: str) -> None:
        assert any(field in sentence for sentence in check_shape(manifest))

    def test_roles_may_have_colons_in_their_names(self) -> None:
        assert check_shape(make("ClusterRole", "rbac.authorization.k8s.io/v1", "system:shop:reader")) == ()
        assert check_shape(make("ClusterRole", "rbac.authorization.k8s.io/v1", "a/b"))

    @needs_samples
    @pytest.mark.shared
    @pytest.mark.parametrize("case", load_bad_input("manifest"), ids=lambda case: case["id"])
    def test_the_samples_of_bad_manifests_get_their_verdict(self, case: dict[str, Any]) -> None:
        assert _verdict(list(yaml.safe_load_all(case["text"]))) == case["outcome"]


def _verdict(documents: list[Any]) -> str:
    for document in documents:
        try:
            key_of(document)
        except InputError as error:
            return error.code
        if check_shape(document):
            return "MANIFEST_SHAPE"
    return "MANIFEST_SHAPE" if find_duplicates(documents) else "OK"
