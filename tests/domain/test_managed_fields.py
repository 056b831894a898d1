"""Who wrote a field, as far as managedFields tell."""

from __future__ import annotations

from typing import Any

from gitopsui.domain.drift import compare

LATER, EARLIER = "2026-11-01T12:00:00Z", "2026-11-01T10:00:00Z"


def _manager(name: str, labels: dict[str, Any], at: str) -> dict[str, Any]:
    fields = {"f:metadata": {"f:labels": labels}}
    return {"manager": name, "operation": "Update", "time": at, "fieldsType": "FieldsV1", "fieldsV1": fields}


def _config_map(label: str, *managers: dict[str, Any]) -> dict[str, Any]:
    metadata = {"name": "web", "namespace": "shop", "labels": {"app": label}, "managedFields": list(managers)}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}


def test_who_names_the_field_wins_over_who_owns_what_lies_around_it() -> None:
    live = _config_map("b", _manager("helm", {}, LATER), _manager("kubectl-patch", {"f:app": {}}, EARLIER))
    (drift,) = compare([_config_map("a")], [live])
    assert [change.manager for change in drift.changes] == ["kubectl-patch"]


def test_who_owns_the_whole_map_is_named_where_nobody_names_the_field() -> None:
    (drift,) = compare([_config_map("a")], [_config_map("b", _manager("helm", {}, LATER))])
    assert [change.manager for change in drift.changes] == ["helm"]
