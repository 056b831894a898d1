"""
Pull requests on Gitea and Forgejo (1.21 and newer), by their API v1.

https://docs.gitea.com/api/1.21/ and https://forgejo.org/docs/latest/user/api-usage/
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gitopsui.adapters.forge.base import (
    BODY_LIMIT,
    CommitStatus,
    MergeAnswer,
    MergeOutcome,
    PullRequest,
    PullState,
    Review,
)
from gitopsui.adapters.forge.call import (
    NOTE_CHARS,
    TITLE_CHARS,
    Answer,
    ForgeAccess,
    ForgeClient,
    Hints,
    Permissions,
    not_understood,
    segment,
)
from gitopsui.adapters.forge.fields import Fields
from gitopsui.adapters.forge.pause import OWN, Pauses
from gitopsui.adapters.http import HttpPolicy

HINTS = Hints(
    auth="Store a token that is valid, with the scopes write:repository and write:issue.",
    forbidden="Give the token the scopes write:repository and write:issue, and its account the right to "
    "write code and pull requests of this repository.",
    not_found="Check owner and name. A private repository is not found either when the account of the "
    "token is no collaborator of it.",
)
PAGE = 50  # what a Gitea gives at most unless its operator says otherwise
CLOSED_PAGES = 2
LABEL_PAGES = 4
LABEL_COLOR = "#6b7785"
# What it says where merging now may fail for a reason that goes away, or for one that does not.
_UNCLEAR = ("try again", "conflict", "push out of date")
_REVIEWS = {"APPROVED": "approved", "REQUEST_CHANGES": "rejected"}


class Gitea:
    """One repository. Every method raises ForgeError, and none tries again by itself."""

    def __init__(self, access: ForgeAccess, policy: HttpPolicy, *, pauses: Pauses = OWN) -> None:
        headers = {"Authorization": f"token {access.token}"} if access.token else {}
        self._client = ForgeClient(access, policy, headers=headers, hints=HINTS, pauses=pauses)
        owner, _, name = access.path.partition("/")
        self._repo = f"/repos/{segment(owner)}/{segment(name)}"

    def check(self) -> Permissions:
        """What the token may do here. Raises ForgeError where it may not even read."""
        found = self._client.read(self._repo).fields
        self._client.read(f"{self._repo}/pulls", state="open", limit="1")
        problem, hint = "", ""
        if found.flag("permissions", "push") is False:
            problem, hint = "The account of the token may only read this repository.", HINTS.forbidden
        elif found.flag("has_pull_requests") is False:
            problem = "Pull requests are switched off in the settings of this repository."
            hint = "Its owner can switch them on."
        return Permissions(
            name=found.text("full_name"),
            url=found.link("html_url", host=self._client.host),
            may_write=not problem,
            problem=problem,
            hint=hint,
        )

    def find(self, branch: str) -> list[PullRequest]:
        """By listing: asking for a head exists only from 1.23 on. Old ones only where none is open."""
        found = [self._pull(fields) for fields in self._list("open", 20) if _is_own(fields, branch)]
        if not found:
            closed = self._list("closed", CLOSED_PAGES)
            found = [self._pull(fields) for fields in closed if _is_own(fields, branch)]
        return sorted(found, key=lambda pull: int(pull.number), reverse=True)

    def create(self, *, head: str, base: str, title: str, body: str, labels: Sequence[str] = ()) -> None:
        sent = {"head": head, "base": base, "title": title[:TITLE_CHARS], "body": body[:BODY_LIMIT]}
        # 409: it is there already, and read back.
        self._client.send("POST", f"{self._repo}/pulls", sent, accepts=(409,))

    def add_labels(self, number: str, labels: Sequence[str]) -> None:
        """By id, the only way before 1.22; those that are not there yet are made."""
        known = self._labels()
        ids = [known[name] if name in known else self._make_label(name) for name in labels]
        self._client.send("POST", f"{self._repo}/issues/{segment(number)}/labels", {"labels": ids})

    def get(self, number: str) -> PullRequest:
        return self._pull(self._read(number))

    def update(self, number: str, *, title: str, body: str) -> None:
        self._client.send(
            "PATCH", self._path(number), {"title": title[:TITLE_CHARS], "body": body[:BODY_LIMIT]}
        )

    def merge(self, number: str, *, head_sha: str, title: str, message: str) -> MergeAnswer:
        sent = {
            "Do": self._merge_style(),
            "head_commit_id": head_sha,
            "MergeTitleField": title[:TITLE_CHARS],
            "MergeMessageField": message,
            "delete_branch_after_merge": False,
        }
        answer = self._client.send("POST", f"{self._path(number)}/merge", sent, accepts=(405, 409))
        if answer.status < 300:
            return MergeAnswer(MergeOutcome.ASKED)
        return self._explain(answer, number, head_sha)

    def close(self, number: str) -> None:
        self._client.send("PATCH", self._path(number), {"state": "closed"})

    def comment(self, number: str, text: str) -> None:
        path = f"{self._repo}/issues/{segment(number)}/comments"
        self._client.send("POST", path, {"body": text[:BODY_LIMIT]})

    def set_status(self, sha: str, status: CommitStatus) -> None:
        sent = {"state": status.state, "context": status.name, "description": status.detail[:NOTE_CHARS]}
        if status.url:
            sent["target_url"] = status.url
        self._client.send("POST", f"{self._repo}/statuses/{segment(sha)}", sent)

    def list_checks(self, sha: str) -> list[CommitStatus]:
        """The last of each name: that is what the combined status holds."""
        path = f"{self._repo}/commits/{segment(sha)}/status"
        found = self._client.read(path, limit=str(PAGE)).fields.items("statuses")
        return [_status(fields) for fields in found]

    def list_reviews(self, number: str) -> list[Review]:
        """
        The last word of each person. One who may only read can approve too, but that is not `official`, and
        neither decides anything.
        """
        last: dict[str, Review] = {}
        for page in self._client.pages(f"{self._path(number)}/reviews", size=PAGE, name="limit"):
            for fields in Fields.list_of(page.data):
                review = _review(fields)
                if review is not None:
                    last[review.by] = review
        return list(last.values())

    def _path(self, number: str) -> str:
        return f"{self._repo}/pulls/{segment(number)}"

    def _read(self, number: str) -> Fields:
        return self._client.read(self._path(number)).fields

    def _list(self, state: str, most: int) -> Iterator[Fields]:
        asked = {"state": state, "sort": "recentupdate"}
        for page in self._client.pages(f"{self._repo}/pulls", asked, size=PAGE, name="limit", most=most):
            yield from Fields.list_of(page.data)

    def _labels(self) -> dict[str, int]:
        path, found = f"{self._repo}/labels", {}
        for page in self._client.pages(path, size=PAGE, name="limit", most=LABEL_PAGES):
            for fields in Fields.list_of(page.data):
                number = fields.number("id")
                if number is not None:
                    found[fields.text("name")] = number
        return found

    def _make_label(self, name: str) -> int:
        made = self._client.send("POST", f"{self._repo}/labels", {"name": name, "color": LABEL_COLOR})
        number = made.fields.number("id")
        if number is None:
            raise not_understood(self._client.host)
        return number

    def _merge_style(self) -> str:
        """A merge commit, or what the repository allows instead."""
        allowed = self._client.read(self._repo).fields
        styles = {
            "merge": "allow_merge_commits",
            "squash": "allow_squash_merge",
            "rebase-merge": "allow_rebase_explicit",
            "rebase": "allow_rebase",
        }
        return next((name for name, flag in styles.items() if allowed.flag(flag) is not False), "merge")

    def _explain(self, answer: Answer, number: str, head_sha: str) -> MergeAnswer:
        """
        405 "Please try again later" is said while it checks, of a conflict and of a check that failed, and
        `mergeable` is false in all three: which one it is, a merge of our own tells.
        """
        said, words = answer.said, answer.said.lower()
        pull = self._read(number)
        if pull.text("head", "sha") != head_sha or "head out of date" in words:
            return MergeAnswer(MergeOutcome.MOVED, said)
        is_unclear = not words or any(mark in words for mark in _UNCLEAR)
        if is_unclear or (answer.status == 409 and not pull.flag("mergeable")):
            return MergeAnswer(MergeOutcome.LATER, said)
        return MergeAnswer(MergeOutcome.REFUSED, said)

    def _pull(self, fields: Fields) -> PullRequest:
        number, sha = fields.number("number"), fields.text("head", "sha")
        is_merged = bool(fields.flag("merged"))
        is_open = fields.text("state") == "open"
        if number is None or not (sha or not is_open):
            raise not_understood(self._client.host)
        state = PullState.MERGED if is_merged else PullState.OPEN if is_open else PullState.CLOSED
        return PullRequest(
            number=str(number),
            url=fields.link("html_url", host=self._client.host),
            state=state,
            head_sha=sha,
            base_branch=fields.text("base", "ref"),
            title=fields.text("title", limit=TITLE_CHARS),
            merge_sha=fields.text("merge_commit_sha") if is_merged else "",
            # False may mean that it is still worked out.
            is_mergeable=True if fields.flag("mergeable") else None,
            is_draft=bool(fields.flag("draft")),
            acted_by=fields.text("merged_by", "login", limit=200),
            at=fields.time("merged_at") or fields.time("closed_at"),
        )


def _is_own(fields: Fields, branch: str) -> bool:
    """From this repository. `ref` is no branch any more once that is removed; `label` stays."""
    head, base = fields.number("head", "repo_id"), fields.number("base", "repo_id")
    return branch in (fields.text("head", "label"), fields.text("head", "ref")) and head == base is not None


def _status(fields: Fields) -> CommitStatus:
    state, url = fields.text("status"), fields.text("target_url")
    return CommitStatus(
        name=fields.text("context", limit=300),
        state=state if state in ("success", "pending") else "failure",
        detail=fields.text("description", limit=NOTE_CHARS),
        url=url if url.startswith(("https://", "http://")) else "",
    )


def _review(fields: Fields) -> Review | None:
    state, login = _REVIEWS.get(fields.text("state")), fields.text("user", "login", limit=200)
    if state is None or not login or fields.flag("official") is not True:
        return None
    return Review(
        by=login,
        # A stale one was given before a push; it does not come back when the old commit does.
        state="dismissed" if fields.flag("dismissed") or fields.flag("stale") else state,
        sha=fields.text("commit_id"),
        at=fields.time("submitted_at"),
        reason=fields.text("body"),
    )
