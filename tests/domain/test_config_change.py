"""What a commit of a config repository changed, in one line."""

from __future__ import annotations

from typing import Any

import pytest

from gitopsui.domain.config_change import describe_change


def deployment(
    *, replicas: int = 2, tag: str = "v1.4.0", level: str = "info", config: str = "c"
) -> dict[str, Any]:
    container = {
        "name": "cart",
        "image": f"registry.example.org/cart:{tag}",
        "env": [{"name": "LOG_LEVEL", "value": level}],
        "envFrom": [{"configMapRef": {"name": config}}],
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "cart", "labels": {"app.kubernetes.io/version": tag}},
        "spec": {"replicas": replicas, "template": {"spec": {"containers": [container]}}},
    }


def settings(name: str = "c", **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def secret(value: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"pin": value}}


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ([deployment()], [deployment()], ""),
        ([deployment()], [deployment(replicas=3)], "Deployment cart: replicas 2 → 3"),
        ([deployment()], [deployment(level="debug")], "Deployment cart: env[LOG_LEVEL] info → debug"),
        ([], [deployment()], "Deployment cart added"),
        ([deployment()], [], "Deployment cart removed"),
        ([settings(A="1")], [settings(A="1", B="2")], "ConfigMap c: B 2 added"),
        ([settings(A="1", B="2")], [settings(A="1")], "ConfigMap c: B removed"),
        ([settings(**{"a.yaml": "a: 1\nb: 2"})], [settings(**{"a.yaml": "a: 1"})], "ConfigMap c: a.yaml"),
        ([settings(A="x" * 41)], [settings(A="y")], "ConfigMap c: A"),
        (
            [settings(A="1", B="1", C="1", D="1", E="1")],
            [settings(A="2", B="2", C="2", D="2", E="2")],
            "ConfigMap c: A 1 → 2, B 1 → 2, C 1 → 2 and 2 more",
        ),
        (
            [settings(name, A="1") for name in "abcde"],
            [settings(name, A="2") for name in "abcde"],
            "ConfigMap a: A 1 → 2; ConfigMap b: A 1 → 2; ConfigMap c: A 1 → 2; and 2 more",
        ),
    ],
)
def test_a_change_is_told_in_a_line(
    before: list[dict[str, Any]], after: list[dict[str, Any]], told: str
) -> None:
    assert describe_change(before, after) == told


def test_of_limits_and_requests_it_says_which() -> None:
    before, after = deployment(), deployment()
    for one, memory in ((before, "384Mi"), (after, "512Mi")):
        container = one["spec"]["template"]["spec"]["containers"][0]
        container["resources"] = {"limits": {"memory": memory}}
    assert describe_change([before], [after]) == "Deployment cart: limits.memory 384Mi → 512Mi"


def test_the_hash_in_a_generated_name_is_no_change() -> None:
    before = [settings("c-2456789bcd", A="1"), deployment(config="c-2456789bcd")]
    after = [settings("c-fghkmt2456", A="2"), deployment(config="c-fghkmt2456")]
    assert describe_change(before, after) == "ConfigMap c: A 1 → 2"


def test_what_only_names_the_new_version_is_left_out_where_the_versions_are_known() -> None:
    before, after = [deployment()], [deployment(tag="v1.5.0", replicas=3)]
    told = describe_change(before, after, old_version="v1.4.0", new_version="v1.5.0")
    assert told == "Deployment cart: replicas 2 → 3"
    assert "v1.5.0" in describe_change(before, after)


def test_values_of_secrets_are_never_told() -> None:
    told = describe_change([secret("aGVsbG8=")], [secret("Y2lhbw==")])
    assert "aGVsbG8" not in told
    assert "Y2lhbw" not in told


def test_what_is_nested_too_deep_is_only_said_to_have_changed() -> None:
    told = describe_change([_deep("1")], [_deep("2")])
    assert told == "ConfigMap c: something nested too deep to tell"


def _deep(leaf: str) -> dict[str, Any]:
    value: Any = leaf
    for _ in range(5_000):
        value = {"a": value}
    return settings() | {"data": value}
