"""What the stand-in takes and gives beside JSON objects."""

from __future__ import annotations

import json

import pytest

from apps.demo.standin import StandIn, TokenRole
from apps.demo.standin.exchange import Reply, Request

PATH = "/api/v1/namespaces"


def ask(
    method: str, path: str, query: dict[str, str] | None = None, *, kind: str = "", body: bytes = b""
) -> Reply:
    standin = StandIn(tokens={})
    try:
        reply = standin.service.answer(
            Request(method, path, query or {}, TokenRole.ADMIN, content_type=kind, body=body)
        )
        return Reply(reply.code, b"".join(reply.stream) if reply.stream else reply.body, reply.content_type)
    finally:
        standin.stop()


@pytest.mark.parametrize("kind", ["application/vnd.kubernetes.protobuf", "application/cbor"])
def test_a_body_in_another_encoding_is_an_unsupported_media_type(kind: str) -> None:
    reply = ask("POST", PATH, kind=kind, body=b"k8s\x00\x0a")
    status = json.loads(reply.body)
    assert (reply.code, status["reason"]) == (415, "UnsupportedMediaType")
    assert "application/json" in status["message"]


@pytest.mark.parametrize(("wanted", "types"), [("true", ["BOOKMARK"]), ("false", [])])
def test_a_watch_that_wants_bookmarks_ends_with_one(wanted: str, types: list[str]) -> None:
    revision = json.loads(ask("GET", PATH).body)["metadata"]["resourceVersion"]
    query = {"watch": "1", "resourceVersion": revision, "timeoutSeconds": "1", "allowWatchBookmarks": wanted}
    lines = [json.loads(line) for line in ask("GET", PATH, query).body.splitlines()]
    assert [line["type"] for line in lines] == types
    for line in lines:
        assert line["object"]["kind"] == "Namespace"
        assert int(line["object"]["metadata"]["resourceVersion"]) >= int(revision)
