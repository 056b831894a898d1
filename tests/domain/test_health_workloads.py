"""The health of what runs pods, and of pods."""

from __future__ import annotations

from typing import Any

import pytest

from tests.domain.live_objects import answer, condition, make, status_of


class TestDeployment:
    @pytest.mark.parametrize(
        ("spec", "status", "expected"),
        [
            ({"paused": True}, {}, "Suspended"),
            ({"replicas": 2}, {"observedGeneration": 1}, "Progressing"),
            ({"replicas": 2}, {"observedGeneration": 2, "updatedReplicas": 1}, "Progressing"),
            ({"replicas": 2}, {"observedGeneration": 2, "updatedReplicas": 2, "replicas": 3}, "Progressing"),
            (
                {"replicas": 2},
                {"observedGeneration": 2, "updatedReplicas": 2, "replicas": 2, "availableReplicas": 1},
                "Progressing",
            ),
            (
                {"replicas": 2},
                {"observedGeneration": 2, "updatedReplicas": 2, "replicas": 2, "availableReplicas": 2},
                "Healthy",
            ),
            (
                {"replicas": 2},
                {
                    "observedGeneration": 2,
                    "conditions": [condition("Progressing", "False", reason="ProgressDeadlineExceeded")],
                },
                "Degraded",
            ),
        ],
    )
    def test_the_rollout_decides(self, spec: Any, status: Any, expected: str) -> None:
        assert status_of(make("apps/v1", "Deployment", spec, status, generation=2)) == expected


class TestOtherWorkloads:
    @pytest.mark.parametrize(
        ("kind", "spec", "status", "expected"),
        [
            ("ReplicaSet", {"replicas": 1}, {"observedGeneration": 1}, "Progressing"),
            ("ReplicaSet", {"replicas": 1}, {"observedGeneration": 2, "availableReplicas": 0}, "Progressing"),
            ("ReplicaSet", {"replicas": 1}, {"observedGeneration": 2, "availableReplicas": 1}, "Healthy"),
            (
                "ReplicaSet",
                {"replicas": 1},
                {"observedGeneration": 2, "conditions": [condition("ReplicaFailure", "True")]},
                "Degraded",
            ),
            ("StatefulSet", {"replicas": 1}, {}, "Progressing"),
            ("StatefulSet", {"replicas": 2}, {"observedGeneration": 2, "readyReplicas": 1}, "Progressing"),
            (
                "StatefulSet",
                {
                    "replicas": 2,
                    "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 1}},
                },
                {"observedGeneration": 2, "readyReplicas": 2, "updatedReplicas": 0},
                "Progressing",
            ),
            (
                "StatefulSet",
                {"replicas": 2, "updateStrategy": {"type": "OnDelete"}},
                {"observedGeneration": 2, "readyReplicas": 2},
                "Healthy",
            ),
            (
                "StatefulSet",
                {"replicas": 1},
                {"observedGeneration": 2, "readyReplicas": 1, "updateRevision": "b", "currentRevision": "a"},
                "Progressing",
            ),
            ("DaemonSet", {}, {"observedGeneration": 1}, "Progressing"),
            ("DaemonSet", {}, {"observedGeneration": 2, "desiredNumberScheduled": 2}, "Progressing"),
            (
                "DaemonSet",
                {},
                {"observedGeneration": 2, "desiredNumberScheduled": 1, "updatedNumberScheduled": 1},
                "Progressing",
            ),
            (
                "DaemonSet",
                {"updateStrategy": {"type": "OnDelete"}},
                {"observedGeneration": 2, "desiredNumberScheduled": 1},
                "Healthy",
            ),
        ],
    )
    def test_each_workload_is_judged_by_its_own_numbers(
        self, kind: str, spec: Any, status: Any, expected: str
    ) -> None:
        assert status_of(make("apps/v1", kind, spec, status, generation=2)) == expected

    @pytest.mark.parametrize(
        ("conditions", "expected"),
        [
            ([], ("Progressing", "")),
            ([condition("Complete", "True", message="done")], ("Healthy", "done")),
            ([condition("Failed", "True", message="broke")], ("Degraded", "broke")),
            ([condition("Suspended", "True", message="held")], ("Suspended", "held")),
            ([condition("Suspended", "False", message="on")], ("Healthy", "on")),
        ],
    )
    def test_a_job_is_judged_by_its_conditions(self, conditions: Any, expected: tuple[str, str]) -> None:
        assert answer(make("batch/v1", "Job", {}, {"conditions": conditions})) == expected

    @pytest.mark.parametrize(
        ("spec", "status", "expected"),
        [
            ({"suspend": True}, {"lastScheduleTime": "b", "lastSuccessfulTime": "a"}, "Healthy"),
            ({}, None, "Progressing"),
            ({}, {}, "Healthy"),
            ({}, {"lastScheduleTime": "2026-01-02"}, "Healthy"),
            ({}, {"lastScheduleTime": "2026-01-02", "lastSuccessfulTime": "2026-01-01"}, "Degraded"),
            (
                {},
                {"lastScheduleTime": "2026-01-02", "lastSuccessfulTime": "2026-01-01", "active": [{}]},
                "Healthy",
            ),
            ({}, {"lastScheduleTime": "2026-01-01", "lastSuccessfulTime": "2026-01-02"}, "Healthy"),
        ],
    )
    def test_a_cronjob_is_degraded_when_its_last_run_failed(
        self, spec: Any, status: Any, expected: str
    ) -> None:
        assert status_of(make("batch/v1", "CronJob", spec, status)) == expected


class TestPod:
    def pod(self, policy: str = "Always", annotations: Any = None, **status: Any) -> dict[str, Any]:
        return make("v1", "Pod", {"restartPolicy": policy}, status, annotations=annotations or {})

    def waiting(self, reason: str) -> list[dict[str, Any]]:
        return [{"name": "web", "state": {"waiting": {"reason": reason, "message": f"about {reason}"}}}]

    @pytest.mark.parametrize("reason", ["ErrImagePull", "CreateContainerConfigError", "CrashLoopBackOff"])
    def test_a_container_that_cannot_start_degrades_its_pod(self, reason: str) -> None:
        pod = self.pod(phase="Running", containerStatuses=self.waiting(reason))
        assert answer(pod) == ("Degraded", f"about {reason}")

    def test_an_init_container_in_a_crash_loop_degrades_its_pod(self) -> None:
        pod = self.pod(phase="Pending", initContainerStatuses=self.waiting("CrashLoopBackOff"))
        assert answer(pod) == ("Degraded", "about CrashLoopBackOff")

    def test_a_container_that_is_being_made_is_on_its_way(self) -> None:
        assert (
            status_of(self.pod(phase="Pending", containerStatuses=self.waiting("ContainerCreating")))
            == "Progressing"
        )

    def test_a_pod_that_may_end_is_not_judged_by_what_it_waits_for(self) -> None:
        pod = self.pod("Never", phase="Running", containerStatuses=self.waiting("ImagePullBackOff"))
        assert status_of(pod) == "Progressing"

    @pytest.mark.parametrize(
        ("annotations", "expected"),
        [
            ({"argocd.argoproj.io/ignore-restart-policy": "true"}, "Healthy"),
            (
                {"argocd.argoproj.io/ignore-restart-policy": "true", "argocd.argoproj.io/hook": "Sync"},
                "Progressing",
            ),
        ],
    )
    def test_an_annotation_makes_it_long_running_unless_it_is_a_hook(
        self, annotations: Any, expected: str
    ) -> None:
        ready = [condition("Ready", "True")]
        assert status_of(self.pod("Never", annotations, phase="Running", conditions=ready)) == expected

    def test_a_running_pod_is_healthy_once_ready_and_degraded_after_a_crash(self) -> None:
        crashed = [{"name": "web", "lastState": {"terminated": {"exitCode": 1}}}]
        assert status_of(self.pod(phase="Running", conditions=[condition("Ready", "True")])) == "Healthy"
        assert status_of(self.pod(phase="Running")) == "Progressing"
        assert status_of(self.pod(phase="Running", containerStatuses=crashed)) == "Degraded"

    @pytest.mark.parametrize(
        ("ended", "message"),
        [
            ({"message": "said so", "exitCode": 1}, "said so"),
            ({"reason": "OOMKilled", "exitCode": 137}, "OOMKilled"),
            ({"exitCode": 3}, 'container "web" failed with exit code 3'),
            ({"exitCode": 0}, ""),
        ],
    )
    def test_a_failed_pod_says_why(self, ended: Any, message: str) -> None:
        pod = self.pod(phase="Failed", containerStatuses=[{"name": "web", "state": {"terminated": ended}}])
        assert answer(pod) == ("Degraded", message)

    def test_a_pod_nobody_reports_on_is_unknown(self) -> None:
        assert status_of(self.pod(phase="Unknown", message="lost")) == "Unknown"
