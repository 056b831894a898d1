from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gitopsui.domain.drift import compare
from gitopsui.domain.errors import InputError
from gitopsui.domain.ignore import (
    IgnoreRule,
    active_rules,
    check_pointer,
    check_rule,
    split_pointer,
    suggest_rule,
    values_at,
    without,
)
from gitopsui.domain.resource import ResourceKey
from gitopsui.domain.shipped import aggregated_rules, scaled_rules
from tests.domain.manifests import changed, load_manifest

NOW = datetime(2026, 5, 1, tzinfo=UTC)
CART = ResourceKey("apps", "Deployment", "shop", "cart")


def scaler(target: dict[str, str], of: str = "autoscaling/v2 HorizontalPodAutoscaler") -> dict[str, Any]:
    version, kind = of.split()
    spec = {"scaleTargetRef": target}
    return {"apiVersion": version, "kind": kind, "metadata": {"name": "h", "namespace": "shop"}, "spec": spec}


class TestMatching:
    @pytest.mark.parametrize(
        "rule",
        [
            IgnoreRule(),
            IgnoreRule("apps", "Deployment", "cart", "shop"),
            IgnoreRule("*", "Deploy*"),
            IgnoreRule(group="a?ps", namespace="shop"),
        ],
    )
    def test_globs_and_exact_names_match(self, rule: IgnoreRule) -> None:
        assert rule.is_for(CART)

    @pytest.mark.parametrize(
        "rule",
        [
            IgnoreRule("batch"),
            IgnoreRule(kind="deployment"),
            IgnoreRule(name="car*"),
            IgnoreRule(namespace=""),
        ],
    )
    def test_other_objects_do_not(self, rule: IgnoreRule) -> None:
        assert not rule.is_for(CART)

    def test_an_expired_rule_is_left_out(self) -> None:
        old, new = (IgnoreRule(expires_at=NOW + timedelta(seconds=delta)) for delta in (0, 1))
        assert active_rules([old, new, IgnoreRule()], NOW) == (new, IgnoreRule())


class TestPointers:
    def test_what_a_pointer_addresses_is_taken_out_of_a_copy(self) -> None:
        value = {"a": {"b/c": 1, "d": 2}, "e": [{"f": 1, "g": 2}, {"f": 3}]}
        pointers = [split_pointer(text) for text in ("/a/b~1c", "/e/*/f", "/e/0/g", "/missing/x", "")]

        assert without(value, pointers) == {"a": {"d": 2}, "e": [{}, {}]}
        assert value["a"] == {"b/c": 1, "d": 2}

    def test_an_item_of_a_list_can_be_taken_out(self) -> None:
        assert without({"a": [1, 2, 3]}, [("a", "1")]) == {"a": [1, 3]}
        assert without({"a": [1]}, [("a", "7")]) == {"a": [1]}

    @pytest.mark.parametrize("pointer", ["", "spec", "/", "/a/~2", "/a~"])
    def test_a_pointer_that_is_none_is_refused_with_a_sentence(self, pointer: str) -> None:
        with pytest.raises(InputError) as caught:
            check_pointer(pointer)
        assert caught.value.code == "JSON_POINTER"

    def test_a_sound_pointer_is_accepted(self) -> None:
        check_pointer("/metadata/annotations/example.com~1a~0b")


class TestInComparison:
    def test_a_pointer_silences_its_field_and_no_other(self) -> None:
        git, live = load_manifest("cart.desired"), load_manifest("cart.client")
        live["spec"]["replicas"], live["metadata"]["labels"]["team"] = 9, "other"

        (drift,) = compare([git], [live], ignore=[IgnoreRule(json_pointers=("/spec/replicas",))])

        assert [change.path for change in drift.changes] == ["metadata.labels.team"]

    def test_a_pointer_silences_a_removal_too(self) -> None:
        git, live = load_manifest("cart.desired"), load_manifest("cart.client")
        del git["spec"]["replicas"]
        assert compare([git], [live], ignore=[IgnoreRule(json_pointers=("/spec/replicas",))]) == []

    def test_a_trusted_manager_silences_what_it_wrote(self) -> None:
        git = load_manifest("cart.desired")
        live = load_manifest("cart.client")
        live["spec"]["template"]["spec"]["containers"][0]["image"] = "cart:hotfix"
        live["metadata"]["labels"]["team"] = "other"

        (drift,) = compare([git], [live], ignore=[IgnoreRule(managers=("kubectl-edit",))])

        assert [change.path for change in drift.changes] == ["metadata.labels.team"]

    def test_a_manager_who_wrote_nothing_silences_nothing(self) -> None:
        git, live = load_manifest("cart.desired"), changed(load_manifest("cart.client"), "spec.replicas", 9)
        assert compare([git], [live], ignore=[IgnoreRule(managers=("somebody-else",))])

    def test_an_expired_rule_counts_no_more(self) -> None:
        git, live = load_manifest("cart.desired"), changed(load_manifest("cart.client"), "spec.replicas", 9)
        rule = IgnoreRule(json_pointers=("/spec/replicas",), expires_at=NOW)
        assert compare([git], [live], ignore=[rule], now=NOW - timedelta(days=1)) == []
        assert compare([git], [live], ignore=[rule], now=NOW)

    def test_the_rule_suggested_for_a_row_silences_that_row(self) -> None:
        git, live = load_manifest("cart.desired"), changed(load_manifest("cart.client"), "spec.replicas", 9)
        (drift,) = compare([git], [live])
        rule = suggest_rule(drift.key, drift.changes[0].pointer, reason="scaled by hand")
        assert rule.json_pointers == ("/spec/replicas",)
        assert compare([git], [live], ignore=[rule]) == []

    def test_a_rule_may_be_suggested_for_a_manager_instead(self) -> None:
        assert suggest_rule(CART, "/spec/replicas", manager="scaler").managers == ("scaler",)


class TestBuiltIn:
    def test_replicas_belong_to_the_autoscaler_wherever_it_is_seen(self) -> None:
        git, live = load_manifest("cart.desired"), changed(load_manifest("cart.client"), "spec.replicas", 9)
        target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "cart"}
        assert compare([git, scaler(target)], [live, scaler(target)]) == []
        keda = scaler({"name": "cart"}, "keda.sh/v1alpha1 ScaledObject")
        assert compare([git, keda], [live, keda]) == []

    @pytest.mark.parametrize(
        "target",
        [
            {"apiVersion": "apps/v1", "kind": "Deployment", "name": "other"},
            {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "cart"},
            {},
        ],
    )
    def test_an_autoscaler_of_something_else_changes_nothing(self, target: dict[str, str]) -> None:
        git, live = load_manifest("cart.desired"), changed(load_manifest("cart.client"), "spec.replicas", 9)
        assert compare([git], [live, scaler(target)])

    def test_odd_autoscalers_make_no_rule(self) -> None:
        odd = {"kind": "HorizontalPodAutoscaler", "spec": {"scaleTargetRef": []}}
        assert scaled_rules([odd, 7, None, {"kind": ["ScaledObject"]}]) == ()

    def test_an_injected_certificate_is_no_drift(self) -> None:
        def hook(bundle: str) -> dict[str, Any]:
            webhook = {"name": "a.example", "clientConfig": {"caBundle": bundle}, "sideEffects": "None"}
            return {
                "apiVersion": "admissionregistration.k8s.io/v1",
                "kind": "ValidatingWebhookConfiguration",
                "metadata": {"name": "w"},
                "webhooks": [webhook],
            }

        assert compare([hook("Cg==")], [hook("TUlJQg==")]) == []

    def test_the_chart_label_is_information_and_no_drift(self) -> None:
        git = load_manifest("cart.desired")
        live = load_manifest("cart.client")
        git["metadata"]["labels"]["helm.sh/chart"] = "cart-2.0.0"
        live["metadata"]["labels"]["helm.sh/chart"] = "cart-1.9.0"
        assert compare([git], [live]) == []

    def test_aggregated_roles_can_be_left_to_the_cluster(self) -> None:
        role = {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRole",
            "metadata": {"name": "reader"},
            "aggregationRule": {"clusterRoleSelectors": [{}]},
            "rules": [{"verbs": ["get"]}],
        }
        live = {**role, "rules": [{"verbs": ["get"]}, {"verbs": ["list"]}]}
        assert compare([role], [live])
        assert compare([role], [live], ignore=aggregated_rules([role])) == []


class TestWhatMayBeARule:
    @pytest.mark.parametrize(
        ("rule", "code", "field"),
        [
            (IgnoreRule(json_pointers=("spec",)), "JSON_POINTER", "json_pointers"),
            (IgnoreRule(kind="Deploy(ment)", json_pointers=("/spec/a",)), "GLOB", "kind"),
            (IgnoreRule(group="ap[ps", json_pointers=("/spec/a",)), "GLOB", "group"),
            (IgnoreRule(), "RULE_TOO_WIDE", "json_pointers"),
            (IgnoreRule(kind="Deployment"), "RULE_TOO_WIDE", "json_pointers"),
            (IgnoreRule(json_pointers=("/spec/a", "/spec")), "RULE_TOO_WIDE", "json_pointers"),
            (IgnoreRule(kind="?*", json_pointers=("/metadata",)), "RULE_TOO_WIDE", "json_pointers"),
        ],
    )
    def test_a_misspelt_or_boundless_rule_is_refused_at_its_field(
        self, rule: IgnoreRule, code: str, field: str
    ) -> None:
        with pytest.raises(InputError) as caught:
            check_rule(rule)
        assert (caught.value.code, caught.value.field) == (code, field)

    @pytest.mark.parametrize(
        "rule",
        [
            IgnoreRule("", "ConfigMap", json_pointers=("/data",)),
            IgnoreRule("*", "*", managers=("kubectl-edit",)),
            IgnoreRule("*.example.org", "[DS]*", json_pointers=("/spec/a/name=b,c=d",)),
        ],
    )
    def test_a_bounded_rule_is_accepted(self, rule: IgnoreRule) -> None:
        check_rule(rule)


class TestTakingOut:
    WAY = ("/spec/containers/1/image", "/spec/containers/name=web/image")

    @pytest.mark.parametrize(
        ("pointer", "is_out"),
        [
            ("/spec/containers/name=web/image", True),
            ("/spec/containers/1/image", True),
            ("/spec/containers/*", True),
            ("/spec", True),
            ("/spec/containers/0", False),
            ("/spec/containers/name=web/image/tag", False),
            ("/*", False),
            ("", False),
        ],
    )
    def test_a_change_is_taken_out_by_its_place_or_what_lies_around_it(
        self, pointer: str, is_out: bool
    ) -> None:
        assert IgnoreRule(json_pointers=(pointer,)).takes_out(*self.WAY, manager="helm") is is_out

    def test_a_change_is_taken_out_by_its_writer(self) -> None:
        rule = IgnoreRule(managers=("kubectl-edit",))
        assert rule.takes_out(*self.WAY, manager="kubectl-edit")
        assert not rule.takes_out(*self.WAY, manager=None)

    def test_what_would_be_taken_out_is_found_in_place(self) -> None:
        value = {"a": [{"name": "x", "v": 1}, {"name": "y", "v": 2}], "b": {"*": 3}}
        found = {
            text: values_at(value, split_pointer(text)) for text in ("/a/*/v", "/a/name=y/v", "/b/*", "/a/9")
        }
        assert found == {"/a/*/v": [1, 2], "/a/name=y/v": [2], "/b/*": [3], "/a/9": []}
