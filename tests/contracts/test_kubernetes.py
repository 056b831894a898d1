"""What the program and its demo rely on in an API server, held against stand-in and real clusters alike."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest

from gitopsui.domain.resource import Manifest
from tests.contracts.kubectl import READER, STRANGER, VARIABLE, Api

pytestmark = pytest.mark.binary

SERVER_SIDE = ("--server-side", "--field-manager=kustomize-controller")
APPLIES = pytest.mark.parametrize("flags", [(), SERVER_SIDE], ids=["client", "server"])
LABELS = {"app": "shop"}


def make(api_version: str, kind: str, name: str, **fields: Any) -> Manifest:
    return {
        "apiVersion": api_version,
        "kind": kind,
        "metadata": {"name": name, "labels": dict(LABELS)},
        **fields,
    }


def config(name: str = "settings", **data: str) -> Manifest:
    return make("v1", "ConfigMap", name, data=data or {"colour": "green"})


def pod_template() -> dict[str, Any]:
    probe = {"httpGet": {"path": "/healthz", "port": "http"}, "periodSeconds": 5}
    container = {
        "name": "web",
        "image": "registry.example.org/shop:1.0.0",
        "ports": [{"name": "http", "containerPort": 8080}],
        "env": [{"name": "COLOUR", "value": "green"}, {"name": "EMPTY", "value": ""}],
        "resources": {"requests": {"cpu": 0.5, "memory": "1024Mi"}, "limits": {"cpu": "1000m"}},
        "livenessProbe": probe,
        "readinessProbe": {"tcpSocket": {"port": 8080}},
        "volumeMounts": [
            {"name": "settings", "mountPath": "/etc/shop"},
            {"name": "tmp", "mountPath": "/tmp"},
        ],
    }
    volumes = [{"name": "settings", "configMap": {"name": "settings"}}, {"name": "tmp", "emptyDir": {}}]
    return {"metadata": {"labels": dict(LABELS)}, "spec": {"containers": [container], "volumes": volumes}}


def deployment(name: str = "shop") -> Manifest:
    spec = {"replicas": 0, "selector": {"matchLabels": dict(LABELS)}, "template": pod_template()}
    return make("apps/v1", "Deployment", name, spec=spec)


def need_controllers(api: Api) -> None:
    """Some real API servers run alone, and nobody clears what is deleted."""
    found = ("wait", "--for=create", "serviceaccount/default", "--timeout=15s")
    if api.is_real and api.run(*found).returncode:
        pytest.skip("this API server runs without controllers")


def need_tokens(api: Api) -> None:
    if api.is_real:
        pytest.skip(f"{VARIABLE} names a real cluster, whose tokens we do not hand out")


@APPLIES
@pytest.mark.parametrize(
    ("patch", "path"),
    [
        (
            {"spec": {"template": {"spec": {"containers": [{"name": "web", "image": "other:2"}]}}}},
            "spec.template.spec.containers[web].image",
        ),
        ({"spec": {"minReadySeconds": 7}}, "spec.minReadySeconds"),
        ({"metadata": {"labels": {"app": "till"}}}, "metadata.labels.app"),
    ],
    ids=["image", "default", "label"],
)
def test_one_patched_field_is_one_change(
    api: Api, flags: tuple[str, ...], patch: dict[str, Any], path: str
) -> None:
    desired = {**deployment(), "spec": {**deployment()["spec"], "minReadySeconds": 3}}
    api.apply(desired, flags=flags)
    api.call("patch", "deployment", "shop", "-p", json.dumps(patch))
    (drift,) = api.drift(desired)
    assert [change.path for change in drift.changes] == [path]


@APPLIES
def test_the_drift_of_a_field_names_who_wrote_it(api: Api, flags: tuple[str, ...]) -> None:
    api.apply(deployment(), flags=flags)
    api.call("set", "image", "deployment/shop", "web=other:2", "--field-manager=night-shift")
    (drift,) = api.drift(deployment())
    assert [change.manager for change in drift.changes] == ["night-shift"]


@APPLIES
def test_a_second_apply_changes_and_removes_what_the_manifest_does(api: Api, flags: tuple[str, ...]) -> None:
    api.apply(config(colour="green", size="large"), flags=flags)
    api.apply(config(colour="blue"), flags=flags)
    assert api.get("configmap", "settings")["data"] == {"colour": "blue"}


def test_an_unchanged_server_side_apply_writes_nothing(api: Api) -> None:
    api.apply(deployment(), flags=SERVER_SIDE)
    before = api.get("deployment", "shop")["metadata"]
    api.apply(deployment(), flags=SERVER_SIDE)
    after = api.get("deployment", "shop")["metadata"]
    assert (after["resourceVersion"], after["generation"]) == (
        before["resourceVersion"],
        before["generation"],
    )


def test_a_field_of_another_manager_is_a_conflict_until_forced(api: Api) -> None:
    api.apply(config(colour="green"), flags=("--server-side", "--field-manager=one"))
    text = json.dumps(config(colour="blue"))
    other = ("apply", "--server-side", "--field-manager=two", "-f", "-")
    message = api.refused(*other, stdin=text)
    assert 'conflict with "one"' in message
    assert ".data.colour" in message
    api.call(*other, "--force-conflicts", stdin=text)
    assert api.get("configmap", "settings")["data"] == {"colour": "blue"}


def test_a_dry_run_answers_and_keeps_nothing(api: Api) -> None:
    flags = ("--dry-run=server", "-o", "jsonpath={.spec.strategy.type}")
    assert api.apply(deployment(), flags=flags) == "RollingUpdate"
    assert "NotFound" in api.refused("get", "deployment", "shop")


def test_custom_resources_are_served_once_their_definition_is(api: Api) -> None:
    group = f"{uuid.uuid4().hex[:8]}.gitopsui.example"
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    definition = make(
        "apiextensions.k8s.io/v1",
        "CustomResourceDefinition",
        f"widgets.{group}",
        spec={
            "group": group,
            "scope": "Namespaced",
            "names": {"kind": "Widget", "plural": "widgets"},
            "versions": [version],
        },
    )
    api.apply(definition)
    try:
        api.call("wait", "--for=condition=Established", "--timeout=30s", f"crd/widgets.{group}")
        widget = make(f"{group}/v1", "Widget", "one", spec={"size": 3, "parts": [{"name": "a"}]})
        api.apply(widget)
        assert f"widgets.{group}" in api.call("api-resources", f"--api-group={group}", "-o", "name")
        assert api.drift(widget) == []
        api.call("patch", f"widgets.{group}", "one", "--type=merge", "-p", '{"spec": {"size": 4}}')
        (drift,) = api.drift(widget)
        assert [change.path for change in drift.changes] == ["spec.size"]
    finally:
        api.call("delete", "crd", f"widgets.{group}", "--wait=false")


def test_the_three_types_of_patch(api: Api) -> None:
    api.apply(deployment())
    image = "spec.template.spec.containers"
    strategic = {"spec": {"template": {"spec": {"containers": [{"name": "side", "image": "busybox:1.36"}]}}}}
    api.call("patch", "deployment", "shop", "--type=strategic", "-p", json.dumps(strategic))
    names = api.call("get", "deployment", "shop", "-o", f"jsonpath={{.{image}[*].name}}").split()
    assert sorted(names) == ["side", "web"]
    api.call("patch", "deployment", "shop", "--type=merge", "-p", '{"spec": {"revisionHistoryLimit": 4}}')
    operation = {"op": "replace", "path": "/spec/minReadySeconds", "value": 9}
    add = {"op": "add", "path": "/metadata/annotations/note", "value": "by hand"}
    api.call("annotate", "deployment", "shop", "other=1")
    operations = json.dumps([{**operation, "op": "add"}, operation, add])
    api.call("patch", "deployment", "shop", "--type=json", "-p", operations)
    live = api.get("deployment", "shop")
    assert (live["spec"]["revisionHistoryLimit"], live["spec"]["minReadySeconds"]) == (4, 9)
    assert live["metadata"]["annotations"]["note"] == "by hand"


def test_the_verbs_of_people_change_one_thing_each(api: Api) -> None:
    desired = deployment()
    api.apply(desired)
    api.call("set", "image", "deployment/shop", "web=registry.example.org/shop:2.0.0")
    api.call("label", "deployment", "shop", "tier=front")
    api.call("annotate", "deployment", "shop", "note=by hand")
    generation = api.get("deployment", "shop")["metadata"]["generation"]
    assert generation == 2  # labels and annotations are no new generation
    (drift,) = api.drift(desired)
    assert [change.path for change in drift.changes] == ["spec.template.spec.containers[web].image"]
    api.apply({**desired, "spec": {**desired["spec"], "paused": True}})
    api.call("scale", "deployment", "shop", "--replicas=1")
    assert api.get("deployment", "shop")["spec"]["replicas"] == 1


def test_objects_are_found_by_label_field_and_everywhere(api: Api) -> None:
    other = config("other")
    other["metadata"]["labels"] = {"app": "other"}
    api.apply(config(), other)
    name = ("-o", "name")
    assert api.call("get", "configmaps", "-l", "app=shop", *name) == "configmap/settings"
    assert api.call("get", "configmaps", "-l", "app notin (shop),app", *name) == "configmap/other"
    field = ("--field-selector", "metadata.name=other")
    assert api.call("get", "configmaps", *field, *name) == "configmap/other"
    everywhere = api.get("configmaps", "-A", "-l", "app in (shop, other)")["items"]
    here = {one["metadata"]["name"] for one in everywhere if one["metadata"]["namespace"] == api.namespace}
    assert here == {"settings", "other"}


def test_a_list_is_applied_as_what_it_holds(api: Api) -> None:
    both = {"apiVersion": "v1", "kind": "List", "items": [config("one"), config("two")]}
    api.apply(both)
    api.apply(both, flags=SERVER_SIDE)
    names = api.call("get", "configmaps", "-l", "app=shop", "-o", "name").split()
    assert names == ["configmap/one", "configmap/two"]


def test_a_long_list_comes_in_pages(api: Api) -> None:
    api.apply(*(config(f"page-{number:02}") for number in range(12)))
    names = api.call("get", "configmaps", "-l", "app=shop", "--chunk-size=5", "-o", "name").split()
    assert names == [f"configmap/page-{number:02}" for number in range(12)]


def test_objects_are_deleted_by_name_and_by_label(api: Api) -> None:
    api.apply(config("one"), config("two"), config("three"))
    api.call("delete", "configmap", "one")
    assert "NotFound" in api.refused("get", "configmap", "one")
    api.call("delete", "configmaps", "-l", "app=shop")
    assert api.call("get", "configmaps", "-l", "app=shop", "-o", "name") == ""
    assert "NotFound" in api.refused("delete", "configmap", "one")


def test_a_deleted_namespace_takes_its_objects_along(api: Api) -> None:
    need_controllers(api)
    name = f"{api.namespace}-second"
    inner = config()
    inner["metadata"]["namespace"] = name
    outer = Api(api.folder, api.standin, "")
    outer.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}, inner)
    outer.call("delete", "namespace", name, "--timeout=60s")
    assert "NotFound" in outer.refused("get", "namespace", name)
    assert "NotFound" in outer.refused("get", "configmap", "settings", "-n", name)


def test_what_cannot_be_is_refused_with_its_field(api: Api) -> None:
    bad = deployment()
    bad["spec"]["selector"] = {"matchLabels": {"app": "another"}}
    message = api.refused("apply", "-f", "-", stdin=json.dumps(bad))
    assert "spec.template.metadata.labels" in message
    assert "does not match" in message


def test_the_selector_of_a_deployment_cannot_be_changed(api: Api) -> None:
    api.apply(deployment())
    changed = deployment()
    changed["spec"]["selector"] = {"matchLabels": {"app": "till"}}
    changed["spec"]["template"]["metadata"]["labels"] = {"app": "till"}
    message = api.refused("apply", "-f", "-", stdin=json.dumps(changed))
    assert "spec.selector" in message
    assert "field is immutable" in message


def test_an_object_in_a_missing_namespace_is_refused(api: Api) -> None:
    message = api.refused("apply", "-n", f"{api.namespace}-no", "-f", "-", stdin=json.dumps(config()))
    assert f'namespaces "{api.namespace}-no" not found' in message


def test_a_stale_version_is_a_conflict(api: Api) -> None:
    api.apply(config())
    stale = api.get("configmap", "settings")
    api.call("label", "configmap", "settings", "tier=front")
    assert "Conflict" in api.refused("replace", "-f", "-", stdin=json.dumps(stale))


def test_the_server_says_its_version_and_kinds(api: Api) -> None:
    version = json.loads(api.call("version", "-o", "json"))["serverVersion"]
    assert version["gitVersion"].startswith("v1.")
    kinds = api.call("api-resources", "-o", "name").split()
    assert {"configmaps", "deployments.apps", "ingresses.networking.k8s.io", "cronjobs.batch"} <= set(kinds)


def test_an_unknown_token_is_unauthorized(api: Api) -> None:
    need_tokens(api)
    message = api.refused("get", "configmaps", token=STRANGER)
    assert "Unauthorized" in message or "must be logged in" in message or "provide credentials" in message


def test_a_reader_may_read_and_not_write(api: Api) -> None:
    need_tokens(api)
    api.apply(config())
    assert api.call("get", "configmaps", "-l", "app=shop", "-o", "name", token=READER) == "configmap/settings"
    assert "Forbidden" in api.refused("delete", "configmap", "settings", token=READER)
    assert "orbidden" in api.refused("apply", "-f", "-", stdin=json.dumps(config(a="b")), token=READER)
