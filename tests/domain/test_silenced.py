"""What rules take out of a comparison stays to be seen, each field with the rule that did it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings

from gitopsui.domain.drift import DriftKind, Examination, compare, examine
from gitopsui.domain.ignore import IgnoreRule, Level
from gitopsui.domain.shipped import RESTARTED_AT, aggregated_rules
from tests.domain.manifests import changed, load_manifest
from tests.domain.test_drift import JSON, make

REPLICAS = IgnoreRule("apps", "Deployment", json_pointers=("/spec/replicas",), reason="scaled by hand", row=7)


def pair(**changes: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The cart of Git, and the live one with changes by path (`__` for a dot)."""
    live = load_manifest("cart.client")
    for path, value in changes.items():
        live = changed(live, path.replace("__", "."), value)
    return load_manifest("cart.desired"), live


def told(found: Examination) -> list[tuple[str, str, str]]:
    """Path, level and reason of each silenced change."""
    return [
        (one.change.path, one.rule.level.value, one.rule.reason)
        for drift in found.silenced
        for one in drift.changes
    ]


class TestWhatIsTold:
    def test_a_silenced_field_is_told_with_its_values_its_writer_and_its_rule(self) -> None:
        git, live = pair(spec__replicas=9)

        found = examine([git], [live], ignore=[REPLICAS])

        assert found.drifts == []
        ((silenced,),) = [drift.changes for drift in found.silenced]
        assert (silenced.change.path, silenced.change.desired, silenced.change.live) == (
            "spec.replicas", git["spec"]["replicas"], 9,
        )  # fmt: skip
        assert silenced.rule is REPLICAS

    def test_what_counts_is_what_compare_says(self) -> None:
        git, live = pair(spec__replicas=9, spec__paused=True)
        git["spec"]["paused"] = False
        found = examine([git], [live], ignore=[REPLICAS])
        assert found.drifts == compare([git], [live], ignore=[REPLICAS])
        assert [change.path for change in found.drifts[0].changes] == ["spec.paused"]
        assert told(found) == [("spec.replicas", "project", "scaled by hand")]

    def test_a_rule_that_meets_no_difference_silences_nothing(self) -> None:
        assert examine(*[[one] for one in pair()], ignore=[REPLICAS]).silenced == []

    def test_what_a_manager_wrote_is_told_too(self) -> None:
        git, live = load_manifest("cart.desired"), load_manifest("cart.client")
        live["spec"]["template"]["spec"]["containers"][0]["image"] = "cart:hotfix"
        found = examine([git], [live], ignore=[IgnoreRule(managers=("kubectl-edit",), reason="hotfix")])
        assert told(found) == [("spec.template.spec.containers[web].image", "project", "hotfix")]

    def test_of_two_rules_each_is_told_with_what_it_took_out(self) -> None:
        git, live = pair(spec__replicas=9)
        git["metadata"]["labels"]["team"], live["metadata"]["labels"]["team"] = "a", "b"
        label = IgnoreRule(json_pointers=("/metadata/labels/team",), reason="label", level=Level.APPLICATION)
        found = examine([git], [live], ignore=[REPLICAS, label])
        assert sorted(told(found)) == [
            ("metadata.labels.team", "application", "label"),
            ("spec.replicas", "project", "scaled by hand"),
        ]

    def test_a_silenced_removal_is_told(self) -> None:
        git, live = pair()
        del git["spec"]["replicas"]
        assert told(examine([git], [live], ignore=[REPLICAS])) == [
            ("spec.replicas", "project", "scaled by hand")
        ]

    def test_whole_objects_are_never_silenced(self) -> None:
        everything = IgnoreRule(json_pointers=("/spec", "/metadata", "/data"), managers=("kubectl",))
        found = examine([make(name="a")], [make(name="b")], ignore=[everything])
        assert [drift.kind for drift in found.drifts] == [DriftKind.MISSING, DriftKind.EXTRA]
        assert found.silenced == []

    def test_an_object_that_cannot_be_compared_silences_nothing(self) -> None:
        git = make("Till", "shop.example/v1alpha1", spec={"old": 1, "x": 1})
        live = make("Till", "shop.example/v1", spec={"new": 1, "x": 2})
        found = examine([git], [live], ignore=[IgnoreRule(json_pointers=("/spec/x",))])
        assert [drift.kind for drift in found.drifts] == [DriftKind.UNKNOWN]
        assert found.silenced == []

    def test_what_lies_too_deep_is_silenced_without_a_crash(self) -> None:
        deep: Any = "x"
        for _ in range(3000):
            deep = {"a": deep}
        rule = IgnoreRule(json_pointers=("/spec/deep",))
        sides = [make("Till", "shop.example/v1", spec={"deep": {"b": inner}}) for inner in (deep, [deep])]
        assert examine(sides[:1], sides[1:], ignore=[rule]).drifts == []

    @settings(max_examples=200, deadline=None)
    @given(JSON, JSON)
    def test_any_fields_can_be_examined(self, want: Any, have: Any) -> None:
        rule = IgnoreRule(json_pointers=("/spec/a", "/spec/containers/*", "/data"), managers=("kubectl",))
        for kind, api in (("Deployment", "apps/v1"), ("Secret", "v1"), ("Till", "shop.example/v1")):
            one, two = make(kind, api, spec=want, data=want), make(kind, api, spec=have, data=have)
            found = examine([one], [two], ignore=[rule])
            assert found.drifts == compare([one], [two], ignore=[rule])


class TestItemsByKey:
    def test_an_item_is_found_on_both_sides_wherever_it_stands(self) -> None:
        git, live = pair()
        live["spec"]["template"]["spec"]["containers"][0]["image"] = "cart:hotfix"
        live["spec"]["template"]["spec"]["containers"].insert(0, {"name": "agent", "image": "agent:1"})
        (drift,) = compare([git], [live])
        (change,) = drift.changes
        assert change.address == "/spec/template/spec/containers/name=web/image"
        assert compare([git], [live], ignore=[IgnoreRule(json_pointers=(change.address,))]) == []

    def test_a_port_is_named_by_number_and_protocol_even_where_git_leaves_the_protocol_out(self) -> None:
        def service(port: dict[str, Any]) -> dict[str, Any]:
            return make("Service", "v1", spec={"ports": [port]})

        git, live = (
            service({"port": 80, "name": "web"}),
            service({"port": 80, "protocol": "TCP", "name": "x"}),
        )
        (drift,) = compare([git], [live])
        assert drift.changes[0].address == "/spec/ports/port=80,protocol=TCP/name"
        assert compare([git], [live], ignore=[IgnoreRule(json_pointers=(drift.changes[0].address,))]) == []

    def test_an_ignored_field_has_its_default_on_both_sides(self) -> None:
        git, live = pair(spec__replicas=9)
        git["spec"]["replicas"] = 1
        assert compare([git], [live], ignore=[REPLICAS]) == []


def webhooks(bundle: str) -> dict[str, Any]:
    webhook = {"name": "a.example", "clientConfig": {"caBundle": bundle}, "sideEffects": "None"}
    api = "admissionregistration.k8s.io/v1"
    return make("MutatingWebhookConfiguration", api, namespace="", webhooks=[webhook])


def service_of_group(bundle: str) -> dict[str, Any]:
    return make("APIService", "apiregistration.k8s.io/v1", namespace="", spec={"caBundle": bundle})


def claim(volume: str | None) -> dict[str, Any]:
    spec = {"accessModes": ["ReadWriteOnce"], **({} if volume is None else {"volumeName": volume})}
    return make("PersistentVolumeClaim", "v1", spec=spec)


def chart(version: str) -> dict[str, Any]:
    return make(metadata={"labels": {"helm.sh/chart": version}})


PLAIN = {"containers": [{"name": "cart", "image": "cart:1"}]}


def sidecar(kind: str, image: str, name: str = "istio-proxy") -> dict[str, Any]:
    pod = {"containers": [{"name": "cart", "image": "cart:1"}, {"name": name, "image": image}]}
    spec = {"template": {"spec": pod}}
    if kind == "Pod":
        return make("Pod", "v1", spec=pod)
    if kind == "CronJob":
        return make("CronJob", "batch/v1", spec={"jobTemplate": {"spec": spec}})
    return make(kind, "apps/v1", spec=spec)


def restarted(at: str | None) -> dict[str, Any]:
    metadata = {"annotations": {RESTARTED_AT: at}} if at else {}
    return make("Deployment", "apps/v1", spec={"template": {"metadata": metadata, "spec": {}}})


class TestShippedRules:
    @pytest.mark.parametrize(
        ("git", "live", "reason"),
        [
            (webhooks("Cg=="), webhooks("TUlJQg=="), "a certificate is injected"),
            (service_of_group("Cg=="), service_of_group("TUlJQg=="), "a certificate is injected"),
            (chart("cart-2.0.0"), chart("cart-1.9.0"), "it names the chart version"),
            (
                sidecar("Deployment", "auto"),
                sidecar("Deployment", "proxyv2:1"),
                "Istio injects the container",
            ),
            (sidecar("CronJob", "auto"), sidecar("CronJob", "proxyv2:1"), "Istio injects the container"),
            (
                sidecar("Pod", "a", "linkerd-proxy"),
                sidecar("Pod", "b", "linkerd-proxy"),
                "Linkerd injects the container",
            ),
            (
                restarted("2026-01-01T00:00:00Z"),
                restarted("2026-02-01T00:00:00Z"),
                "its pods were restarted by hand",
            ),
        ],
    )
    def test_what_every_cluster_changes_by_itself_is_no_drift_and_is_told(
        self, git: dict[str, Any], live: dict[str, Any], reason: str
    ) -> None:
        assert compare([git], [live]) == []
        found = told(examine([git], [live]))
        assert [(level, why) for _, level, why in found] == [("shipped", reason)]

    def test_a_restart_that_git_knows_nothing_of_is_told_once(self) -> None:
        found = examine([restarted(None)], [restarted("2026-02-01T00:00:00Z")])
        assert found.drifts == []
        ((change,),) = [drift.changes for drift in found.silenced]
        assert (change.change.path, change.change.desired, change.change.live) == (
            f"spec.template.metadata.annotations[{RESTARTED_AT}]", None, "2026-02-01T00:00:00Z",
        )  # fmt: skip

    def test_the_autoscaler_is_named(self) -> None:
        git, live = pair(spec__replicas=9)
        target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "cart"}
        scaler = make("HorizontalPodAutoscaler", "autoscaling/v2", name="h", spec={"scaleTargetRef": target})
        assert told(examine([git], [live, scaler], namespace="shop")) == [
            ("spec.replicas", "shipped", "HorizontalPodAutoscaler h sets the replicas")
        ]

    @pytest.mark.parametrize(
        ("git", "live"),
        [
            (claim("pv-1"), claim("pv-2")),
            (sidecar("Deployment", "a"), make("Deployment", "apps/v1", spec={"template": {"spec": PLAIN}})),
            (sidecar("Deployment", "a", "cart-proxy"), sidecar("Deployment", "b", "cart-proxy")),
            (
                make("Service", "v1", spec={"clusterIP": "None"}),
                make("Service", "v1", spec={"clusterIP": "10.0.0.1"}),
            ),
        ],
    )
    def test_what_git_asks_for_in_so_many_words_stays_drift(
        self, git: dict[str, Any], live: dict[str, Any]
    ) -> None:
        assert [drift.kind for drift in compare([git], [live])] == [DriftKind.MODIFIED]

    @pytest.mark.parametrize("value", [None, ""])
    def test_what_git_leaves_to_the_cluster_needs_no_rule(self, value: str | None) -> None:
        service = make("Service", "v1", spec={} if value is None else {"clusterIP": value})
        with_address = make("Service", "v1", spec={"clusterIP": "10.0.0.1", "clusterIPs": ["10.0.0.1"]})
        for git, live in ((service, with_address), (claim(value), claim("pv-1"))):
            found = examine([git], [live])
            assert (found.drifts, found.silenced) == ([], [])

    def test_an_aggregated_role_is_told_where_its_rule_is_asked_for(self) -> None:
        api = "rbac.authorization.k8s.io/v1"
        role = make("ClusterRole", api, namespace="", aggregationRule={"clusterRoleSelectors": [{}]})
        git, live = role | {"rules": [{"verbs": ["get"]}]}, role | {"rules": [{"verbs": ["list"]}]}
        assert compare([git], [live])
        found = examine([git], [live], ignore=aggregated_rules([git]))
        assert found.drifts == []
        assert {(level, why) for _, level, why in told(found)} == {
            ("shipped", "the cluster aggregates the rules")
        }
