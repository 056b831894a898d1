"""The health of a whole application: the worst wins, is named, and says what its pods do."""

from __future__ import annotations

from typing import Any

import pytest

from gitopsui.domain.health import (
    Health,
    HealthStatus,
    Member,
    application_health,
    join_health,
    summarise_pods,
    trouble_of,
)
from gitopsui.domain.resource import ResourceKey
from tests.domain.manifests import changed, load_manifest
from tests.domain.samples import load_sample, needs_samples


def key(name: str, kind: str = "Deployment", group: str = "apps") -> ResourceKey:
    return ResourceKey(group, kind, "shop", name)


def member(name: str, status: HealthStatus | None) -> Member:
    return Member(key(name), Health(status) if status else None)


def pod(
    name: str, reason: str = "", owner: str = "ReplicaSet/cart-5d8f", phase: str = "Running"
) -> dict[str, Any]:
    kind, _, owner_name = owner.partition("/")
    api = "batch/v1" if kind == "Job" else "apps/v1"
    state = {"waiting": {"reason": reason, "message": f"about {reason}"}} if reason else {"running": {}}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": "shop",
            "labels": {"pod-template-hash": "5d8f"},
            "ownerReferences": [{"apiVersion": api, "kind": kind, "name": owner_name, "controller": True}],
        },
        "spec": {"restartPolicy": "Always"},
        "status": {
            "phase": phase,
            "conditions": [{"type": "Ready", "status": "False" if reason else "True"}],
            "containerStatuses": [{"name": "web", "state": state}],
        },
    }


@pytest.fixture
def rolling() -> Any:
    """A Deployment with one of three replicas not available."""
    return changed(load_manifest("cart.client"), "status.availableReplicas", 2)


class TestJoining:
    def test_nothing_at_all_is_healthy(self) -> None:
        assert join_health([]) == Health(HealthStatus.HEALTHY)

    def test_the_worst_wins_and_is_named(self) -> None:
        found = join_health([member("a", HealthStatus.HEALTHY), member("cart", HealthStatus.DEGRADED)])
        assert found == Health(HealthStatus.DEGRADED, "Caused by apps/Deployment:shop/cart")

    def test_at_most_three_are_named(self) -> None:
        found = join_health(member(name, HealthStatus.DEGRADED) for name in "abcde")
        assert found.message == (
            "Caused by apps/Deployment:shop/a, apps/Deployment:shop/b, apps/Deployment:shop/c and 2 more"
        )

    def test_a_missing_object_does_not_count_unless_all_are_missing(self) -> None:
        gone = member("a", HealthStatus.MISSING)
        assert join_health([gone, member("b", HealthStatus.HEALTHY)]).status is HealthStatus.HEALTHY
        assert join_health([gone, member("b", None)]).status is HealthStatus.HEALTHY
        assert join_health([gone, gone]).status is HealthStatus.MISSING

    def test_an_unknown_child_application_does_not_pull_its_parent_down(self) -> None:
        child = Member(key("x", "Application", "argoproj.io"), Health(HealthStatus.UNKNOWN))
        assert join_health([child]).status is HealthStatus.HEALTHY


class TestApplication:
    def test_healthy_objects_make_a_healthy_application(self) -> None:
        assert application_health([load_manifest("cart.client")]) == Health(HealthStatus.HEALTHY)

    def test_a_crash_loop_degrades_a_rollout_and_is_counted(self, rolling: Any) -> None:
        pods = [pod("a"), pod("b"), pod("c", "CrashLoopBackOff")]
        assert application_health([rolling], pods) == Health(
            HealthStatus.DEGRADED, "Caused by apps/Deployment:shop/cart: 1 of 3 pods CrashLoopBackOff"
        )

    def test_without_its_pods_a_rollout_is_on_its_way(self, rolling: Any) -> None:
        assert application_health([rolling]).status is HealthStatus.PROGRESSING

    def test_a_healthy_workload_is_not_degraded_by_a_pod(self) -> None:
        found = application_health([load_manifest("cart.client")], [pod("a", "CrashLoopBackOff")])
        assert found.status is HealthStatus.HEALTHY

    def test_pods_of_another_workload_do_not_speak_for_this_one(self, rolling: Any) -> None:
        strangers = [pod("a", "CrashLoopBackOff", "ReplicaSet/other-5d8f")]
        assert application_health([rolling], strangers).status is HealthStatus.PROGRESSING

    def test_hooks_and_objects_that_ask_for_it_are_left_out(self, rolling: Any) -> None:
        hook = changed(rolling, "metadata.annotations", {"argocd.argoproj.io/hook": "Sync"})
        ignored = changed(rolling, "metadata.annotations", {"argocd.argoproj.io/ignore-healthcheck": "true"})
        assert application_health([hook, ignored]).status is HealthStatus.HEALTHY

    def test_all_objects_missing_is_missing(self) -> None:
        assert application_health([], missing=[key("a"), key("b")]).status is HealthStatus.MISSING

    def test_one_missing_object_is_for_the_sync_status_to_tell(self) -> None:
        found = application_health([load_manifest("cart.client")], missing=[key("b")])
        assert found.status is HealthStatus.HEALTHY

    def test_odd_objects_do_not_disturb(self) -> None:
        assert application_health([7, None, {}], ["pod", {"metadata": 3}]).status is HealthStatus.HEALTHY  # type: ignore[list-item]


class TestPods:
    def test_pods_that_are_well_say_nothing(self) -> None:
        assert summarise_pods([pod("a"), pod("b")]) == ""
        assert trouble_of(pod("a")) == ""

    def test_the_most_frequent_trouble_comes_first(self) -> None:
        pods = [
            pod("a", "ImagePullBackOff"),
            pod("b", "CrashLoopBackOff"),
            pod("c", "CrashLoopBackOff"),
            pod("d"),
        ]
        assert summarise_pods(pods) == "2 of 4 pods CrashLoopBackOff, 1 ImagePullBackOff"

    def test_pods_that_are_over_are_not_counted(self) -> None:
        leaving = pod("a", "CrashLoopBackOff")
        leaving["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
        assert (
            summarise_pods([leaving, pod("b", "ErrImagePull"), pod("c", phase="Succeeded")])
            == "1 of 1 pod ErrImagePull"
        )

    def test_a_pod_that_ended_badly_is_told_by_the_reason_of_its_container(self) -> None:
        failed = pod("a", phase="Failed")
        failed["status"]["containerStatuses"] = [
            {"name": "web", "state": {"terminated": {"reason": "OOMKilled"}}}
        ]
        assert trouble_of(failed) == "OOMKilled"

    def test_a_pod_without_a_reason_is_not_ready(self) -> None:
        assert trouble_of(pod("a", phase="Failed")) == "NotReady"

    @pytest.mark.parametrize(
        ("owner", "workload"),
        [
            ("ReplicaSet/cart-5d8f", key("cart")),
            ("ReplicaSet/cart-5d8f", key("cart", "Rollout", "argoproj.io")),
            ("StatefulSet/db", key("db", "StatefulSet")),
            ("Job/night-29000000", key("night", "CronJob", "batch")),
            ("Job/migrate", key("migrate", "Job", "batch")),
        ],
    )
    def test_a_pod_is_counted_for_the_workload_it_belongs_to(self, owner: str, workload: ResourceKey) -> None:
        manifest = {
            "apiVersion": f"{workload.group}/v1",
            "kind": workload.kind,
            "metadata": {"name": workload.name, "namespace": "shop", "generation": 2},
            "spec": {"replicas": 1},
            "status": {"phase": "Degraded", "observedGeneration": 1},
        }
        found = application_health([manifest], [pod("a", "CrashLoopBackOff", owner)])
        is_counted = "1 of 1 pod CrashLoopBackOff" in found.message
        assert is_counted or found.status is HealthStatus.HEALTHY


@needs_samples
@pytest.mark.shared
@pytest.mark.parametrize(
    "case", load_sample("health/app_health.json").get("cases", ()), ids=lambda case: case["name"]
)
def test_the_samples_of_argo_cd_are_joined_as_there(case: dict[str, Any]) -> None:
    members = [
        Member(_key_of(item["res"]), Health(HealthStatus(item["health"])))
        for item in case["members"]
        if "hook" not in item
    ]
    found = join_health(members)
    assert found.status == case["expected"]
    assert found.message == case.get("cause", found.message)


def _key_of(text: str) -> ResourceKey:
    kind, _, name = text.partition(" ")
    group, _, kind = kind.rpartition("/")
    namespace, _, name = name.rpartition("/")
    return ResourceKey(group, kind, namespace, name)
