"""
What a forge says in a webhook, read into an `Event`. Nothing of it is believed: it only says where to look.

The shapes are those of https://docs.github.com/en/webhooks/webhook-events-and-payloads,
https://docs.gitlab.com/user/project/integrations/webhook_events/, Gitea and Forgejo (which follow GitHub),
and https://confluence.atlassian.com/bitbucketserver/event-payload-938025882.html.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import parse_qs

from gitopsui.domain.errors import InputError
from gitopsui.domain.text import clean_text
from gitopsui.domain.version_range import VersionRange

TEXT_CHARS = 500
MOST_REFS = 100
HEADS, TAGS = "refs/heads/", "refs/tags/"


class EventKind(StrEnum):
    """What happened, in our words."""

    PUSH = "push"  # branches moved, came or went
    TAG = "tag"  # tags came, moved or went, and nothing else
    PULL = "pull request"  # opened, changed, merged, closed
    REVIEW = "review"  # somebody approved or rejected
    STATUS = "status"  # a check of a commit answered
    PING = "ping"  # the forge tries whether anybody is there
    OTHER = "other"  # nothing that we look at
    UNREADABLE = "unreadable"  # no name of an event, or a body that is no JSON object


@dataclass(frozen=True, slots=True)
class WebhookEvent:
    """
    One event. `refs` are full names; `touched_head` says that the default branch may have moved, which is
    assumed where the forge does not name it; `number` is that of the pull request.
    """

    kind: EventKind
    repository_urls: tuple[str, ...] = ()
    refs: tuple[str, ...] = ()
    touched_head: bool = False
    number: str = ""
    action: str = ""
    sha: str = ""

    @property
    def revisions(self) -> tuple[str, ...]:
        """The names of the refs without what kind of ref each is."""
        return tuple(short_name(ref) for ref in self.refs)

    @property
    def revision(self) -> str:
        return self.revisions[0] if self.refs else ""


# header with the name of the event -> how the forge speaks. Gitea sends that of GitHub too, so it is first.
_EVENT_HEADERS = {
    "x-forgejo-event": "gitea",
    "x-gitea-event": "gitea",
    "x-gitlab-event": "gitlab",
    "x-event-key": "bitbucket",
    "x-github-event": "github",
}
_DELIVERY_HEADERS = {
    "github": ("x-github-delivery",),
    "gitea": ("x-gitea-delivery", "x-forgejo-delivery"),
    # The first stays the same when a delivery is tried again, the second does not.
    "gitlab": ("idempotency-key", "webhook-id", "x-gitlab-event-uuid"),
    "bitbucket": ("x-request-id", "x-request-uuid"),
}
FORGES = tuple(_DELIVERY_HEADERS)


UNREADABLE = WebhookEvent(EventKind.UNREADABLE)


def short_name(ref: str) -> str:
    """`main` of `refs/heads/main`; a name without a prefix stays."""
    return ref.removeprefix(HEADS) if ref.startswith(HEADS) else ref.removeprefix(TAGS)


def source_revision_has_changed(target: str, pushed: str, *, touched_head: bool = False) -> bool:
    """
    Whether a push of `pushed` (a short name) concerns who follows `target`: nothing or HEAD for the default
    branch, a branch or tag with or without `refs/…/`, or a range of versions.
    """
    if target in ("", "HEAD"):
        return touched_head
    wanted = short_name(target)
    if pushed == wanted:
        return True
    try:
        return VersionRange.parse(wanted).allows(pushed)
    except InputError:
        return False


def find_delivery_id(forge: str, headers: Mapping[str, str]) -> str:
    """What names this delivery among all of its forge, "" for nothing; names of headers are lower case."""
    found = (headers.get(name, "").strip() for name in _DELIVERY_HEADERS.get(forge, ()))
    return clean_text(next((value for value in found if value), ""), limit=200)


def read_webhook(headers: Mapping[str, str], body: bytes) -> WebhookEvent:
    """The event of one delivery; names of `headers` are lower case. Never raises."""
    for header, forge in _EVENT_HEADERS.items():
        name = headers.get(header, "").strip()
        if name:
            payload = _parse(body)
            return _READERS[forge](name, payload) if payload is not None else UNREADABLE
    return UNREADABLE


def _parse(body: bytes) -> dict[str, Any] | None:
    """
    The object in the body, which GitHub may send as a field of a form; None where there is none.

    A key that is there twice and text that is no Unicode mean different things to different readers.
    """
    try:
        if body.startswith(b"payload="):
            body = parse_qs(body.decode(), max_num_fields=10)["payload"][0].encode()
        found = json.loads(body, object_pairs_hook=_once, parse_constant=_refuse)
        json.dumps(found, ensure_ascii=False).encode()
    except (ValueError, RecursionError, KeyError):
        return None
    return found if isinstance(found, dict) else None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("A key is there twice.")
    return found


def _refuse(name: str) -> None:
    """`NaN` and `Infinity` are no JSON."""
    raise ValueError(name)


# --- reading fields that may be anything ------------------------------------------------------------------


def _at(value: Any, *path: str) -> Any:
    for name in path:
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value


def _text(value: Any, *path: str) -> str:
    """The text at the path, or the digits of a number; "" for anything else."""
    found = _at(value, *path)
    if isinstance(found, int) and not isinstance(found, bool) and abs(found) < 1 << 63:
        return str(found)
    return clean_text(found, limit=TEXT_CHARS) if isinstance(found, str) else ""


def _texts(value: Any, *names: str) -> tuple[str, ...]:
    """What these fields hold, each text once and in order."""
    return tuple(dict.fromkeys(text for name in names if (text := _text(value, name))))


def _rows(value: Any) -> list[Any]:
    return value[:MOST_REFS] if isinstance(value, list) else []


def _moved(refs: list[str], urls: tuple[str, ...], default: str) -> WebhookEvent:
    """An event of refs that moved."""
    named = tuple(ref for ref in dict.fromkeys(refs) if ref)
    kind = EventKind.TAG if named and all(ref.startswith(TAGS) for ref in named) else EventKind.PUSH
    touched = not default or f"{HEADS}{default}" in named
    return WebhookEvent(kind, urls, named, touched_head=touched)


# --- GitHub, Gitea, Forgejo -------------------------------------------------------------------------------

_GITHUB = {
    "ping": EventKind.PING,
    "pull_request": EventKind.PULL,
    "pull_request_review": EventKind.REVIEW,
    "status": EventKind.STATUS,
    "check_run": EventKind.STATUS,
    "check_suite": EventKind.STATUS,
    "workflow_run": EventKind.STATUS,
}
_REVIEWED = ("pull_request_approved", "pull_request_rejected", "pull_request_review")


def _read_github(name: str, payload: dict[str, Any]) -> WebhookEvent:
    urls = _texts(_at(payload, "repository"), "html_url", "clone_url", "ssh_url")
    if name in ("push", "create", "delete"):
        prefix = {"branch": HEADS, "tag": TAGS}.get(_text(payload, "ref_type"), "")
        ref = _text(payload, "ref")
        full = ref if ref.startswith("refs/") or not ref else f"{prefix or HEADS}{ref}"
        return _moved([full], urls, _text(payload, "repository", "default_branch"))
    return WebhookEvent(
        _GITHUB.get(name, EventKind.OTHER),
        urls,
        number=_text(payload, "pull_request", "number") or _text(payload, "number"),
        action=_text(payload, "action") or _text(payload, "state"),
        sha=_text(payload, "pull_request", "head", "sha") or _text(payload, "sha"),
    )


def _read_gitea(name: str, payload: dict[str, Any]) -> WebhookEvent:
    """As GitHub, but for the names: an approval comes as `pull_request_approved`."""
    if name.startswith(_REVIEWED):
        name = "pull_request_review"
    elif name.startswith("pull_request"):
        name = "pull_request"
    return _read_github(name, payload)


# --- GitLab -----------------------------------------------------------------------------------------------

_GITLAB_STATUS = ("pipeline", "build", "job", "deployment")
_GITLAB_REVIEWS = ("approved", "approval", "unapproved", "unapproval")


def _read_gitlab(name: str, payload: dict[str, Any]) -> WebhookEvent:
    """The body names its kind itself, in a system hook as well."""
    what = _text(payload, "object_kind") or _text(payload, "event_name")
    urls = _texts(_at(payload, "project"), "web_url", "git_http_url", "git_ssh_url")
    if what in ("push", "tag_push"):
        return _moved([_text(payload, "ref")], urls, _text(payload, "project", "default_branch"))
    action = _text(payload, "object_attributes", "action")
    kind = EventKind.STATUS if what in _GITLAB_STATUS else EventKind.OTHER
    if what == "merge_request":
        kind = EventKind.REVIEW if action in _GITLAB_REVIEWS else EventKind.PULL
    return WebhookEvent(
        kind,
        urls,
        number=_text(payload, "object_attributes", "iid") or _text(payload, "merge_request", "iid"),
        action=action or _text(payload, "object_attributes", "status"),
        sha=_text(payload, "object_attributes", "last_commit", "id") or _text(payload, "checkout_sha"),
    )


# --- Bitbucket --------------------------------------------------------------------------------------------


def _read_bitbucket(name: str, payload: dict[str, Any]) -> WebhookEvent:
    """Server and Data Center (`repo:refs_changed`, `pr:…`), and Cloud (`repo:push`, `pullrequest:…`)."""
    repository = payload.get("repository") or _at(payload, "pullRequest", "toRef", "repository")
    clones = _rows(_at(repository, "links", "clone"))
    urls = tuple(text for one in clones if (text := _text(one, "href")))
    urls = urls or tuple(text for text in [_text(repository, "links", "html", "href")] if text)
    if name == "repo:refs_changed":
        changes = _rows(payload.get("changes"))
        return _moved([_text(one, "ref", "id") or _text(one, "refId") for one in changes], urls, "")
    if name == "repo:push":
        return _moved([_cloud_ref(one) for one in _rows(_at(payload, "push", "changes"))], urls, "")
    event, _, action = name.partition(":")
    pull = payload.get("pullRequest") or payload.get("pullrequest")
    return WebhookEvent(
        _bitbucket_kind(event, action), urls, number=_text(pull, "id"), action=clean_text(action, limit=100)
    )


def _cloud_ref(change: Any) -> str:
    side = _at(change, "new") or _at(change, "old")
    name = _text(side, "name")
    prefix = TAGS if _text(side, "type") in ("tag", "annotated_tag") else HEADS
    return f"{prefix}{name}" if name else ""


def _bitbucket_kind(event: str, action: str) -> EventKind:
    if event == "diagnostics":
        return EventKind.PING
    if event == "repo" and action.startswith("commit_status"):
        return EventKind.STATUS
    if event not in ("pr", "pullrequest"):
        return EventKind.OTHER
    is_review = action.startswith("reviewer:") or action in ("approved", "unapproved")
    return EventKind.REVIEW if is_review else EventKind.PULL


_READERS: dict[str, Callable[[str, dict[str, Any]], WebhookEvent]] = {
    "github": _read_github,
    "gitea": _read_gitea,
    "gitlab": _read_gitlab,
    "bitbucket": _read_bitbucket,
}
