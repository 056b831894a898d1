"""What differs between two renderings, resource by resource."""

from __future__ import annotations

from typing import Any

from gitopsui.domain.identity import ResourceKey
from gitopsui.domain.rendered import compare_rendered
from gitopsui.domain.volatile import VolatileField


def config(name: str, **data: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def told(*arguments: Any, **options: Any) -> list[tuple[str, str]]:
    return [(one.key.name, one.change.value) for one in compare_rendered(*arguments, **options)]


def test_resources_come_change_and_go() -> None:
    base = [config("a", x="1"), config("b", x="1"), config("c", x="1")]
    head = [config("d", x="1"), config("b", x="2"), config("a", x="1")]
    assert told(base, head) == [("b", "changed"), ("c", "removed"), ("d", "added")]


def test_another_kind_or_namespace_is_another_resource() -> None:
    other = {**config("a"), "kind": "Secret"}
    assert told([config("a")], [other]) == [("a", "removed"), ("a", "added")]


def test_lists_are_opened_and_of_two_with_one_key_the_last_counts() -> None:
    listed = {"apiVersion": "v1", "kind": "List", "items": [config("a", x="0"), config("a", x="1")]}
    assert told([listed], [config("a", x="1")]) == []


def test_what_is_made_up_anew_is_no_difference() -> None:
    key = ResourceKey("", "ConfigMap", "", "a")
    fields = [VolatileField(key, "data.salt", "/data/salt")]
    base, head = config("a", salt="1", x="1"), config("a", salt="2", x="1")
    assert told([base], [head], volatile=fields) == []
    ((change),) = compare_rendered([base], [config("a", salt="3", x="2")], volatile=fields)
    assert change.new is not None
    assert change.new["data"] == {"x": "2"}


def test_a_resource_whose_name_is_made_up_anew_is_left_out() -> None:
    fields = [
        VolatileField(ResourceKey("", "ConfigMap", "", name), "metadata.name", "")
        for name in ("job-1", "job-2")
    ]
    assert told([config("job-1")], [config("job-2")], volatile=fields) == []


def test_what_is_no_manifest_has_no_name_and_raises_nothing() -> None:
    assert told([None, "x", {"kind": 3}], [{}]) == [("", "changed")]
