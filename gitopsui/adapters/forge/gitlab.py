"""
Merge requests on GitLab, by its API v4.

https://docs.gitlab.com/api/merge_requests/, https://docs.gitlab.com/api/merge_request_approvals/
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

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
    auth="Store a token that has not expired or been revoked, with the scope api.",
    forbidden="Give the token the scope api and its account the role Developer; merging into a protected "
    "branch may need Maintainer.",
    not_found="Check the path with all its groups. GitLab says the same of a private project that the "
    "token's account is no member of.",
)
DEVELOPER = 30
# https://docs.gitlab.com/api/merge_requests/#merge-status
_WORKS_IT_OUT = (
    "unchecked",
    "checking",
    "preparing",
    "approvals_syncing",
    "cannot_be_merged_recheck",
    "mergeable",
)
_RULES = {
    "need_rebase": "The project merges only what is based on the newest commit, and the branch is not: close "
    "this and promote again",
    "ci_must_pass": "its pipeline has to pass",
    "ci_still_running": "its pipeline still runs",
    "discussions_not_resolved": "its discussions have to be resolved",
    "draft_status": "it is a draft",
    "not_approved": "an approval on GitLab is missing",
    "requested_changes": "somebody asked for changes on GitLab",
    "blocked_status": "another merge request has to be merged before",
    "merge_request_blocked": "another merge request has to be merged before",
    "status_checks_must_pass": "an external status check has to pass",
    "external_status_checks": "an external status check has to pass",
    "policies_denied": "a policy of the project forbids it",
    "security_policy_violations": "a security policy of the project forbids it",
    "not_open": "it is not open",
    "commits_status": "its branch is gone or has no commits",
    "merge_time": "it may not be merged before a time set on GitLab",
    "locked_paths": "somebody locked a file of it on GitLab",
}
_STATES = {"success": "success", "pending": "pending", "failure": "failed"}
_WAITING = ("created", "waiting_for_resource", "preparing", "pending", "running", "manual", "scheduled")


class GitLab:
    """One project. Every method raises ForgeError, and none tries again by itself."""

    def __init__(self, access: ForgeAccess, policy: HttpPolicy, *, pauses: Pauses = OWN) -> None:
        headers = {"PRIVATE-TOKEN": access.token} if access.token else {}
        self._client = ForgeClient(access, policy, headers=headers, hints=HINTS, pauses=pauses)
        # The whole path is one segment, its slashes written as %2F.
        self._project = f"/projects/{segment(access.path)}"

    def check(self) -> Permissions:
        """What the token may do here. Raises ForgeError where it may not even read."""
        found = self._client.read(self._project).fields
        self._client.read(f"{self._project}/merge_requests", state="opened", per_page="1")
        levels = [
            found.number("permissions", kind, "access_level") for kind in ("project_access", "group_access")
        ]
        known = [level for level in levels if level is not None]
        may_write = not known or max(known) >= DEVELOPER
        problem = "" if may_write else "The account of the token is below the role Developer."
        scopes = self._scopes()
        if not problem and scopes and "api" not in scopes:
            problem = f"The token has only the scope {', '.join(scopes)}."
        return Permissions(
            name=found.text("path_with_namespace"),
            url=found.link("web_url", host=self._client.host),
            may_write=not problem,
            problem=problem,
            hint=HINTS.forbidden if problem else "",
        )

    def find(self, branch: str) -> list[PullRequest]:
        asked = {"source_branch": branch, "state": "all", "order_by": "created_at", "sort": "desc"}
        return [
            self._pull(fields)
            for page in self._client.pages(f"{self._project}/merge_requests", asked)
            for fields in Fields.list_of(page.data)
            if _is_own(fields, branch)
        ]

    def create(self, *, head: str, base: str, title: str, body: str, labels: Sequence[str] = ()) -> None:
        sent = {"source_branch": head, "target_branch": base, "title": title[:TITLE_CHARS]}
        sent["description"] = body[:BODY_LIMIT]
        if labels:
            sent["labels"] = ",".join(labels)
        # 409: there is an open one of these branches already, and it is read back.
        self._client.send("POST", f"{self._project}/merge_requests", sent, accepts=(409,))

    def add_labels(self, number: str, labels: Sequence[str]) -> None:
        """They come with `create`."""

    def get(self, number: str) -> PullRequest:
        return self._pull(self._read(number))

    def update(self, number: str, *, title: str, body: str) -> None:
        sent = {"title": title[:TITLE_CHARS], "description": body[:BODY_LIMIT]}
        self._client.send("PUT", self._path(number), sent)

    def merge(self, number: str, *, head_sha: str, title: str, message: str) -> MergeAnswer:
        text = f"{title[:TITLE_CHARS]}\n\n{message}".strip()
        sent = {"sha": head_sha, "merge_commit_message": text, "should_remove_source_branch": False}
        accepted = (401, 405, 406, 409, 422)
        answer = self._client.send("PUT", f"{self._path(number)}/merge", sent, accepts=accepted)
        if answer.status < 300:
            return MergeAnswer(MergeOutcome.ASKED)
        return _explain(answer, self._read(number), head_sha)

    def close(self, number: str) -> None:
        self._client.send("PUT", self._path(number), {"state_event": "close"})

    def comment(self, number: str, text: str) -> None:
        self._client.send("POST", f"{self._path(number)}/notes", {"body": text[:BODY_LIMIT]})

    def set_status(self, sha: str, status: CommitStatus) -> None:
        sent = {
            "state": _STATES.get(status.state, "failed"),
            "name": status.name,
            "description": status.detail[:NOTE_CHARS],
        }
        if status.url:
            sent["target_url"] = status.url
        path = f"{self._project}/statuses/{segment(sha)}"
        answer = self._client.send("POST", path, sent, accepts=(400,))
        # Saying the same state again is refused as an impossible transition; it stands there already.
        if answer.status == 400 and "cannot transition" not in answer.said.lower():
            raise ForgeError(f"{self._client.host} refused a status: {answer.said}", code="FORGE_REFUSED")

    def list_checks(self, sha: str) -> list[CommitStatus]:
        """The last of each name; jobs that may fail fail nothing."""
        path = f"{self._project}/repository/commits/{segment(sha)}/statuses"
        found: dict[str, CommitStatus] = {}
        for page in self._client.pages(path, {"order_by": "id", "sort": "desc"}, most=5):
            for fields in Fields.list_of(page.data):
                name = fields.text("name", limit=300)
                if name and name not in found:
                    found[name] = _status(name, fields)
        return list(found.values())

    def list_reviews(self, number: str) -> list[Review]:
        """
        Who approves, and who asks for changes. GitLab keeps both per merge request and not per commit: what
        was said before the last push does not count for its commit.
        """
        versions = self._versions(number)
        approvals = self._client.read(f"{self._path(number)}/approvals").fields.items("approved_by")
        found = [_review(fields, "approved", "approved_at", versions) for fields in approvals]
        found += [
            _review(fields, "rejected", "updated_at", versions)
            for fields in self._reviewers(number)
            if fields.text("state") == "requested_changes"
        ]
        return [review for review in found if review.by]

    def _path(self, number: str) -> str:
        return f"{self._project}/merge_requests/{segment(number)}"

    def _read(self, number: str) -> Fields:
        return self._client.read(self._path(number)).fields

    def _scopes(self) -> list[str]:
        """What the token says of itself; nothing where it is of another kind, or the server too old."""
        try:
            found = self._client.read("/personal_access_tokens/self").fields.find("scopes")
        except ForgeError as error:
            if error.code == "FORGE_BUSY":
                raise
            return []
        return [scope for scope in found if isinstance(scope, str)][:10] if isinstance(found, list) else []

    def _versions(self, number: str) -> list[tuple[datetime, str]]:
        """The heads it has had, and since when, oldest first."""
        rows = Fields.list_of(self._client.read(f"{self._path(number)}/versions").data)
        dated = [(row.time("created_at"), row.text("head_commit_sha")) for row in rows]
        return sorted((at, sha) for at, sha in dated if at is not None and sha)

    def _reviewers(self, number: str) -> list[Fields]:
        try:
            return Fields.list_of(self._client.read(f"{self._path(number)}/reviewers").data)
        except ForgeError as error:
            if error.code != "FORGE_NOT_FOUND":
                raise
            return []

    def _pull(self, fields: Fields) -> PullRequest:
        number, sha = fields.number("iid"), fields.text("sha")
        state = {"opened": PullState.OPEN, "locked": PullState.OPEN, "merged": PullState.MERGED}.get(
            fields.text("state"), PullState.CLOSED
        )
        if number is None or (not sha and state is PullState.OPEN):
            raise not_understood(self._client.host)
        is_merged = state is PullState.MERGED
        who = ("merge_user", "merged_by") if is_merged else ("closed_by",)
        commits = [fields.text(name) for name in ("merge_commit_sha", "squash_commit_sha")]
        return PullRequest(
            number=str(number),
            url=fields.link("web_url", host=self._client.host),
            state=state,
            head_sha=sha,
            base_branch=fields.text("target_branch"),
            title=fields.text("title", limit=TITLE_CHARS),
            # Forwarded without a merge commit, the head itself is what the base has.
            merge_sha=next(filter(None, [*commits, sha]), "") if is_merged else "",
            is_mergeable=_is_mergeable(fields),
            is_draft=bool(fields.flag("draft")),
            acted_by=next(filter(None, (fields.text(name, "username", limit=200) for name in who)), ""),
            at=fields.time("merged_at") or fields.time("closed_at"),
        )


def _is_mergeable(fields: Fields) -> bool | None:
    status = fields.text("detailed_merge_status") or fields.text("merge_status")
    if fields.flag("has_conflicts") or status == "conflict":
        return False
    return None if status in _WORKS_IT_OUT and status != "mergeable" else True


def _explain(answer: Answer, pull: Fields, head_sha: str) -> MergeAnswer:
    """405 is said of a draft, a conflict and a pipeline alike; `detailed_merge_status` tells which."""
    status, said = pull.text("detailed_merge_status") or pull.text("merge_status"), answer.said
    if pull.text("sha") != head_sha:
        return MergeAnswer(MergeOutcome.MOVED, said)
    if answer.status == 401:
        text = "the account of our token may not merge into this branch"
        return MergeAnswer(MergeOutcome.REFUSED, text)
    if status in ("conflict", "broken_status", "cannot_be_merged") or pull.flag("has_conflicts"):
        return MergeAnswer(MergeOutcome.CONFLICT, said)
    if status in _WORKS_IT_OUT or answer.status == 409:
        return MergeAnswer(MergeOutcome.LATER, said)
    return MergeAnswer(MergeOutcome.REFUSED, _RULES.get(status) or said or status)


def _review(fields: Fields, state: str, time: str, versions: list[tuple[datetime, str]]) -> Review:
    at = fields.time(time) or fields.time("created_at")
    heads = [sha for since, sha in versions if at is not None and since <= at]
    if at is None and len(versions) == 1:
        heads = [versions[0][1]]
    return Review(fields.text("user", "username", limit=200), state, heads[-1] if heads else "", at)


def _is_own(fields: Fields, branch: str) -> bool:
    source, target = fields.number("source_project_id"), fields.number("target_project_id")
    return fields.text("source_branch") == branch and source == target is not None


def _status(name: str, fields: Fields) -> CommitStatus:
    state, url = fields.text("status"), fields.text("target_url")
    good = state in ("success", "skipped") or fields.flag("allow_failure") is True
    return CommitStatus(
        name=name,
        state="pending" if state in _WAITING else "success" if good else "failure",
        detail=fields.text("description", limit=NOTE_CHARS),
        url=url if url.startswith(("https://", "http://")) else "",
    )
