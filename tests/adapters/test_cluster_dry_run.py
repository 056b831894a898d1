"""What a dry run sends, what its answers mean, and what it never says."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import pytest

from gitopsui.adapters.cluster import DryRun, Outcome
from gitopsui.domain.errors import ClusterError
from gitopsui.domain.mask import mask
from gitopsui.domain.resource import Manifest
from tests.adapters.fault_server import Answer, Request, always
from tests.adapters.small_cluster import reading

PATH = "/apis/apps/v1/namespaces/shop/deployments/web"
MASK = partial(mask, key=b"a key")
CANARY = "CANARY-of-the-dry-run"


def deployment(**metadata: Any) -> Manifest:
    env = [{"name": "DB_PASSWORD", "value": CANARY}]
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", **metadata},
        "spec": {"template": {"spec": {"containers": [{"name": "c", "env": env}]}}},
    }


def answering(get: Answer, patch: Answer) -> Answer:
    return lambda request: (patch if request.method == "PATCH" else get)(request)


def status(code: int, message: str = "", **details: Any) -> Answer:
    body = {"kind": "Status", "code": code, "message": message, "details": details}
    return always(body, status=code)


def dry_run(manifest: Manifest, get: Answer, patch: Answer, path: str = PATH) -> DryRun:
    with reading({path: answering(get, patch)}, mask=MASK) as (_, reader):
        return reader.dry_run_apply(manifest, manager="gitopsui", namespace="shop")


def test_it_is_a_forced_apply_of_ours_that_stores_nothing() -> None:
    stored = deployment(namespace="shop", uid="1")
    with reading({PATH: always(stored)}, mask=MASK) as (server, reader):
        run = reader.dry_run_apply(deployment(), manager="gitopsui", namespace="shop")
    sent = next(request for request in server.requests if request.method == "PATCH")
    assert sent.query == {"dryRun": "All", "fieldManager": "gitopsui", "force": "true"}
    assert sent.headers["content-type"] == "application/apply-patch+yaml"
    assert run.outcome is Outcome.APPLIED
    assert CANARY not in repr(run)


def test_an_object_that_is_not_there_would_be_created() -> None:
    run = dry_run(deployment(), status(404), always(deployment(namespace="shop"), status=201))
    assert (run.outcome, run.live) == (Outcome.CREATED, None)


def test_a_refusal_is_told_without_the_values_that_are_masked() -> None:
    message = f'Deployment "web" is invalid: env[0].value: Invalid value: "{CANARY}": too odd'
    run = dry_run(deployment(), status(404), status(422, message))
    assert run.outcome is Outcome.REFUSED
    assert "env[0].value" in run.message
    assert CANARY not in run.message


def test_of_a_refused_secret_only_the_fields_are_told() -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"a": CANARY}}
    causes = [{"field": "data[a]", "message": CANARY}]
    answer = status(422, f"cannot take {CANARY}", causes=causes)
    run = dry_run(secret, status(404), answer, "/api/v1/namespaces/shop/secrets/s")
    assert run.message == "The API server refuses it: data[a]."


@pytest.mark.parametrize(("denied", "verb"), [("GET", "get"), ("PATCH", "patch")])
def test_a_missing_right_is_named_with_its_verb(denied: str, verb: str) -> None:
    no = status(403, f'deployments.apps "web" is forbidden: User "x" cannot {verb} resource')
    get, patch = (no, always({})) if denied == "GET" else (status(404), no)
    run = dry_run(deployment(), get, patch)
    assert run.outcome is Outcome.FORBIDDEN
    assert f'grant it "{verb}"' in run.message
    assert 'deployments of the API group "apps"' in run.message


def test_a_quota_that_says_no_is_a_refusal_and_no_missing_right() -> None:
    run = dry_run(deployment(), status(404), status(403, "exceeded quota: pods, limited: 10"))
    assert run.outcome is Outcome.REFUSED
    assert "exceeded quota" in run.message


@pytest.mark.parametrize(
    "manifest",
    [
        {**deployment(), "metadata": {}},
        deployment(name=""),
        deployment(name="a/b"),
        deployment(name=".."),
        deployment(name=7),
        deployment(namespace="../kube-system"),
        deployment(namespace=["a"]),
        {**deployment(), "apiVersion": "apps/v1beta1"},
        {**deployment(), "metadata": "web"},
    ],
)
def test_what_has_no_place_is_refused_without_asking(manifest: Manifest) -> None:
    with reading({}) as (server, reader):
        run = reader.dry_run_apply(manifest, manager="gitopsui", namespace="shop")
    assert run.outcome is Outcome.REFUSED
    assert {request.path for request in server.requests} <= {"/api", "/apis"}


def test_an_unknown_kind_is_an_error_of_this_object() -> None:
    manifest = {"apiVersion": "nobody.example/v1", "kind": "Nothing", "metadata": {"name": "a"}}
    with reading({}) as (_, reader), pytest.raises(ClusterError) as caught:
        reader.dry_run_apply(manifest, manager="gitopsui", namespace="shop")
    assert caught.value.code == "KIND_UNKNOWN"


def test_what_clients_do_not_apply_is_left_out() -> None:
    sent: list[Manifest] = []

    def keep(request: Request) -> None:
        sent.append(json.loads(request.body))
        always(deployment(namespace="shop"))(request)

    given = {**deployment(uid="1", resourceVersion="7", managedFields=[{}]), "status": {"replicas": 1}}
    dry_run(given, status(404), keep)
    assert sent[0]["metadata"] == {"name": "web", "namespace": "shop"}
    assert "status" not in sent[0]


def test_a_secret_goes_as_data() -> None:
    sent: list[Manifest] = []

    def keep(request: Request) -> None:
        sent.append(json.loads(request.body))
        always({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}})(request)

    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"a": "b"}}
    dry_run(secret, status(404), keep, "/api/v1/namespaces/shop/secrets/s")
    assert (sent[0]["data"], "stringData" in sent[0]) == ({"a": "Yg=="}, False)


def test_a_server_that_answers_with_something_else_is_an_error() -> None:
    with pytest.raises(ClusterError):
        dry_run(deployment(), status(404), always(["no object"]))
