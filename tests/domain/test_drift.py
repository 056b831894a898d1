"""What differs between Git and the cluster, object by object; the fields of one object are in test_diff."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from gitopsui.domain.drift import DriftKind, IgnoreRule, ResourceDrift, SyncStatus, compare, sync_status
from gitopsui.domain.mask import mask
from gitopsui.domain.resource import GroupKind, ResourceKey
from tests.domain.manifests import changed, cut, load_manifest
from tests.domain.samples import CONFORMANCE, load_sample, needs_samples

KEY = b"a key for tests alone"
NAMES = st.sampled_from(
    [
        "apiVersion",
        "kind",
        "metadata",
        "name",
        "namespace",
        "spec",
        "data",
        "labels",
        "annotations",
        "replicas",
        "managedFields",
        "fieldsV1",
        "f:spec",
        "f:replicas",
        'k:{"name":"a"}',
        "manager",
        "operation",
        "containers",
        "ports",
        "env",
        "stringData",
        "template",
        "status",
        "kubectl.kubernetes.io/last-applied-configuration",
    ]
)
VALUES = st.sampled_from(
    ["v1", "apps/v1", "Deployment", "Secret", "Service", "a", "Apply", "kubectl", "{}", "80"]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | VALUES | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(NAMES | st.text(max_size=3), inner, max_size=5)
    ),
    max_leaves=20,
)


def make(
    kind: str = "ConfigMap", api: str = "v1", name: str = "a", namespace: str = "shop", **more: Any
) -> dict[str, Any]:
    metadata = {"name": name, **({"namespace": namespace} if namespace else {}), **more.pop("metadata", {})}
    return {"apiVersion": api, "kind": kind, "metadata": metadata, **more}


def kinds(drifts: list[ResourceDrift]) -> list[tuple[str, str]]:
    return [(drift.key.name, drift.kind.value) for drift in drifts]


class TestVerdicts:
    def test_an_empty_list_means_in_sync(self) -> None:
        assert compare([load_manifest("cart.desired")], [load_manifest("cart.client")]) == []

    def test_missing_extra_and_modified_objects_are_sorted_by_key(self) -> None:
        drifts = compare(
            [make(name="c"), make(name="b", data={"x": "1"})],
            [make(name="b", data={"x": "2"}), make(name="a")],
        )
        assert kinds(drifts) == [("a", "EXTRA"), ("b", "MODIFIED"), ("c", "MISSING")]
        assert [change.path for change in drifts[1].changes] == ["data.x"]
        assert all(drift.reason.endswith(".") for drift in drifts)

    def test_hooks_of_both_sides_never_count(self) -> None:
        hook = make(metadata={"annotations": {"helm.sh/hook": "test"}})
        assert compare([hook], []) == []
        assert compare([], [hook]) == []

    def test_of_two_objects_with_one_key_the_last_counts_and_it_is_said(self) -> None:
        first, last = make(data={"v": "1"}), make(data={"v": "2"})
        assert compare([first, last], [last]) == []
        (drift,) = compare([first, last], [first])
        assert "names it twice" in drift.reason

    def test_lists_are_opened_on_both_sides(self) -> None:
        whole = {"apiVersion": "v1", "kind": "List", "items": [make()]}
        assert compare([whole], [make()]) == compare([make()], [whole]) == []

    def test_an_object_with_a_made_up_name_cannot_be_compared(self) -> None:
        (drift,) = compare(
            [{"apiVersion": "batch/v1", "kind": "Job", "metadata": {"generateName": "x-"}}], []
        )
        assert drift.kind is DriftKind.UNKNOWN

    def test_a_misshapen_manifest_is_unknown_and_the_others_are_compared(self) -> None:
        drifts = compare([{"apiVersion": 1, "kind": "ConfigMap"}, make(name="b")], [])
        assert kinds(drifts) == [("", "UNKNOWN"), ("b", "MISSING")]
        assert "apiVersion" in drifts[0].reason

    def test_a_kind_that_could_not_be_read_is_unknown_and_not_missing(self) -> None:
        reason = "The cluster refuses to list ConfigMaps."
        (drift,) = compare([make()], [], unreadable={GroupKind("", "ConfigMap"): reason})
        assert (drift.kind, drift.reason) == (DriftKind.UNKNOWN, reason)

    def test_endless_nesting_is_unknown_and_no_crash(self) -> None:
        deep: Any = "x"
        for _ in range(3000):
            deep = {"a": deep}
        (drift,) = compare(
            [make("Till", "shop.example/v1", spec=deep)], [make("Till", "shop.example/v1", spec=deep)]
        )
        assert drift.kind is DriftKind.UNKNOWN


class TestPairing:
    def test_a_cluster_wide_object_is_found_though_git_gives_it_a_namespace(self) -> None:
        git = make("ClusterRole", "rbac.authorization.k8s.io/v1", rules=[])
        live = make("ClusterRole", "rbac.authorization.k8s.io/v1", namespace="", rules=None)
        assert compare([git], [live]) == []

    def test_a_custom_kind_may_turn_out_to_be_cluster_wide(self) -> None:
        assert (
            compare([make("Till", "shop.example/v1")], [make("Till", "shop.example/v1", namespace="")]) == []
        )

    def test_an_object_without_a_namespace_is_applied_into_the_given_one(self) -> None:
        git = make(namespace="")
        assert compare([git], [make(namespace="shop")], namespace="shop") == []
        assert kinds(compare([git], [make(namespace="other")], namespace="shop")) == [
            ("a", "EXTRA"),
            ("a", "MISSING"),
        ]

    def test_without_a_given_namespace_the_only_object_of_that_name_is_meant(self) -> None:
        assert compare([make(namespace="")], [make(namespace="shop")]) == []
        two = [make(namespace="shop"), make(namespace="other")]
        assert [drift.kind for drift in compare([make(namespace="")], two)].count(DriftKind.EXTRA) == 2

    def test_the_version_is_no_part_of_the_identity(self) -> None:
        git = make("Ingress", "extensions/v1beta1", spec={"backend": {"serviceName": "s", "servicePort": 80}})
        service = {"service": {"name": "s", "port": {"number": 80}}}
        assert (
            compare([git], [make("Ingress", "networking.k8s.io/v1", spec={"defaultBackend": service})]) == []
        )

    def test_versions_of_a_custom_kind_cannot_be_compared_field_by_field(self) -> None:
        git = make("Till", "shop.example/v1alpha1", spec={"old": 1})
        (drift,) = compare([git], [make("Till", "shop.example/v1", spec={"new": 1})])
        assert drift.kind is DriftKind.UNKNOWN
        assert "shop.example/v1alpha1" in drift.reason

    def test_versions_with_equal_fields_are_in_sync(self) -> None:
        assert compare([make("Till", "shop.example/v1beta1")], [make("Till", "shop.example/v1")]) == []

    def test_an_object_served_under_two_groups_is_one(self) -> None:
        both = [make("Deployment", api, metadata={"uid": "1"}) for api in ("apps/v1", "extensions/v1beta1")]
        assert compare([make("Deployment", "apps/v1")], both) == []


class TestExtras:
    @pytest.mark.parametrize(
        "manifest",
        [
            make("EndpointSlice", "discovery.k8s.io/v1"),
            make("ReplicaSet", "apps/v1", metadata={"ownerReferences": [{"controller": True, "uid": "1"}]}),
            make(metadata={"annotations": {"argocd.argoproj.io/compare-options": "IgnoreExtraneous"}}),
            make(metadata={"annotations": {"helm.sh/resource-policy": "keep"}}),
            make(metadata={"annotations": {"argocd.argoproj.io/tracking-id": "x:/ConfigMap:shop/other"}}),
        ],
    )
    def test_what_the_cluster_made_or_may_keep_is_not_extra(self, manifest: dict[str, Any]) -> None:
        assert compare([], [manifest]) == []

    def test_an_extra_object_on_its_way_out_is_said_to_be(self) -> None:
        (drift,) = compare([], [make(metadata={"deletionTimestamp": "2026-01-01T00:00:00Z"})])
        assert (drift.kind, "being deleted" in drift.reason) == (DriftKind.EXTRA, True)

    def test_older_copies_of_a_generated_configmap_are_not_extra(self) -> None:
        now, before = make(name="cart-config-5g9m2h7k4t"), make(name="cart-config-h7k4t5g9m2")
        assert compare([now], [now, before]) == []

    def test_while_the_new_copy_is_missing_the_older_one_is_named(self) -> None:
        (drift,) = compare([make(name="cart-config-5g9m2h7k4t")], [make(name="cart-config-h7k4t5g9m2")])
        assert drift.kind is DriftKind.MISSING
        assert "cart-config-h7k4t5g9m2" in drift.reason

    def test_a_name_that_only_looks_generated_is_extra(self) -> None:
        generated = make(name="cart-config-5g9m2h7k4t")
        other = make(name="cart-settings-h7k4t5g9m2")
        assert kinds(compare([generated], [generated, other])) == [("cart-settings-h7k4t5g9m2", "EXTRA")]


class TestSyncStatus:
    @pytest.mark.parametrize(
        ("found", "status"),
        [
            ([], SyncStatus.SYNCED),
            ([DriftKind.EXTRA], SyncStatus.OUT_OF_SYNC),
            ([DriftKind.MODIFIED, DriftKind.MISSING], SyncStatus.OUT_OF_SYNC),
            ([DriftKind.MODIFIED, DriftKind.UNKNOWN], SyncStatus.UNKNOWN),
        ],
    )
    def test_unknown_weighs_most_and_nothing_is_synced(
        self, found: list[DriftKind], status: SyncStatus
    ) -> None:
        key = ResourceKey("", "ConfigMap", "shop", "a")
        assert sync_status(ResourceDrift(key, kind) for kind in found) is status


class TestAnything:
    @settings(max_examples=400, deadline=None)
    @given(st.lists(JSON, max_size=3), st.lists(JSON, max_size=3))
    def test_any_json_can_be_compared(self, desired: list[Any], live: list[Any]) -> None:
        assert isinstance(compare(desired, live), list)

    @settings(max_examples=300, deadline=None)
    @given(JSON, JSON)
    def test_any_fields_of_one_object_can_be_compared(self, want: Any, have: Any) -> None:
        for kind, api in (("Deployment", "apps/v1"), ("Secret", "v1"), ("Till", "shop.example/v1")):
            compare([make(kind, api, spec=want, data=want)], [make(kind, api, spec=have, data=have)])

    @settings(max_examples=300, deadline=None)
    @given(JSON)
    def test_an_object_never_differs_from_itself(self, spec: Any) -> None:
        for kind, api in (("Deployment", "apps/v1"), ("Service", "v1"), ("Till", "shop.example/v1")):
            manifest = make(kind, api, spec=spec)
            assert compare([manifest], [json.loads(json.dumps(manifest))]) == []

    @settings(max_examples=200, deadline=None)
    @given(st.dictionaries(st.text("abc", min_size=1), st.text(max_size=4), min_size=1), st.data())
    def test_every_changed_key_of_a_configmap_is_told(
        self, data: dict[str, str], pick: st.DataObject
    ) -> None:
        key = pick.draw(st.sampled_from(sorted(data)))
        (drift,) = compare([make(data=data)], [make(data={**data, key: data[key] + "!"})])
        assert [change.live for change in drift.changes] == [data[key] + "!"]


def _load(path: str) -> Any:
    text = (CONFORMANCE / path).read_text(encoding="utf-8")
    return json.loads(text) if path.endswith("json") else yaml.safe_load(text)


def _is_modified(drifts: list[ResourceDrift]) -> bool:
    # In the samples a live object without one in Git is no difference of fields.
    return any(drift.kind in (DriftKind.MODIFIED, DriftKind.MISSING) for drift in drifts)


@needs_samples
@pytest.mark.shared
@pytest.mark.parametrize("is_masked", [False, True], ids=["plain", "masked"])
class TestSamples:
    @pytest.mark.parametrize("case", load_sample("diff/index.json") or [], ids=lambda case: case["case"])
    def test_the_verdicts_of_argo_cd_are_reached(self, case: dict[str, Any], is_masked: bool) -> None:
        sides = [[_load(f"diff/{case[side]}")] if case[side] else [] for side in ("config", "live")]
        desired, live = _masked(sides) if is_masked else sides
        ignore = [
            IgnoreRule(rule["group"], rule["kind"], managers=tuple(rule["managedFieldsManagers"]))
            for rule in case.get("ignoreDifferences", ())
        ]
        assert _is_modified(compare(desired, live, ignore=ignore)) is case["expected_modified"]

    @pytest.mark.parametrize(
        "desired",
        sorted(CONFORMANCE.glob("applied/*.desired.json")),
        ids=lambda path: path.name.split(".")[0],
    )
    def test_what_was_applied_and_read_back_is_in_sync(self, desired: Any, is_masked: bool) -> None:
        pair = [
            json.loads(path.read_text()) for path in (desired, desired.with_name(_live_name(desired.name)))
        ]
        git, live = _masked(pair) if is_masked else pair
        assert compare([git], [live]) == []

    @pytest.mark.parametrize(
        "desired",
        sorted(CONFORMANCE.glob("applied/*.desired.json")),
        ids=lambda path: path.name.split(".")[0],
    )
    def test_every_changed_text_or_number_is_seen_on_either_side(self, desired: Any, is_masked: bool) -> None:
        git = json.loads(desired.read_text())
        live = json.loads(desired.with_name(_live_name(desired.name)).read_text())
        for path, value in _leaves(git.get("spec", {}), "spec"):
            other = (
                not value if isinstance(value, bool) else value + 1 if isinstance(value, int) else f"x{value}"
            )
            sides = [changed(git, path, other), live]
            one, two = _masked(sides) if is_masked else sides
            assert compare([one], [two]), path


def _masked(value: Any) -> Any:
    return mask(value, key=KEY)


def _live_name(name: str) -> str:
    return name.replace(".desired.", ".live.")


def _leaves(value: Any, path: str) -> list[tuple[str, Any]]:
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        return [
            leaf for name, item in items for leaf in _leaves(item, f"{path}.{name}") if "." not in str(name)
        ]
    return [] if value in (None, "") or isinstance(value, float) else [(path, value)]


def test_removing_what_was_applied_is_drift_for_both_ways_of_applying() -> None:
    for name in ("cart.client", "cart.server"):
        (drift,) = compare([cut(load_manifest("cart.desired"), "spec.replicas")], [load_manifest(name)])
        assert [(change.path, change.desired, change.live) for change in drift.changes] == [
            ("spec.replicas", None, 3)
        ]
