"""What forges say in webhooks, as they say it and as nobody should."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitopsui.domain.webhook import (
    EventKind,
    find_delivery_id,
    read_webhook,
    source_revision_has_changed,
)
from tests.domain.samples import CONFORMANCE, load_sample, needs_samples

FOLDER = CONFORMANCE / "webhooks"
INDEX = load_sample("webhooks/index.json")
HEADERS = ("x-github-event", "x-gitea-event", "x-forgejo-event", "x-gitlab-event", "x-event-key")
NAMES = (
    "push", "create", "delete", "pull_request", "pull_request_approved", "Merge Request Hook", "Push Hook",
    "repo:refs_changed", "repo:push", "pr:merged", "ping", "status",
)  # fmt: skip


def lower(headers: dict[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def read(header: str, name: str, payload: Any) -> Any:
    return read_webhook({header: name}, json.dumps(payload).encode())


@pytest.mark.shared
@needs_samples
@pytest.mark.parametrize("case", INDEX.get("push_events", []), ids=lambda case: str(case["file"]))
def test_a_sample_delivery_is_read_as_expected(case: dict[str, Any]) -> None:
    event = read_webhook(lower(case["header"]), (FOLDER / case["file"]).read_bytes())

    if case.get("ignored"):
        assert event.kind is EventKind.PING
        assert not event.refs
        return
    assert event.kind is EventKind.PUSH
    assert event.revision == case["revision"]
    assert event.touched_head is case["touched_head"]
    if "repos" in case:
        assert list(event.repository_urls) == case["repos"]
    else:
        assert case["repo"] in event.repository_urls


@pytest.mark.shared
@needs_samples
@pytest.mark.parametrize(
    "case", INDEX.get("source_revision_has_changed", []), ids=lambda case: str(case["name"])
)
def test_a_push_concerns_who_follows_the_revision(case: dict[str, Any]) -> None:
    found = source_revision_has_changed(
        case["target_revision"], case["pushed_revision"], touched_head=case["touched_head"]
    )

    assert found is case["expected"]


REPOSITORY = {"html_url": "https://git.example.org/a/b", "default_branch": "main"}


@pytest.mark.parametrize(
    ("header", "name", "payload", "kind", "refs", "number"),
    [
        ("x-github-event", "push", {"ref": "refs/tags/v1"}, "tag", ("refs/tags/v1",), ""),
        ("x-github-event", "create", {"ref": "v1", "ref_type": "tag"}, "tag", ("refs/tags/v1",), ""),
        ("x-github-event", "delete", {"ref": "x", "ref_type": "branch"}, "push", ("refs/heads/x",), ""),
        ("x-github-event", "pull_request", {"pull_request": {"number": 7}}, "pull request", (), "7"),
        ("x-github-event", "pull_request_review", {"pull_request": {"number": 7}}, "review", (), "7"),
        ("x-github-event", "check_run", {"action": "completed"}, "status", (), ""),
        ("x-github-event", "star", {}, "other", (), ""),
        ("x-gitea-event", "push", {"ref": "refs/heads/main"}, "push", ("refs/heads/main",), ""),
        ("x-gitea-event", "pull_request_approved", {"pull_request": {"number": 3}}, "review", (), "3"),
        ("x-gitea-event", "pull_request_sync", {"number": 3}, "pull request", (), "3"),
        ("x-forgejo-event", "pull_request_rejected", {"number": 3}, "review", (), "3"),
        ("x-gitlab-event", "Push Hook", {"object_kind": "push", "ref": "refs/heads/a"}, "push",
         ("refs/heads/a",), ""),
        ("x-gitlab-event", "Tag Push Hook", {"object_kind": "tag_push", "ref": "refs/tags/v2"}, "tag",
         ("refs/tags/v2",), ""),
        ("x-gitlab-event", "Merge Request Hook", {"object_kind": "merge_request", "object_attributes":
         {"iid": 9, "action": "merge"}}, "pull request", (), "9"),
        ("x-gitlab-event", "Merge Request Hook", {"object_kind": "merge_request", "object_attributes":
         {"iid": 9, "action": "approved"}}, "review", (), "9"),
        ("x-gitlab-event", "Pipeline Hook", {"object_kind": "pipeline"}, "status", (), ""),
        ("x-gitlab-event", "System Hook", {"event_name": "push", "ref": "refs/heads/a"}, "push",
         ("refs/heads/a",), ""),
        ("x-event-key", "pr:merged", {"pullRequest": {"id": 4}}, "pull request", (), "4"),
        ("x-event-key", "pr:reviewer:approved", {"pullRequest": {"id": 4}}, "review", (), "4"),
        ("x-event-key", "diagnostics:ping", {"test": True}, "ping", (), ""),
        ("x-event-key", "repo:push", {"push": {"changes": [{"new": {"type": "tag", "name": "v3"}}]}}, "tag",
         ("refs/tags/v3",), ""),
    ],
)  # fmt: skip
def test_each_forge_is_understood(
    header: str, name: str, payload: dict[str, Any], kind: str, refs: tuple[str, ...], number: str
) -> None:
    event = read(header, name, payload)

    assert (event.kind.value, event.refs, event.number) == (kind, refs, number)


def test_gitea_is_not_taken_for_the_forge_whose_header_it_sends_too() -> None:
    headers = {"x-github-event": "pull_request", "x-gitea-event": "pull_request_approved"}

    assert read_webhook(headers, b"{}").kind is EventKind.REVIEW


def test_the_default_branch_is_told_from_others() -> None:
    main = read("x-github-event", "push", {"ref": "refs/heads/main", "repository": REPOSITORY})
    other = read("x-github-event", "push", {"ref": "refs/heads/dev", "repository": REPOSITORY})

    assert (main.touched_head, other.touched_head) == (True, False)
    assert main.repository_urls == ("https://git.example.org/a/b",)


def test_a_delivery_may_come_as_a_form() -> None:
    event = read_webhook({"x-github-event": "push"}, b"payload=%7B%22ref%22%3A%22refs%2Fheads%2Fx%22%7D")

    assert event.refs == ("refs/heads/x",)


@pytest.mark.parametrize(
    "body",
    [
        b"", b"null", b"[]", b"{", b"\xff\xfe", b"NaN", b'{"ref": 1e999}', b"[" * 100_000, b"payload=",
        b'{"ref": ["x"]}', b'{"repository": 7, "ref": null}', b'{"changes": {"a": 1}}',
        b'{"push": {"changes": [1, null, {"new": []}]}}', b'{"ref": "\\ud800"}', b'{"ref": "a\\u0000b"}',
        b'{"pull_request": {"number": ' + b"9" * 5000 + b"}}", b"payload=%FF", b"payload=a&payload=b",
    ],
    ids=lambda body: repr(body[:20]),
)  # fmt: skip
@pytest.mark.parametrize("header", HEADERS)
def test_odd_bodies_never_raise(header: str, body: bytes) -> None:
    for name in NAMES:
        event = read_webhook({header: name}, body)

        assert "\0" not in "".join(event.refs)
        "".join(event.refs).encode()


@pytest.mark.parametrize(
    "body",
    [b"", b"hello", b"null", b"[1]", b"[" * 100_000, b'{"a": 1, "a": 2}', b'{"a": "\\ud800"}', b'{"a": NaN}',
     b'{"a": "\xff"}', b'{"a": ' + b"9" * 5000 + b"}"],
    ids=lambda body: repr(body[:20]),
)  # fmt: skip
def test_what_is_no_json_object_is_unreadable(body: bytes) -> None:
    assert read_webhook({"x-github-event": "push"}, body).kind is EventKind.UNREADABLE
    assert read_webhook({}, b"{}").kind is EventKind.UNREADABLE


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["ref", "ref_type", "repository", "push", "changes", "new", "links", "clone", "object_kind",
                 "project", "object_attributes", "pull_request", "pullRequest", "name", "type"]
            ),
            inner, max_size=4,
        )
    ),
    max_leaves=15,
)  # fmt: skip


@given(payload=JSON, header=st.sampled_from(HEADERS), name=st.sampled_from(NAMES))
def test_any_json_gives_an_event(payload: Any, header: str, name: str) -> None:
    event = read(header, name, payload)

    assert event.kind in EventKind
    assert all(isinstance(text, str) for text in (*event.refs, *event.repository_urls, event.number))


def test_a_delivery_that_is_tried_again_keeps_its_name() -> None:
    headers = {"idempotency-key": "k", "x-gitlab-event-uuid": "other each time"}

    assert find_delivery_id("gitlab", headers) == "k"
    assert find_delivery_id("github", {"x-github-delivery": "d" * 300})[:5] == "ddddd"
    assert find_delivery_id("github", {}) == ""
