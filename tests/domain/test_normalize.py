from __future__ import annotations

from typing import Any

import pytest

from gitopsui.domain.normalize import canonical, is_default, is_empty, same_value
from gitopsui.domain.schema import (
    BYTES,
    OFF,
    OPEN,
    PLAIN,
    PORT,
    QUANTITY,
    TEXTS,
    Field,
    inside,
    struct,
    value,
)
from gitopsui.domain.schema_kinds import type_of
from gitopsui.domain.schema_pod import CONTAINER, RESOURCES


@pytest.mark.parametrize(
    ("want", "have", "field"),
    [
        ("1024Mi", "1Gi", QUANTITY),
        (0.5, "500m", QUANTITY),
        (80, "80", PORT),
        ("8760h", "8760h0m0s", OPEN),
        ("1.5h", "90m", OPEN),
        ("Zm9v\nYmFy", "Zm9vYmFy", BYTES),
        (1, 1.0, PLAIN),
        (float("nan"), float("nan"), PLAIN),
    ],
)
def test_two_spellings_of_one_value_are_the_same(want: Any, have: Any, field: Field) -> None:
    assert same_value(want, have, field)


@pytest.mark.parametrize(
    ("want", "have", "field"),
    [
        ("1024Mi", "1G", QUANTITY),
        ("many", "1Gi", QUANTITY),
        (80, "80", PLAIN),
        (True, 1, PLAIN),
        (0, False, PLAIN),
        ("1h", "1H", OPEN),
        ("1h", "61m", OPEN),
        ("text\n", "text", PLAIN),
        ("••••••(00000000)", "••••••(00000001)", BYTES),
        (True, 1, QUANTITY),
    ],
)
def test_values_that_differ_are_told_apart(want: Any, have: Any, field: Field) -> None:
    assert not same_value(want, have, field)


@pytest.mark.parametrize("nothing", [None, "", [], {}])
def test_the_server_leaves_out_empty_fields(nothing: Any) -> None:
    assert is_empty(nothing)


@pytest.mark.parametrize("something", [0, False, {"status": {}}, [None], " "])
def test_zero_false_and_nested_objects_say_something(something: Any) -> None:
    assert not is_empty(something)


class TestDefaults:
    @pytest.mark.parametrize(
        ("image", "policy"),
        [
            ("cart", "Always"),
            ("cart:latest", "Always"),
            ("cart:2.4.1", "IfNotPresent"),
            ("registry.example:5000/cart", "Always"),
            ("cart@sha256:00", "IfNotPresent"),
            ("cart:latest@sha256:00", "IfNotPresent"),
        ],
    )
    def test_the_pull_policy_follows_from_the_tag(self, image: str, policy: str) -> None:
        field = CONTAINER.fields["imagePullPolicy"]
        assert is_default(policy, field, {"image": image})

    def test_limits_stand_in_for_requests(self) -> None:
        field = RESOURCES.fields["requests"]
        assert is_default({"cpu": "1"}, field, {"limits": {"cpu": "1000m"}})
        assert not is_default({"cpu": "2"}, field, {"limits": {"cpu": "1"}})

    def test_a_target_port_is_its_port(self) -> None:
        port = type_of("", "Service").fields["spec"].struct.fields["ports"].struct.fields["targetPort"]  # type: ignore[union-attr]
        assert is_default(80, port, {"port": 80})
        assert not is_default(8080, port, {"port": 80})

    def test_an_object_of_defaults_is_a_default(self) -> None:
        strategy = inside(
            struct(type=value("RollingUpdate"), rollingUpdate=inside(struct(maxSurge=value("25%"))))
        )
        assert is_default({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%"}}, strategy, {})
        assert not is_default({"type": "Recreate"}, strategy, {})

    def test_false_is_a_default_only_where_the_table_says_so(self) -> None:
        assert is_default(False, OFF, {})
        assert not is_default(False, PLAIN, {})

    def test_labels_are_no_default(self) -> None:
        assert not is_default({"app": "cart"}, TEXTS, {})


class TestKinds:
    def test_text_of_a_secret_wins_over_data_and_is_encoded(self) -> None:
        manifest = {"stringData": {"a": "bar", "n": 5}, "data": {"a": "eA==", "b": None}}
        assert canonical(manifest, "", "Secret") == {"data": {"a": "YmFy", "b": "", "n": 5}}

    def test_a_masked_text_of_a_secret_stays_as_it_is(self) -> None:
        found = canonical({"stringData": {"a": "••••••(00000000)"}}, "", "Secret")
        assert found == {"data": {"a": "••••••(00000000)"}}

    def test_odd_secrets_are_left_to_be_seen(self) -> None:
        assert canonical({"data": "x"}, "", "Secret") == {"data": "x"}
        assert canonical({"stringData": "x"}, "", "Secret") == {"stringData": "x", "data": {}}

    def test_endpoints_are_brought_into_one_order(self) -> None:
        first = {"subsets": [{"addresses": [{"ip": "10.0.0.2"}, {"ip": "10.0.0.1"}]}]}
        second = {"subsets": [{"addresses": [{"ip": "10.0.0.1"}, {"ip": "10.0.0.2"}]}]}
        assert canonical(first, "", "Endpoints") == canonical(second, "", "Endpoints")

    def test_the_old_autoscaler_is_laid_out_like_the_new_one(self) -> None:
        old = {
            "apiVersion": "autoscaling/v1",
            "spec": {"maxReplicas": 5, "targetCPUUtilizationPercentage": 70},
        }
        target = {"type": "Utilization", "averageUtilization": 70}
        assert canonical(old, "autoscaling", "HorizontalPodAutoscaler")["spec"] == {
            "maxReplicas": 5,
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": target}}],
        }

    def test_the_old_ingress_is_laid_out_like_the_new_one(self) -> None:
        backend = {"serviceName": "cart", "servicePort": 80}
        old = {
            "apiVersion": "networking.k8s.io/v1beta1",
            "spec": {
                "backend": backend,
                "rules": [{"http": {"paths": [{"path": "/", "backend": backend}]}}, 7],
            },
        }
        new = {"service": {"name": "cart", "port": {"number": 80}}}
        path = {"path": "/", "pathType": "ImplementationSpecific", "backend": new}
        assert canonical(old, "networking.k8s.io", "Ingress")["spec"] == {
            "defaultBackend": new,
            "rules": [{"http": {"paths": [path]}}, 7],
        }

    def test_an_aggregated_role_asks_for_no_rules(self) -> None:
        role = {"aggregationRule": {"clusterRoleSelectors": []}, "rules": []}
        assert "rules" not in canonical(role, "rbac.authorization.k8s.io", "ClusterRole")
        assert canonical({"rules": []}, "rbac.authorization.k8s.io", "ClusterRole") == {"rules": []}
