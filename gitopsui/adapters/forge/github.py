"""
Pull requests on GitHub and GitHub Enterprise Server, by the REST API.

https://docs.github.com/en/rest/pulls/pulls (2022-11-28)
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

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
from gitopsui.domain.errors import ForgeError

HINTS = Hints(
    auth="Store a token that has not expired: fine-grained with write access to this repository, or a "
    "classic one with the scope repo.",
    forbidden="Give the token the permissions Contents, Pull requests and Commit statuses (read and write) "
    "on this repository, or the scope repo, and its account the role Write.",
    not_found="Check owner and name. GitHub says the same of a private repository that the token may not "
    "see: add the repository to the token, or give a classic token the scope repo.",
)
_REVIEWS = {"APPROVED": "approved", "CHANGES_REQUESTED": "rejected", "DISMISSED": "dismissed"}
_GOOD_ENDS = ("success", "neutral", "skipped")


class GitHub:
    """One repository. Every method raises ForgeError, and none tries again by itself."""

    def __init__(self, access: ForgeAccess, policy: HttpPolicy, *, pauses: Pauses = OWN) -> None:
        headers = {"X-GitHub-Api-Version": "2022-11-28"}
        if access.token:
            headers["Authorization"] = f"Bearer {access.token}"
        self._client = ForgeClient(access, policy, headers=headers, hints=HINTS, pauses=pauses)
        self._owner, _, name = access.path.partition("/")
        self._repo = f"/repos/{segment(self._owner)}/{segment(name)}"
        self._writers: dict[str, bool] = {}

    def check(self) -> Permissions:
        """What the token may do here. Pull requests are asked for too: they are a right of their own."""
        found = self._client.read(self._repo)
        self._client.read(f"{self._repo}/pulls", state="open", per_page="1")
        may_write = found.fields.flag("permissions", "push") is not False
        return Permissions(
            name=found.fields.text("full_name"),
            url=found.fields.link("html_url", host=self._client.host),
            may_write=may_write,
            problem="" if may_write else "The account of the token may only read this repository.",
            hint="" if may_write else HINTS.forbidden,
        )

    def find(self, branch: str) -> list[PullRequest]:
        asked = {"state": "all", "sort": "created", "direction": "desc"}
        head = f"{self._owner}:{branch}"
        return [
            self._pull(fields)
            for page in self._client.pages(f"{self._repo}/pulls", asked | {"head": head})
            for fields in Fields.list_of(page.data)
            if _is_own(fields, branch)
        ]

    def create(self, *, head: str, base: str, title: str, body: str, labels: Sequence[str] = ()) -> None:
        sent = {"head": head, "base": base, "title": title[:TITLE_CHARS], "body": body[:BODY_LIMIT]}
        answer = self._client.send("POST", f"{self._repo}/pulls", sent, accepts=(422,))
        if answer.status == 422 and "already exists" not in answer.said:
            text = f"{self._client.host} refused the pull request: {answer.said}"
            raise ForgeError(text, code="FORGE_REFUSED")

    def add_labels(self, number: str, labels: Sequence[str]) -> None:
        """A pull request is an issue to labels; those that are not there yet are made."""
        self._client.send("POST", f"{self._repo}/issues/{segment(number)}/labels", {"labels": list(labels)})

    def get(self, number: str) -> PullRequest:
        fields = self._read(number)
        pull = self._pull(fields)
        who = fields.text("merged_by", "login", limit=200)
        if pull.state is PullState.CLOSED:
            # The pull request does not say who closed it, its issue does; that is worth no failure.
            with suppress(ForgeError):
                issue = self._client.read(f"{self._repo}/issues/{segment(number)}").fields
                who = issue.text("closed_by", "login", limit=200)
        return self._pull(fields, by=who)

    def update(self, number: str, *, title: str, body: str) -> None:
        sent = {"title": title[:TITLE_CHARS], "body": body[:BODY_LIMIT]}
        self._client.send("PATCH", self._path(number), sent)

    def merge(self, number: str, *, head_sha: str, title: str, message: str) -> MergeAnswer:
        sent = {"sha": head_sha, "commit_title": title[:TITLE_CHARS], "commit_message": message}
        sent["merge_method"] = self._merge_method()
        answer = self._client.send("PUT", f"{self._path(number)}/merge", sent, accepts=(405, 409, 422))
        if answer.status < 300:
            return MergeAnswer(MergeOutcome.ASKED)
        return self._explain(answer, self._read(number), head_sha)

    def close(self, number: str) -> None:
        self._client.send("PATCH", self._path(number), {"state": "closed"})

    def comment(self, number: str, text: str) -> None:
        sent = {"body": text[:BODY_LIMIT]}
        self._client.send("POST", f"{self._repo}/issues/{segment(number)}/comments", sent)

    def set_status(self, sha: str, status: CommitStatus) -> None:
        sent = {"state": status.state, "context": status.name, "description": status.detail[:NOTE_CHARS]}
        if status.url:
            sent["target_url"] = status.url
        self._client.send("POST", f"{self._repo}/statuses/{segment(sha)}", sent)

    def list_checks(self, sha: str) -> list[CommitStatus]:
        commit = f"{self._repo}/commits/{segment(sha)}"
        found = self._client.read(f"{commit}/status", per_page="100")
        statuses = [_status(fields) for fields in found.fields.items("statuses")]
        try:
            runs = self._client.read(f"{commit}/check-runs", per_page="100", filter="latest")
        except ForgeError as error:
            # Not every kind of token can be given the right to read these.
            if error.code not in ("FORGE_FORBIDDEN", "FORGE_NOT_FOUND"):
                raise
            return statuses
        return statuses + [_check_run(fields) for fields in runs.fields.items("check_runs")]

    def list_reviews(self, number: str) -> list[Review]:
        """
        The last word of each person who may write here; that of others decides nothing there either. A
        comment is no word, and what is dismissed stays in the list as dismissed.
        """
        last: dict[str, Review] = {}
        for page in self._client.pages(f"{self._path(number)}/reviews"):
            for fields in Fields.list_of(page.data):
                review = _review(fields)
                if review is not None:
                    last[review.by] = review
        return [review for review in last.values() if self._may_write(review.by)]

    def _path(self, number: str) -> str:
        return f"{self._repo}/pulls/{segment(number)}"

    def _read(self, number: str) -> Fields:
        return self._client.read(self._path(number)).fields

    def _merge_method(self) -> str:
        """A merge commit, or what the repository allows instead."""
        allowed = self._client.read(self._repo).fields
        methods = {
            "merge": "allow_merge_commit",
            "squash": "allow_squash_merge",
            "rebase": "allow_rebase_merge",
        }
        return next((name for name, flag in methods.items() if allowed.flag(flag) is not False), "merge")

    def _explain(self, answer: Answer, pull: Fields, head_sha: str) -> MergeAnswer:
        """405 is said of a rule, of a conflict and of a base that moved alike; what it is, is read."""
        if pull.text("head", "sha") != head_sha:
            return MergeAnswer(MergeOutcome.MOVED, answer.said)
        if pull.flag("mergeable") is None or answer.status == 409 or "was modified" in answer.said:
            return MergeAnswer(MergeOutcome.LATER, answer.said)
        if pull.flag("mergeable") is False or pull.text("mergeable_state") == "dirty":
            return MergeAnswer(MergeOutcome.CONFLICT, answer.said)
        return MergeAnswer(MergeOutcome.REFUSED, answer.said)

    def _may_write(self, login: str) -> bool:
        if login not in self._writers:
            path = f"{self._repo}/collaborators/{segment(login)}/permission"
            try:
                has = self._client.read(path).fields.text("permission") in ("admin", "write")
            except ForgeError as error:
                if error.code != "FORGE_NOT_FOUND":
                    raise
                has = False
            self._writers[login] = has
        return self._writers[login]

    def _pull(self, fields: Fields, *, by: str = "") -> PullRequest:
        number, sha = fields.number("number"), fields.text("head", "sha")
        if number is None or not sha:
            raise not_understood(self._client.host)
        # A list has no `merged`, only the time of it.
        merged_at = fields.time("merged_at")
        is_open = fields.text("state") == "open"
        state = PullState.MERGED if merged_at else PullState.OPEN if is_open else PullState.CLOSED
        return PullRequest(
            number=str(number),
            url=fields.link("html_url", host=self._client.host),
            state=state,
            head_sha=sha,
            base_branch=fields.text("base", "ref"),
            title=fields.text("title", limit=TITLE_CHARS),
            # While it is open this is a trial merge of GitHub's own.
            merge_sha=fields.text("merge_commit_sha") if merged_at else "",
            is_mergeable=fields.flag("mergeable"),
            is_draft=bool(fields.flag("draft")),
            acted_by=by,
            at=merged_at or fields.time("closed_at"),
        )


def _is_own(fields: Fields, branch: str) -> bool:
    """From this repository and not from a fork; a fork that is gone has no `repo` at all."""
    head, base = fields.number("head", "repo", "id"), fields.number("base", "repo", "id")
    return fields.text("head", "ref") == branch and head is not None and head == base


def _status(fields: Fields) -> CommitStatus:
    state = fields.text("state")
    return CommitStatus(
        name=fields.text("context", limit=300),
        state=state if state in ("success", "pending") else "failure",
        detail=fields.text("description", limit=NOTE_CHARS),
        url=_web(fields.text("target_url")),
    )


def _check_run(fields: Fields) -> CommitStatus:
    end = fields.text("conclusion")
    state = "success" if end in _GOOD_ENDS else "failure"
    return CommitStatus(
        name=fields.text("name", limit=300),
        state=state if fields.text("status") == "completed" else "pending",
        detail=fields.text("output", "title", limit=NOTE_CHARS),
        url=_web(fields.text("details_url")),
    )


def _review(fields: Fields) -> Review | None:
    state = _REVIEWS.get(fields.text("state"))
    login = fields.text("user", "login", limit=200)
    if state is None or not login:
        return None
    return Review(
        by=login,
        state=state,
        sha=fields.text("commit_id"),
        at=fields.time("submitted_at"),
        reason=fields.text("body"),
    )


def _web(url: str) -> str:
    return url if url.startswith(("https://", "http://")) else ""
