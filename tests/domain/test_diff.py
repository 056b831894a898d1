"""Which fields of one object differ, where they lie and who wrote them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from gitopsui.domain.diff import FieldChange
from gitopsui.domain.mask import BULLETS, mask
from gitopsui.domain.pair import field_changes
from tests.domain.manifests import changed, cut, load_manifest

KEY = b"a key for tests alone"
WEB = "spec.template.spec.containers.0"


def changes(want: Any, have: Any, group: str = "apps", kind: str = "Deployment") -> tuple[FieldChange, ...]:
    return field_changes(want, have, group=group, kind=kind)


def paths(want: Any, have: Any, group: str = "apps", kind: str = "Deployment") -> list[str]:
    return [change.path for change in changes(want, have, group, kind)]


def custom(**spec: Any) -> dict[str, Any]:
    return {"apiVersion": "shop.example/v1", "kind": "Till", "metadata": {"name": "t"}, "spec": spec}


def till_paths(want: dict[str, Any], have: dict[str, Any]) -> list[str]:
    return paths(custom(**want), custom(**have), "shop.example", "Till")


def service(**spec: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "cart"}, "spec": spec}


@pytest.fixture(params=["cart.client", "cart.server"])
def live(request: pytest.FixtureRequest) -> Any:
    return load_manifest(request.param)


@pytest.fixture
def git() -> Any:
    return load_manifest("cart.desired")


class TestOneObject:
    def test_defaults_units_and_server_fields_are_no_difference(self, git: Any, live: Any) -> None:
        assert changes(git, live) == ()

    def test_masking_both_sides_changes_no_verdict(self, git: Any, live: Any) -> None:
        assert changes(mask(git, key=KEY), mask(live, key=KEY)) == ()

    @pytest.mark.parametrize(
        ("place", "value", "path"),
        [
            ("spec.replicas", 5, "spec.replicas"),
            ("metadata.labels.team", "other", "metadata.labels.team"),
            (f"{WEB}.image", "registry.example/shop/cart:2.4.2", "spec.template.spec.containers[web].image"),
            (f"{WEB}.args", ["--port"], "spec.template.spec.containers[web].args"),
            (f"{WEB}.env.0.value", "us", "spec.template.spec.containers[web].env[REGION].value"),
            (f"{WEB}.env.1.value", "full", "spec.template.spec.containers[web].env[EMPTY].value"),
            (
                f"{WEB}.resources.limits.memory",
                "2Gi",
                "spec.template.spec.containers[web].resources.limits.memory",
            ),
            (f"{WEB}.ports.0.name", "web", "spec.template.spec.containers[web].ports[8080/TCP].name"),
            (
                f"{WEB}.volumeMounts.0.readOnly",
                False,
                "spec.template.spec.containers[web].volumeMounts[/etc/cart].readOnly",
            ),
            (
                "spec.template.spec.volumes.0.configMap.name",
                "other",
                "spec.template.spec.volumes[config].configMap.name",
            ),
        ],
    )
    def test_a_change_in_git_is_told_by_its_path(
        self, git: Any, live: Any, place: str, value: Any, path: str
    ) -> None:
        assert paths(changed(git, place, value), live) == [path]

    @pytest.mark.parametrize(
        ("place", "value", "path"),
        [
            ("spec.replicas", 9, "spec.replicas"),
            (f"{WEB}.image", "registry.example/shop/cart:hotfix", "spec.template.spec.containers[web].image"),
            (f"{WEB}.env", None, "spec.template.spec.containers[web].env"),
            ("spec.selector", {}, "spec.selector.matchLabels"),
            ("spec", None, "spec"),
            ("metadata", {"name": "cart"}, "metadata.labels"),
        ],
    )
    def test_a_change_in_the_cluster_is_told_by_its_path(
        self, git: Any, live: Any, place: str, value: Any, path: str
    ) -> None:
        assert path in paths(git, changed(live, place, value))

    @pytest.mark.parametrize(
        ("place", "value"),
        [
            ("metadata.labels.added-by-someone", "x"),
            ("metadata.annotations.added-by-someone", "x"),
            (f"{WEB}.imagePullPolicy", "Always"),
            ("spec.template.spec.hostNetwork", True),
            ("status", {"replicas": 0}),
        ],
    )
    def test_what_only_the_cluster_has_is_no_difference(
        self, git: Any, live: Any, place: str, value: Any
    ) -> None:
        assert changes(git, changed(live, place, value)) == ()

    def test_a_typing_error_in_git_stays_visible(self, git: Any, live: Any) -> None:
        assert paths(changed(git, "spec.replica", 3), live) == ["spec.replica"]
        assert paths(changed(git, "metadata.label", {"a": "b"}), live) == ["metadata.label"]

    def test_a_change_carries_both_values_and_its_address(self, git: Any, live: Any) -> None:
        (change,) = changes(changed(git, f"{WEB}.image", "cart:3"), live)
        assert (change.desired, change.live) == ("cart:3", "registry.example/shop/cart:2.4.1")
        assert change.pointer == "/spec/template/spec/containers/0/image"

    def test_a_name_with_dots_and_slashes_is_put_in_brackets(self, git: Any, live: Any) -> None:
        (change,) = changes(
            changed(git, "metadata.labels", {"example.com/a~b": "1", "app": "cart", "team": "checkout"}), live
        )
        assert change.path == "metadata.labels[example.com/a~b]"
        assert change.pointer == "/metadata/labels/example.com~1a~0b"


class TestRemovals:
    """Both ways of knowing what was applied before find the same removals."""

    @pytest.mark.parametrize(
        ("place", "path"),
        [
            ("spec.replicas", "spec.replicas"),
            ("metadata.labels.team", "metadata.labels.team"),
            ("metadata.annotations", "metadata.annotations[example.com/contact]"),
            (f"{WEB}.args", "spec.template.spec.containers[web].args"),
            (f"{WEB}.env.0", "spec.template.spec.containers[web].env[REGION]"),
            (f"{WEB}.readinessProbe", "spec.template.spec.containers[web].readinessProbe"),
            (f"{WEB}.resources.limits", "spec.template.spec.containers[web].resources.limits"),
            (f"{WEB}.ports", "spec.template.spec.containers[web].ports"),
            ("spec.template.spec.volumes.1", "spec.template.spec.volumes[scratch]"),
            ("spec.template.spec.serviceAccountName", "spec.template.spec.serviceAccountName"),
            ("spec.selector.matchLabels.app", "spec.selector.matchLabels.app"),
        ],
    )
    def test_what_git_no_longer_asks_for_is_told(self, git: Any, live: Any, place: str, path: str) -> None:
        found = changes(cut(git, place), live)
        assert path in [change.path for change in found]
        assert all(change.desired is None for change in found)

    def test_it_is_still_told_when_both_sides_are_masked(self, git: Any, live: Any) -> None:
        found = paths(mask(cut(git, "metadata.labels.team"), key=KEY), mask(live, key=KEY))
        assert found == ["metadata.labels.team"]

    def test_what_falls_back_to_its_default_is_no_difference(self, git: Any, live: Any) -> None:
        one = changed(live, "spec.replicas", 1)
        assert changes(cut(git, "spec.replicas"), one) == ()

    def test_what_the_cluster_lost_too_is_no_difference(self, git: Any, live: Any) -> None:
        assert changes(cut(git, "metadata.labels.team"), cut(live, "metadata.labels.team")) == ()

    @pytest.mark.parametrize(
        "mark",
        ["argocd.argoproj.io/tracking-id", "app.kubernetes.io/instance", "kustomize.toolkit.fluxcd.io/name"],
    )
    def test_the_marks_of_the_tools_are_no_removal(self, git: Any, mark: str) -> None:
        live = load_manifest("cart.server")
        live["metadata"]["labels"][mark] = "cart"
        live["metadata"]["managedFields"][0]["fieldsV1"]["f:metadata"]["f:labels"][f"f:{mark}"] = {}
        assert changes(git, live) == ()

    def test_a_field_that_somebody_else_wants_too_is_no_removal(self, git: Any) -> None:
        live = load_manifest("cart.server")
        scaler = {"manager": "scaler", "operation": "Update", "fieldsV1": {"f:spec": {"f:replicas": {}}}}
        live["metadata"]["managedFields"].append(scaler)
        assert changes(cut(git, "spec.replicas"), live) == ()

    def test_an_apply_manager_of_a_few_fields_is_not_the_one_that_applies(self, git: Any) -> None:
        live = load_manifest("cart.client")
        live["metadata"]["annotations"].pop("kubectl.kubernetes.io/last-applied-configuration")
        owner = {
            "manager": "limiter",
            "operation": "Apply",
            "fieldsV1": {"f:spec": {"f:revisionHistoryLimit": {}}},
        }
        live["metadata"]["managedFields"].append(owner)
        live["spec"]["revisionHistoryLimit"] = 3
        assert changes(git, live) == ()

    def test_a_part_applied_by_hand_does_not_hide_what_the_tool_applied(self, git: Any) -> None:
        live = load_manifest("cart.client")
        part = {"manager": "kubectl", "operation": "Apply", "fieldsV1": {"f:spec": {"f:paused": {}}}}
        live["metadata"]["managedFields"].append(part)
        live["spec"]["paused"] = True
        assert paths(cut(git, "metadata.labels.team"), live) == ["metadata.labels.team"]

    def test_a_selector_is_owned_as_one(self) -> None:
        applied = {"manager": "kubectl", "operation": "Apply", "fieldsV1": {"f:spec": {"f:selector": {}}}}
        live = service(selector={"app": "cart", "added": "by-hand"})
        live["metadata"]["managedFields"] = [applied]
        assert paths(service(selector={"app": "cart"}), live, "", "Service") == ["spec.selector.added"]

    @pytest.mark.parametrize("text", ["{broken", "[]", "[" * 10_000, "••••••", 7])
    def test_an_unreadable_record_of_the_last_apply_is_no_reason_to_fail(self, git: Any, text: Any) -> None:
        live = load_manifest("cart.client")
        live["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"] = text
        assert changes(cut(git, "spec.replicas"), live) == ()


class TestLists:
    def test_items_are_matched_by_their_key_whatever_their_order(self) -> None:
        http, https = {"name": "http", "port": 80}, {"name": "https", "port": 443}
        assert paths(service(ports=[http, https]), service(ports=[https, http]), "", "Service") == []

    def test_ports_that_differ_in_protocol_alone_are_two(self) -> None:
        tcp, udp = {"name": "dns", "port": 53}, {"name": "dns-udp", "port": 53, "protocol": "UDP"}
        live = service(ports=[{**tcp, "protocol": "TCP"}])
        assert paths(service(ports=[tcp, udp]), live, "", "Service") == ["spec.ports[53/UDP]"]

    def test_the_order_of_init_containers_counts(self, git: Any, live: Any) -> None:
        steps = [{"name": "migrate", "image": "m:1"}, {"name": "warm", "image": "w:1"}]
        one = changed(git, "spec.template.spec.initContainers", steps)
        other = changed(live, "spec.template.spec.initContainers", steps[::-1])
        (change,) = changes(one, other)
        assert (change.path, change.desired) == ("spec.template.spec.initContainers", ["migrate", "warm"])

    def test_finalizers_are_a_set(self) -> None:
        want = {**custom(), "metadata": {"name": "t", "finalizers": ["a"]}}
        have = {**custom(), "metadata": {"name": "t", "finalizers": ["b", "a"]}}
        assert paths(want, have, "shop.example", "Till") == []
        assert paths(have, want, "shop.example", "Till") == ["metadata.finalizers"]

    def test_duplicate_names_are_compared_by_position_and_not_merged(self, git: Any, live: Any) -> None:
        twice = [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]
        want = changed(git, f"{WEB}.env", twice)
        assert changes(want, changed(live, f"{WEB}.env", twice)) == ()
        assert paths(want, changed(live, f"{WEB}.env", twice[::-1])) == [
            "spec.template.spec.containers[web].env[0].value",
            "spec.template.spec.containers[web].env[1].value",
        ]

    def test_a_list_of_another_length_is_told_as_a_whole(self) -> None:
        (change,) = changes(custom(a=[1, 2]), custom(a=[1, 2, 3]), "shop.example", "Till")
        assert (change.path, change.desired, change.live) == ("spec.a", [1, 2], [1, 2, 3])

    def test_items_of_one_list_are_compared_by_position(self) -> None:
        assert till_paths({"a": [{"b": 1}, {"b": 2}]}, {"a": [{"b": 1, "c": 0}, {"b": 3}]}) == ["spec.a[1].b"]


class TestCustomResources:
    @pytest.mark.parametrize("nothing", [None, "", [], {}])
    def test_an_empty_field_may_be_absent(self, nothing: Any) -> None:
        assert till_paths({"a": nothing}, {}) == []

    def test_zero_and_false_may_not(self) -> None:
        assert till_paths({"a": 0, "b": False}, {}) == ["spec.a", "spec.b"]

    def test_an_empty_object_inside_counts(self) -> None:
        assert till_paths({"a": {"b": {}}}, {}) == ["spec.a"]

    def test_defaults_of_the_definition_are_no_difference(self) -> None:
        assert till_paths({"mode": "fast"}, {"mode": "fast", "size": 3, "opts": {"deep": True}}) == []

    def test_durations_are_compared_by_value(self) -> None:
        assert till_paths({"every": "8760h"}, {"every": "8760h0m0s"}) == []

    def test_parts_borrowed_from_the_pod_are_known_by_their_name(self) -> None:
        want = {"containers": [{"name": "a", "resources": {"limits": {"cpu": "1000m"}}}, {"name": "b"}]}
        have = {"containers": [{"name": "b"}, {"name": "a", "resources": {"limits": {"cpu": "1"}}}]}
        assert till_paths(want, have) == []

    def test_numbers_and_booleans_are_not_confused(self) -> None:
        assert till_paths({"a": True}, {"a": 1}) == ["spec.a"]
        assert till_paths({"a": 1.0}, {"a": 1}) == []


class TestMaps:
    def test_a_label_without_a_value_is_a_label(self, git: Any, live: Any) -> None:
        assert paths(changed(git, "metadata.labels.beta", ""), live) == ["metadata.labels.beta"]

    def test_a_trailing_newline_of_a_configmap_counts(self) -> None:
        def config(text: str) -> dict[str, Any]:
            return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {}, "data": {"a": text}}

        (change,) = changes(config("x\n"), config("x"), "", "ConfigMap")
        assert (change.desired, change.live) == ("x\n", "x")


class TestSecrets:
    def secret(self, **fields: Any) -> dict[str, Any]:
        return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, **fields}

    def test_values_are_compared_and_never_told(self) -> None:
        want = self.secret(stringData={"p": "hunter2"})
        (change,) = changes(want, self.secret(type="Opaque", data={"p": "b2xk"}), "", "Secret")
        assert (change.path, change.desired, change.live) == ("data.p", BULLETS, BULLETS)

    def test_masked_values_are_compared_by_their_hmac(self) -> None:
        want = mask(self.secret(stringData={"p": "hunter2"}), key=KEY)
        same = mask(self.secret(type="Opaque", data={"p": "aHVudGVyMg=="}), key=KEY)
        other = mask(self.secret(type="Opaque", data={"p": "b2xk"}), key=KEY)
        assert changes(want, same, "", "Secret") == ()
        (change,) = changes(want, other, "", "Secret")
        assert change.desired != change.live
        assert str(change.desired).startswith(BULLETS)

    def test_of_a_secret_known_by_its_metadata_the_data_is_not_compared(self) -> None:
        want = {**self.secret(data={"p": "eA=="}), "metadata": {"name": "s", "labels": {"a": "1"}}}
        assert paths(want, self.secret(), "", "Secret") == ["metadata.labels"]

    def test_data_that_is_gone_is_told_by_its_keys_alone(self) -> None:
        (change,) = changes(self.secret(data={"p": "eA=="}), self.secret(type="Opaque"), "", "Secret")
        assert (change.path, change.desired, change.live) == ("data", {"p": BULLETS}, None)

    def test_line_breaks_in_base64_are_no_difference(self) -> None:
        want = self.secret(data={"p": "Zm9v\nYmFy\n"})
        assert changes(want, self.secret(type="Opaque", data={"p": "Zm9vYmFy"}), "", "Secret") == ()


class TestAttribution:
    def test_the_last_writer_of_a_field_is_named_with_the_time(self, git: Any) -> None:
        live = changed(load_manifest("cart.client"), f"{WEB}.image", "registry.example/shop/cart:hotfix")
        (change,) = changes(git, live)
        assert change.manager == "kubectl-edit"
        assert change.changed_at == datetime(2026, 3, 4, 17, 30, tzinfo=UTC)

    def test_the_owner_of_a_whole_selector_owns_its_parts(self, git: Any) -> None:
        live = changed(load_manifest("cart.client"), "spec.selector.matchLabels.app", "other")
        (change,) = changes(git, live)
        assert change.manager == "argocd-controller"

    def test_a_field_that_is_not_there_has_no_writer(self, git: Any, live: Any) -> None:
        (change,) = changes(git, cut(live, f"{WEB}.args"))
        assert (change.manager, change.changed_at) == (None, None)

    @pytest.mark.parametrize("time", [None, "yesterday", 5])
    def test_a_writer_without_a_readable_time_is_still_named(self, git: Any, time: Any) -> None:
        live = changed(load_manifest("cart.server"), "spec.replicas", 9)
        live["metadata"]["managedFields"][0]["time"] = time
        (change,) = changes(git, live)
        assert (change.manager, change.changed_at) == ("kustomize-controller", None)
