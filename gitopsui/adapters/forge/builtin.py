"""
The review for a remote without a forge: the branch itself is the pull request, and merging is a push.

It is open while its branch stands at the remote and the base has not its commit, merged when the base has it,
and closed when the branch is gone without that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from gitopsui.adapters.forge.base import (
    BRANCH_PREFIX,
    CommitStatus,
    MergeAnswer,
    MergeOutcome,
    PullRequest,
    PullState,
    Review,
)
from gitopsui.adapters.git import RemoteRefs, Signer
from gitopsui.domain.errors import GitError

_HEADS = "refs/heads/"


class GitDoor(Protocol):
    """What of a mirror the built-in review needs."""

    def ls_remote(self) -> RemoteRefs: ...

    def fetch(self) -> object: ...

    def resolve(self, revision: str) -> str: ...

    def is_ancestor(self, ancestor: str, descendant: str) -> bool: ...

    def merge_commit(self, ours: str, theirs: str, *, message: str, author: Signer) -> str: ...

    def push_update(self, ref: str, old: str, new: str) -> None: ...

    def remove_branch(self, ref: str, sha: str) -> None: ...


class BuiltIn:
    """
    The pull request of one promotion on a plain Git remote. `base_sha` is the commit it was planned on,
    `head_sha` its own, `signer` who the merge is by, `url` our own page of it. GitError goes through as it
    is.
    """

    def __init__(
        self,
        git: GitDoor,
        *,
        base_branch: str,
        base_sha: str,
        head_sha: str,
        signer: Signer,
        url: Callable[[str], str],
    ) -> None:
        self._git = git
        self._base = f"{_HEADS}{base_branch}"
        self._base_branch = base_branch
        self._base_sha = base_sha
        self._head_sha = head_sha
        self._signer = signer
        self._url = url

    def find(self, branch: str) -> list[PullRequest]:
        refs = self._git.ls_remote().refs
        if f"{_HEADS}{branch}" not in refs and not self._is_merged(refs.get(self._base, "")):
            return []
        return [self._pull(branch.removeprefix(BRANCH_PREFIX), dict(refs))]

    def create(self, *, head: str, base: str, title: str, body: str, labels: Sequence[str] = ()) -> None:
        """Nothing to do: the branch is all there is of it at the remote."""

    def add_labels(self, number: str, labels: Sequence[str]) -> None:
        """A branch has none."""

    def get(self, number: str) -> PullRequest:
        return self._pull(number, dict(self._git.ls_remote().refs))

    def update(self, number: str, *, title: str, body: str) -> None:
        """Title and body stand on our own page."""

    def merge(self, number: str, *, head_sha: str, title: str, message: str) -> MergeAnswer:
        refs = self._git.ls_remote().refs
        tip = refs.get(self._base, "")
        if not tip:
            return MergeAnswer(MergeOutcome.REFUSED, f"The branch {self._base_branch} is gone.")
        if refs.get(self._head(number)) != head_sha:
            return MergeAnswer(MergeOutcome.MOVED)
        if self._holds(tip, head_sha):
            # Somebody was faster; the push of what was built on the tip before would have been refused.
            return MergeAnswer(MergeOutcome.ASKED)
        if not self._holds(tip, self._base_sha):
            # Its history was rewritten: a merge would bring back what was taken out. The next turn says so.
            return MergeAnswer(MergeOutcome.LATER)
        try:
            merged = self._git.merge_commit(
                tip, head_sha, message=f"{title}\n\n{message}", author=self._signer
            )
            self._git.push_update(self._base, tip, merged)
        except GitError as error:
            return _answer(error)
        return MergeAnswer(MergeOutcome.ASKED)

    def close(self, number: str) -> None:
        """The branch is all there is of it, so it goes; one that is not what we pushed any more stays."""
        try:
            self._git.remove_branch(self._head(number), self._head_sha)
        except GitError as error:
            if error.code not in ("GIT_REF_TAKEN", "GIT_REJECTED"):
                raise
            # Somebody works on it, or a rule of the remote keeps it: our own record says that it is closed.

    def comment(self, number: str, text: str) -> None:
        """Comments stand on our own page."""

    def set_status(self, sha: str, status: CommitStatus) -> None:
        """A plain remote knows no commit statuses; the gates stand on our own page."""

    def list_checks(self, sha: str) -> list[CommitStatus]:
        return []

    def list_reviews(self, number: str) -> list[Review]:
        return []

    def _pull(self, number: str, refs: dict[str, str]) -> PullRequest:
        head = refs.get(self._head(number), "")
        state = PullState.OPEN if head else PullState.CLOSED
        if self._is_merged(refs.get(self._base, "")):
            state = PullState.MERGED
        return PullRequest(
            number=number,
            url=self._url(number),
            state=state,
            head_sha=head or self._head_sha,
            base_branch=self._base_branch,
            merge_sha=refs.get(self._base, "") if state is PullState.MERGED else "",
            is_mergeable=True,
        )

    def _head(self, number: str) -> str:
        return f"{_HEADS}{BRANCH_PREFIX}{number}"

    def _is_merged(self, tip: str) -> bool:
        return bool(tip and self._head_sha) and self._holds(tip, self._head_sha)

    def _holds(self, tip: str, sha: str) -> bool:
        self._have(tip)
        try:
            return self._git.is_ancestor(sha, tip)
        except GitError as error:
            if error.code != "GIT_REF_MISSING":
                raise
            # The base cannot hold a commit that we do not have ourselves.
            return False

    def _have(self, sha: str) -> None:
        """Fetch, unless the commit is here already."""
        try:
            self._git.resolve(sha)
        except GitError as error:
            if error.code != "GIT_REF_MISSING":
                raise
            self._git.fetch()


_OUTCOMES = {
    "GIT_CONFLICT": MergeOutcome.CONFLICT,
    "GIT_REJECTED": MergeOutcome.REFUSED,
    "GIT_REF_TAKEN": MergeOutcome.LATER,
    "GIT_NOT_FORWARD": MergeOutcome.LATER,
}


def _answer(error: GitError) -> MergeAnswer:
    """A base that moved under the push is tried again from where it stands; nothing was lost."""
    if error.code not in _OUTCOMES:
        raise error
    return MergeAnswer(_OUTCOMES[error.code], error.message)
