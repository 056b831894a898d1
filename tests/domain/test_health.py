from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from gitopsui.domain.health import Health, HealthStatus, child_health, health_of, is_worse, worst_of
from tests.domain.live_objects import answer, condition, make, status_of
from tests.domain.samples import CONFORMANCE, load_sample, needs_samples

WORDS = st.sampled_from(
    [
        "status",
        "spec",
        "metadata",
        "conditions",
        "type",
        "Ready",
        "True",
        "False",
        "phase",
        "Running",
        "Failed",
        "generation",
        "observedGeneration",
        "deletionTimestamp",
        "containerStatuses",
        "state",
        "waiting",
        "reason",
        "environments",
        "parents",
        "listeners",
        "lastScheduleTime",
        "replicas",
        "annotations",
        "message",
        "strategy",
    ]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | WORDS | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=6),
    max_leaves=20,
)
KINDS = st.sampled_from(
    [
        ("apps/v1", "Deployment"),
        ("apps/v1", "StatefulSet"),
        ("apps/v1", "DaemonSet"),
        ("apps/v1", "ReplicaSet"),
        ("batch/v1", "Job"),
        ("batch/v1", "CronJob"),
        ("v1", "Pod"),
        ("v1", "PersistentVolumeClaim"),
        ("v1", "Service"),
        ("networking.k8s.io/v1", "Ingress"),
        ("autoscaling/v1", "HorizontalPodAutoscaler"),
        ("autoscaling/v2", "HorizontalPodAutoscaler"),
        ("apiregistration.k8s.io/v1", "APIService"),
        ("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
        ("policy/v1", "PodDisruptionBudget"),
        ("argoproj.io/v1alpha1", "Rollout"),
        ("argoproj.io/v1alpha1", "ApplicationSet"),
        ("helm.toolkit.fluxcd.io/v2", "HelmRelease"),
        ("gateway.networking.k8s.io/v1", "HTTPRoute"),
        ("gateway.networking.k8s.io/v1", "Gateway"),
        ("gateway.networking.k8s.io/v1", "BackendTLSPolicy"),
        ("flagger.app/v1beta1", "Canary"),
        ("keda.sh/v1alpha1", "ScaledObject"),
        ("promoter.argoproj.io/v1alpha1", "PromotionStrategy"),
        ("external-secrets.io/v1", "ClusterExternalSecret"),
        ("shop.example/v1", "Till"),
    ]
)


class TestOrder:
    def test_the_worst_of_many_counts_from_healthy_to_unknown(self) -> None:
        order = [
            HealthStatus(word)
            for word in ["Healthy", "Suspended", "Progressing", "Missing", "Degraded", "Unknown"]
        ]
        assert list(HealthStatus) == order
        assert worst_of(order) is HealthStatus.UNKNOWN
        assert (
            worst_of([Health(HealthStatus.DEGRADED), None, HealthStatus.PROGRESSING]) is HealthStatus.DEGRADED
        )

    def test_nothing_is_healthy(self) -> None:
        assert worst_of([]) is HealthStatus.HEALTHY
        assert worst_of([None]) is HealthStatus.HEALTHY

    def test_being_worse_is_strict(self) -> None:
        assert is_worse(HealthStatus.MISSING, HealthStatus.PROGRESSING)
        assert not is_worse(HealthStatus.MISSING, HealthStatus.MISSING)


class TestWithoutHealth:
    @pytest.mark.parametrize(
        "manifest",
        [
            make("v1", "ConfigMap"),
            make("v1", "Namespace", status={"phase": "Active"}),
            make("rbac.authorization.k8s.io/v1", "Role"),
            make("shop.example/v1", "Till"),
            make("argoproj.io/v1alpha1", "Application", status={"health": {"status": "Degraded"}}),
            {},
            {"kind": 5, "status": {"phase": "Failed"}},
        ],
    )
    def test_kinds_without_a_rule_or_a_status_have_none(self, manifest: dict[str, Any]) -> None:
        assert health_of(manifest) is None

    def test_the_health_of_a_child_application_can_be_asked_for(self) -> None:
        reported = {"health": {"status": "Degraded", "message": "m"}}
        assert child_health({"status": reported}) == Health(HealthStatus.DEGRADED, "m")
        assert child_health({"status": {"health": {"status": "Splendid"}}}) == Health(HealthStatus.UNKNOWN)
        assert child_health({}) is None


class TestDeletion:
    def test_whatever_is_being_deleted_is_progressing(self) -> None:
        pod = make("v1", "Pod", status={"phase": "Failed"}, deletionTimestamp="2026-01-01T00:00:00Z")
        assert answer(pod) == ("Progressing", "Pending deletion")

    def test_a_hook_is_judged_until_it_is_gone(self) -> None:
        pod = make(
            "v1",
            "Pod",
            status={"phase": "Failed"},
            deletionTimestamp="2026-01-01T00:00:00Z",
            finalizers=["argocd.argoproj.io/hook-finalizer"],
        )
        assert status_of(pod) == "Degraded"


class TestClusterKinds:
    ADDRESS = {"loadBalancer": {"ingress": [{"ip": "10.0.0.1"}]}}

    @pytest.mark.parametrize(
        ("api", "kind", "spec", "status", "expected"),
        [
            ("v1", "PersistentVolumeClaim", {}, {"phase": "Lost"}, "Degraded"),
            ("v1", "PersistentVolumeClaim", {}, {"phase": "Bound"}, "Healthy"),
            ("v1", "PersistentVolumeClaim", {}, {}, "Unknown"),
            ("networking.k8s.io/v1", "Ingress", {}, {}, "Progressing"),
            ("networking.k8s.io/v1", "Ingress", {}, ADDRESS, "Healthy"),
            ("v1", "Service", {"type": "LoadBalancer"}, {}, "Progressing"),
            ("v1", "Service", {"type": "LoadBalancer"}, ADDRESS, "Healthy"),
            ("v1", "Service", {"type": "ClusterIP"}, {}, "Healthy"),
            ("apiregistration.k8s.io/v1", "APIService", {}, {}, "Progressing"),
            ("policy/v1", "PodDisruptionBudget", {}, {}, "Progressing"),
        ],
    )
    def test_each_kind_has_its_rule(self, api: str, kind: str, spec: Any, status: Any, expected: str) -> None:
        assert status_of(make(api, kind, spec, status)) == expected

    @pytest.mark.parametrize(
        ("found", "expected"),
        [
            ([condition("ScalingActive", "False", reason="InvalidSelector")], "Degraded"),
            ([condition("AbleToScale", "False", reason="FailedGetScale")], "Degraded"),
            ([condition("AbleToScale", "True", reason="ReadyForNewScale")], "Healthy"),
            ([condition("ScalingActive", "True")], "Progressing"),
            ([], "Progressing"),
        ],
    )
    def test_an_autoscaler_is_judged_by_its_conditions(self, found: Any, expected: str) -> None:
        manifest = make("autoscaling/v2", "HorizontalPodAutoscaler", {}, {"conditions": found})
        assert status_of(manifest) == expected

    def test_unreadable_conditions_of_an_old_autoscaler_are_none(self) -> None:
        annotations = {"autoscaling.alpha.kubernetes.io/conditions": "{broken"}
        manifest = make("autoscaling/v1", "HorizontalPodAutoscaler", annotations=annotations)
        assert answer(manifest) == ("Progressing", "Waiting to Autoscale")


class TestCustomKinds:
    def till(self, generation: int | None = None, **status: Any) -> dict[str, Any]:
        return make("shop.example/v1", "Till", {}, status, generation)

    @pytest.mark.parametrize(
        ("generation", "status", "expected"),
        [
            (2, {"observedGeneration": 1, "conditions": [condition("Ready", "True")]}, "Progressing"),
            (2, {"conditions": [condition("Ready", "True", observedGeneration=1)]}, "Progressing"),
            (2, {"observedGeneration": 2, "conditions": [condition("Ready", "True")]}, "Healthy"),
            (
                1,
                {"conditions": [condition("Reconciling", "True"), condition("Ready", "True")]},
                "Progressing",
            ),
            (1, {"conditions": [condition("Stalled", "True"), condition("Ready", "True")]}, "Degraded"),
            (1, {"conditions": [condition("Ready", "False", message="no")]}, "Progressing"),
            (1, {"conditions": [condition("Ready", "Unknown")]}, "Progressing"),
            (1, {"conditions": [condition("Something", "True")]}, "Healthy"),
            (1, {"conditions": [condition("Failed", "True")]}, "Degraded"),
            (1, {"conditions": [condition("Synced", "False")]}, "Progressing"),
            (1, {"phase": "Failed"}, "Degraded"),
            (1, {"state": "ConfigError"}, "Degraded"),
            (1, {"health": "red"}, "Degraded"),
            (1, {"phase": "Creating"}, "Progressing"),
            (1, {"phase": "Paused"}, "Suspended"),
            (1, {"ready": False}, "Progressing"),
            (1, {"error": {"message": "no space"}}, "Degraded"),
            (1, {"replicas": 3}, "Healthy"),
        ],
    )
    def test_the_conventions_of_controllers_are_read(
        self, generation: int, status: Any, expected: str
    ) -> None:
        assert status_of(self.till(generation, **status)) == expected


class TestAnything:
    @settings(max_examples=500, deadline=None)
    @given(KINDS, JSON, JSON, JSON)
    def test_no_shape_of_any_kind_raises(
        self, kind: tuple[str, str], metadata: Any, spec: Any, status: Any
    ) -> None:
        found = health_of(
            {"apiVersion": kind[0], "kind": kind[1], "metadata": metadata, "spec": spec, "status": status}
        )
        assert found is None or isinstance(found, Health)
        assert found is None or isinstance(found.message, str)

    @settings(max_examples=100, deadline=None)
    @given(JSON)
    def test_no_json_raises(self, value: Any) -> None:
        health_of(value)


@needs_samples
@pytest.mark.shared
@pytest.mark.parametrize("case", load_sample("health/index.json") or [], ids=lambda case: case["file"])
def test_the_samples_get_the_status_and_the_message_of_their_source(case: dict[str, Any]) -> None:
    manifest = yaml.safe_load((CONFORMANCE / "health" / case["file"]).read_text(encoding="utf-8"))
    message = case["expected_message"] if case["expected_message"] is not None else case["derived_message"]
    expected = None if case["expected_status"] is None else (case["expected_status"], message)
    assert answer(manifest) == expected
