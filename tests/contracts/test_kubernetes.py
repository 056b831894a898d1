"""What this program relies on of a Kubernetes API, asked of it by the real kubectl."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from gitopsui.adapters.cluster import ClusterReader
from gitopsui.adapters.http_policy import HttpPolicy
from gitopsui.adapters.kubeconfig import parse_kubeconfig
from gitopsui.adapters.yaml_reader import read_text
from gitopsui.domain.drift import compare
from gitopsui.domain.identity import find_key, group_kind_of
from gitopsui.domain.mask import mask
from tests.contracts.conftest import Api

pytestmark = pytest.mark.binary

MANIFESTS = (Path(__file__).parents[1] / "data" / "contracts" / "usual.yaml").read_text()
KINDS = [document["kind"] for document in read_text(MANIFESTS.encode())]


def _config_map(name: str, **labels: str) -> str:
    metadata = {"name": name, "labels": labels}
    return json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"a": "1"}})


def _live(api: Api, desired: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What our own reader sees of the desired objects, masked as in earnest."""
    text = api.kubeconfig.read_text()
    server = urlsplit(_server(text)).netloc
    policy = HttpPolicy(private_hosts=frozenset({server}))
    access = parse_kubeconfig(text, policy=policy).access
    wanted = {group_kind_of(manifest) for manifest in desired}
    with ClusterReader(access, policy=policy, mask=functools.partial(mask, key=b"key")) as reader:
        state = reader.live(wanted, namespace=api.namespace)
    assert not state.errors
    names = {(m["kind"], m["metadata"]["name"]) for m in desired}
    return [m for m in state.manifests if (m["kind"], m["metadata"]["name"]) in names]


def _server(kubeconfig: str) -> str:
    server: str = read_text(kubeconfig.encode())[0]["clusters"][0]["cluster"]["server"]
    return server


def _desired() -> list[dict[str, Any]]:
    return [mask(document, key=b"key") for document in read_text(MANIFESTS.encode())]


@pytest.mark.parametrize("options", [[], ["--server-side"]], ids=["client side", "server side"])
def test_what_was_applied_from_git_shows_no_drift(api: Api, options: list[str]) -> None:
    api.do("apply", *options, "--filename", "-", stdin=MANIFESTS)
    desired = _desired()
    live = _live(api, desired)
    assert sorted(m["kind"] for m in live) == sorted(KINDS)
    assert compare(desired, live, namespace=api.namespace) == []
    api.do("delete", "--filename", "-", stdin=MANIFESTS)


def test_one_edit_is_one_named_field_with_its_author(api: Api) -> None:
    api.do("apply", "--server-side", "--field-manager", "controller", "--filename", "-", stdin=MANIFESTS)
    patch = '{"spec": {"revisionHistoryLimit": 3}}'
    edit = ["--type", "merge", "--patch", patch, "--field-manager", "kubectl-edit"]
    api.do("patch", "deployment", "web", *edit)
    desired = _desired()
    drifts = compare(desired, _live(api, desired), namespace=api.namespace)
    found = [(d.key.kind, c.path, c.desired, c.live, c.manager) for d in drifts for c in d.changes]
    assert found == [("Deployment", "spec.revisionHistoryLimit", 5, 3, "kubectl-edit")]
    api.do("delete", "--filename", "-", stdin=MANIFESTS)


def test_a_list_comes_in_pages(api: Api) -> None:
    api.do(
        "apply", "--filename", "-", stdin="\n---\n".join(_config_map(f"page-{n}", t="p") for n in range(7))
    )
    names = api.do("get", "configmap", "--selector", "t=p", "--chunk-size", "2", "--output", "name").split()
    assert len(names) == 7
    api.do("delete", "configmap", "--selector", "t=p")
    assert api.get("configmap", "--selector", "t=p")["items"] == []


def test_selectors_pick_by_label_and_by_name(api: Api) -> None:
    documents = [_config_map("one", tier="a"), _config_map("two", tier="b")]
    api.do("apply", "--filename", "-", stdin="\n---\n".join(documents))
    for selector in (["--selector", "tier=b"], ["--field-selector", "metadata.name=two"]):
        items = api.get("configmap", *selector)["items"]
        assert [item["metadata"]["name"] for item in items] == ["two"]
    api.do("delete", "configmap", "one", "two")


def test_two_managers_of_one_field_are_a_conflict_until_one_forces(api: Api) -> None:
    first, second = _config_map("owned"), _config_map("owned").replace('"1"', '"2"')
    apply = ["apply", "--server-side", "--filename", "-", "--field-manager"]
    api.do(*apply, "first", stdin=first)
    refused = api.run("--namespace", api.namespace, *apply, "second", stdin=second)
    assert refused.returncode != 0
    assert b"conflict" in refused.stderr
    api.do(*apply, "second", "--force-conflicts", stdin=second)
    live = api.get("configmap", "owned", "--show-managed-fields")
    assert live["data"] == {"a": "2"}
    assert {entry["manager"] for entry in live["metadata"]["managedFields"]} >= {"second"}
    api.do("delete", "configmap", "owned")


def test_a_dry_run_changes_nothing(api: Api) -> None:
    api.do("apply", "--server-side", "--dry-run=server", "--filename", "-", stdin=_config_map("dry"))
    assert api.do("get", "configmap", "dry", "--ignore-not-found") == ""


def test_a_size_is_changed_through_its_own_door(api: Api) -> None:
    api.do("apply", "--filename", "-", stdin=MANIFESTS)
    api.do("scale", "deployment", "web", "--replicas", "0")
    assert api.get("deployment", "web")["spec"]["replicas"] == 0
    api.do("delete", "--filename", "-", stdin=MANIFESTS)


def test_what_is_served_can_be_discovered(api: Api) -> None:
    served = api.do("api-resources", "--output", "name").split()
    assert {"pods", "deployments.apps", "ingresses.networking.k8s.io"} <= set(served)


def test_what_is_not_there_is_not_found(api: Api) -> None:
    result = api.run("--namespace", api.namespace, "get", "configmap", "nothing")
    assert result.returncode != 0
    assert b"NotFound" in result.stderr


def test_a_wrong_token_is_refused(api: Api) -> None:
    if api.is_real:
        pytest.skip("GITOPSUI_TEST_KUBECONFIG names a real cluster, whose tokens are not ours to make")
    result = api.run("get", "configmap", kubeconfig=api.home / "nobody")
    assert result.returncode != 0
    assert b"Unauthorized" in result.stderr or b"logged in" in result.stderr


def test_a_reader_may_list_and_not_write(api: Api) -> None:
    if api.is_real:
        pytest.skip("GITOPSUI_TEST_KUBECONFIG names a real cluster, whose tokens are not ours to make")
    reader = api.home / "reader"
    assert api.run("get", "configmap", "--all-namespaces", kubeconfig=reader).returncode == 0
    refused = api.run("apply", "--filename", "-", stdin=_config_map("no"), kubeconfig=reader)
    assert refused.returncode != 0
    assert b"orbidden" in refused.stderr


def test_keys_of_what_was_read_are_those_of_git(api: Api) -> None:
    api.do("apply", "--filename", "-", stdin=_config_map("key"))
    live = api.get("configmap", "key")
    assert str(find_key(live)) == f"ConfigMap:{api.namespace}/key"
    api.do("delete", "configmap", "key")
