"""Whatever JSON stands in an object, comparing and judging it never raises and never passes for well."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gitopsui.domain.drift import DriftKind, compare, sync_status
from gitopsui.domain.health import HealthStatus, application_health, health_of
from gitopsui.domain.ignore import IgnoreRule
from gitopsui.domain.mask import mask
from gitopsui.domain.volatile import differing_fields, volatile_rules

ODD_NUMBERS = st.sampled_from([float("nan"), float("inf"), float("-inf"), 1e400, 10**400, -0.0, 0.5])
NAMES = st.sampled_from(
    [
        *("apiVersion", "kind", "metadata", "spec", "status", "name", "namespace", "labels", "annotations"),
        *("ownerReferences", "managedFields", "fieldsV1", "f:spec", "template", "containers", "replicas"),
        *("conditions", "type", "data", "stringData", "rules", "subsets", "items", "metrics", "ports", "env"),
    ]
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | ODD_NUMBERS | st.text(max_size=8)
JSON: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(NAMES | st.text(max_size=4), inner, max_size=4)
    ),
    max_leaves=12,
)
KINDS = [
    ("apps/v1", "Deployment", ("spec", "status")),
    ("apps/v1", "StatefulSet", ("spec", "status")),
    ("v1", "Pod", ("spec", "status")),
    ("v1", "Service", ("spec", "status")),
    ("v1", "Secret", ("data", "stringData")),
    ("v1", "ConfigMap", ("data", "binaryData")),
    ("v1", "Endpoints", ("subsets", "metadata")),
    ("batch/v1", "CronJob", ("spec", "status")),
    ("networking.k8s.io/v1beta1", "Ingress", ("spec", "status")),
    ("rbac.authorization.k8s.io/v1", "ClusterRole", ("rules", "aggregationRule")),
    ("autoscaling/v1", "HorizontalPodAutoscaler", ("spec", "status")),
    ("example.org/v1", "Cart", ("spec", "status")),
]
OBJECTS = st.sampled_from(KINDS)


def build(
    kind: tuple[str, str, tuple[str, str]], first: Any, second: Any, more: Any = None
) -> dict[str, Any]:
    version, name, fields = kind
    metadata = {
        "name": "cart",
        "namespace": "shop",
        "annotations": more,
        "labels": more,
        "managedFields": more,
    }
    made = {"apiVersion": version, "kind": name, "metadata": metadata}
    return made | dict(zip(fields, (first, second), strict=True))


@settings(max_examples=150, deadline=None)
@given(JSON, JSON)
def test_no_json_makes_a_comparison_raise(desired: Any, live: Any) -> None:
    for left, right in ((desired, live), ([desired], [live])):
        both = [value if isinstance(value, list) else [value] for value in (left, right)]
        assert isinstance(compare(*both), list)


@settings(max_examples=300, deadline=None)
@given(OBJECTS, JSON, JSON, JSON, JSON)
def test_no_field_of_any_shape_makes_a_comparison_or_a_judgement_raise(
    kind: Any, desired: Any, live: Any, status: Any, more: Any
) -> None:
    want, have = build(kind, desired, status), build(kind, live, status, more)
    rule = IgnoreRule(json_pointers=("/spec/replicas", "/data/*/name"), managers=("kubectl",))
    before = copy.deepcopy((want, have))
    for one in compare([want], [have], ignore=[rule]):
        assert one.kind in DriftKind
        assert one.reason
    sync_status(compare([have], [want]))
    assert repr((want, have)) == repr(before), "what is compared stays as it was"
    for manifest in (want, have):
        health = health_of(manifest)
        assert health is None or health.status in HealthStatus
        application_health([manifest], [manifest])


@settings(max_examples=150, deadline=None)
@given(OBJECTS, JSON, JSON)
def test_every_object_is_level_with_itself_or_says_why_not(kind: Any, value: Any, status: Any) -> None:
    manifest = build(kind, value, status)
    for one in compare([manifest], [copy.deepcopy(manifest)]):
        assert one.kind is DriftKind.UNKNOWN, one


@settings(max_examples=150, deadline=None)
@given(OBJECTS, JSON, JSON, JSON)
def test_what_two_renders_make_of_any_shape_is_told_and_made_no_drift_of(
    kind: Any, one: Any, other: Any, rest: Any
) -> None:
    first, second = build(kind, one, rest), build(kind, other, rest)
    assert differing_fields([first], [copy.deepcopy(first)]) == () or _holds_nan(first)
    volatile_rules(differing_fields([first], [second]))


def _holds_nan(value: Any) -> bool:
    return "nan" in repr(value)


@settings(max_examples=150, deadline=None)
@given(OBJECTS, JSON, JSON, JSON)
def test_masked_objects_of_any_shape_are_judged_too(kind: Any, one: Any, other: Any, more: Any) -> None:
    masked = mask(build(kind, one, other, more), key=b"k" * 32)
    compare([masked], [masked])
    health_of(masked)


@pytest.mark.parametrize(
    "metadata", [None, [], "cart", 7, {}, {"name": 7}, {"name": None}, {"name": "a", "namespace": 3}]
)
def test_an_object_without_a_readable_name_is_unknown_with_a_sentence(metadata: Any) -> None:
    broken = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}
    drifts = compare([broken], [])
    assert [one.kind for one in drifts] == [DriftKind.UNKNOWN]
    assert drifts[0].reason.endswith(".")


@pytest.mark.parametrize("replicas", ["three", [3], {"a": 1}, float("nan"), 1e400, True])
def test_replicas_of_a_wrong_type_are_a_difference_and_no_green(replicas: Any) -> None:
    want = build(KINDS[0], {"replicas": replicas}, {})
    have = build(KINDS[0], {"replicas": 3}, {})
    assert compare([want], [have]) != []
    health = health_of(build(KINDS[0], {"replicas": replicas}, {"observedGeneration": 1}))
    assert health is not None
