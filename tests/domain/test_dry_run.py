from __future__ import annotations

from typing import Any

from gitopsui.domain.dry_run import owned_part
from gitopsui.domain.resource import Manifest


def applied(fields: dict[str, Any], **body: Any) -> Manifest:
    entries = [
        {"manager": "somebody", "operation": "Update", "fieldsV1": {"f:spec": {}}},
        {"manager": "us", "operation": "Apply", "time": "2026-11-23T09:16:41Z", "fieldsV1": fields},
        {"manager": "us", "operation": "Apply", "subresource": "status", "fieldsV1": {"f:status": {}}},
    ]
    metadata = {
        "name": "shop",
        "namespace": "a",
        "uid": "1",
        "labels": {"app": "x"},
        "managedFields": entries,
    }
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, **body}


def test_only_owned_fields_are_left() -> None:
    given = applied(
        {"f:metadata": {"f:labels": {"f:app": {}}}, "f:spec": {"f:replicas": {}}},
        spec={"replicas": 2, "revisionHistoryLimit": 10},
        status={"replicas": 2},
    )
    assert owned_part(given, manager="us") == {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "shop", "namespace": "a", "labels": {"app": "x"}},
        "spec": {"replicas": 2},
    }


def test_items_of_lists_keep_their_keys_and_lose_what_webhooks_injected() -> None:
    ports = [
        {"containerPort": 80, "protocol": "TCP", "name": "http"},
        {"containerPort": 15090, "protocol": "TCP"},
    ]
    given = applied(
        {
            "f:spec": {
                "f:ports": {'k:{"containerPort":80,"protocol":"TCP"}': {".": {}, "f:containerPort": {}}}
            }
        },
        spec={"ports": ports},
    )
    assert owned_part(given, manager="us")["spec"] == {"ports": [{"containerPort": 80, "protocol": "TCP"}]}


def test_sets_and_whole_values_are_kept_as_they_are() -> None:
    fields: dict[str, Any] = {
        "f:spec": {"f:finalizers": {'v:"a"': {}}, "f:args": {}, "f:selector": {".": {}}}
    }
    given = applied(fields, spec={"finalizers": ["a", "b"], "args": ["-x", "-y"], "selector": {"app": "x"}})
    assert owned_part(given, manager="us")["spec"] == {
        "finalizers": ["a"],
        "args": ["-x", "-y"],
        "selector": {"app": "x"},
    }


def test_an_object_without_owned_fields_is_its_name_alone() -> None:
    given = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"a": "b"}}
    assert owned_part(given, manager="us")["metadata"] == {"name": "a"}
