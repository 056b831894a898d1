from __future__ import annotations

from typing import Any

import pytest

from gitopsui.domain.drift import compare
from gitopsui.domain.identity import ResourceKey
from gitopsui.domain.ignore import Level
from gitopsui.domain.volatile import VolatileField, differing_fields, is_made_up, volatile_rules


def config_map(name: str = "cart", **data: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def secret(field: str, **values: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "cart"}, field: values}


def deployment(seed: str, *names: str) -> dict[str, Any]:
    env = [{"name": name, "value": seed if name == "SEED" else "fixed"} for name in names]
    pod = {"containers": [{"name": "app", "image": "shop/app:1", "env": env}]}
    template = {"metadata": {"annotations": {"checksum/config": seed}}, "spec": pod}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "cart"},
        "spec": {"selector": {"matchLabels": {"app": "cart"}}, "template": template},
    }


def test_equal_renders_have_no_volatile_field() -> None:
    assert differing_fields([config_map(a="1")], [config_map(a="1")]) == ()


def test_the_field_that_differs_is_named_and_no_other() -> None:
    found = differing_fields([config_map(a="1", b="x")], [config_map(a="1", b="y")])
    assert found == (VolatileField(ResourceKey("", "ConfigMap", "", "cart"), "data.b", "/data/b"),)


def test_true_and_one_are_two_values() -> None:
    assert [field.path for field in differing_fields([config_map(a=True)], [config_map(a=1)])] == ["data.a"]


def test_a_made_up_field_is_no_drift_while_another_one_still_is() -> None:
    fields = differing_fields([config_map(a="1", b="x")], [config_map(a="1", b="y")])
    rules = volatile_rules(fields)
    assert compare([config_map(a="1", b="x")], [config_map(a="1", b="z")], ignore=rules) == []
    drift = compare([config_map(a="1", b="x")], [config_map(a="2", b="z")], ignore=rules)
    assert [change.path for one in drift for change in one.changes] == ["data.a"]


def test_a_rule_is_for_this_object_alone_and_says_why() -> None:
    fields = differing_fields([config_map(b="x")], [config_map(b="y")])
    (rule,) = volatile_rules(fields)
    assert (rule.level, rule.reason) == (Level.SHIPPED, "differs between two renders")
    other = config_map("other", b="x"), config_map("other", b="y")
    assert len(compare(other[:1], other[1:], ignore=[rule])) == 1


def test_text_of_a_secret_is_left_out_where_the_server_keeps_it() -> None:
    fields = differing_fields([secret("stringData", token="one")], [secret("stringData", token="two")])
    live = {**secret("data", token="dGhyZWU="), "type": "Opaque"}
    assert compare([secret("stringData", token="one")], [live]) != []
    assert compare([secret("stringData", token="one")], [live], ignore=volatile_rules(fields)) == []


def test_an_item_of_a_list_is_found_by_its_name_wherever_the_cluster_puts_it() -> None:
    git = deployment("one", "SEED", "FIXED")
    rules = volatile_rules(differing_fields([git], [deployment("two", "SEED", "FIXED")]))
    assert compare([git], [deployment("three", "FIXED", "SEED")], ignore=rules) == []
    wrong = deployment("three", "FIXED", "SEED")
    wrong["spec"]["template"]["spec"]["containers"][0]["env"][0]["value"] = "by hand"
    drift = compare([git], [wrong], ignore=rules)
    assert [change.path for one in drift for change in one.changes] == [
        "spec.template.spec.containers[app].env[FIXED].value"
    ]


def test_an_object_that_is_called_otherwise_each_time_is_told_by_its_name() -> None:
    (field,) = differing_fields([config_map("job-x7")], [config_map("job-q2")])
    assert (field.is_name, field.path, field.key.name) == (True, "metadata.name", "job-x7")
    assert volatile_rules([field]) == ()


def test_a_list_that_changes_its_length_is_one_field() -> None:
    first, second = config_map(), config_map()
    first["spec"], second["spec"] = {"items": [1, 2]}, {"items": [1]}
    assert [field.pointer for field in differing_fields([first], [second])] == ["/spec/items"]


def test_odd_shapes_are_compared_as_they_stand() -> None:
    assert differing_fields([None, 3, []], [None, 3, []]) == ()  # type: ignore[list-item]
    assert differing_fields([{"kind": 3}], [{"kind": [4]}])[0].path == "kind"


@pytest.mark.parametrize(
    ("name", "is_expected"),
    [
        ("migrate-x7f3k", True),
        ("migrate-9dk2m", True),
        ("migrate-9dk2m1", False),
        ("migrate-by-hand", False),
        ("other-9dk2m", False),
        ("migrate", False),
    ],
)
def test_what_an_earlier_render_made_is_known_by_its_name(name: str, is_expected: bool) -> None:
    fields = differing_fields([config_map("migrate-x7f3k")], [config_map("migrate-aaaaa")])
    assert is_made_up(ResourceKey("", "ConfigMap", "", name), fields) is is_expected
    assert not is_made_up(ResourceKey("", "Secret", "", name), fields)
    assert not is_made_up(ResourceKey("", "ConfigMap", "elsewhere", name), fields)


def test_a_name_that_is_made_up_as_a_whole_tells_nothing_about_others() -> None:
    fields = differing_fields([config_map("x7f3k")], [config_map("9dk2m")])
    assert not is_made_up(ResourceKey("", "ConfigMap", "", "aaaaa"), fields)


def test_a_field_that_is_made_up_leaves_the_name_alone() -> None:
    fields = differing_fields([config_map("cart-aaaaa", a="1")], [config_map("cart-aaaaa", a="2")])
    assert not is_made_up(ResourceKey("", "ConfigMap", "", "cart-bbbbb"), fields)
