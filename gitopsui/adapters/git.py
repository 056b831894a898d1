"""
The door to Git: a `Mirror` follows one remote, and reads like any `Repository`. Only this module imports
`git` (GitPython).

A mirror is bare and has the branches and tags of the remote, nothing else: `refs/replace/*` would show other
content under the same commit ids. Old heads of rewritten and deleted branches are kept for 30 days.

GitPython's runner does the upkeep of a mirror (init, HEAD, packing): local commands with next to no output.
It hands on our whole environment, reads without a limit and ends only the children it can list; so it starts
`env -i`, and all that talks to a network or answers at length goes through `process.run`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from gitopsui.adapters import mirror_files, process
from gitopsui.adapters.git_access import GitAccess
from gitopsui.adapters.git_address import GitPolicy, GitUrl, check_ref_name, check_url
from gitopsui.adapters.git_command import build_argv, build_environment, find_git
from gitopsui.adapters.git_export import LeftOut
from gitopsui.adapters.git_names import BRANCHES, COMMIT_ID, TAGS
from gitopsui.adapters.git_output import (
    EntryKind,
    Progress,
    Ref,
    RefKind,
    RemoteRefs,
    TreeEntry,
)
from gitopsui.adapters.git_push import push
from gitopsui.adapters.git_remote import Remote
from gitopsui.adapters.git_repository import ROOT, Repository
from gitopsui.adapters.git_sign import KeyKind, SigningKey
from gitopsui.adapters.git_write import KnownFile, Signer, Writer
from gitopsui.domain.errors import GitError
from gitopsui.domain.text import clean_text

__all__ = [
    "EntryKind",
    "FetchResult",
    "GitAccess",
    "GitPolicy",
    "GitUrl",
    "KeyKind",
    "KnownFile",
    "LeftOut",
    "Mirror",
    "Progress",
    "Ref",
    "RefChange",
    "RefKind",
    "RemoteRefs",
    "Repository",
    "Signer",
    "SigningKey",
    "TreeEntry",
    "check_ref_name",
    "check_url",
]

Listener = Callable[[Progress], None]

UPKEEP_TIMEOUT = timedelta(seconds=120)
# Together less than the time a task of a worker has.
GC_TIMEOUT = timedelta(minutes=10)
GRAPH_TIMEOUT = timedelta(minutes=3)
TIDY_PATIENCE = timedelta(seconds=20)
KEEP = "refs/gitopsui/keep/"
KEEP_FOR = timedelta(days=30)
# So many packs may lie side by side before they are joined; each fetch adds one.
MAX_PACKS = 20


@dataclass(frozen=True, slots=True)
class RefChange:
    """What happened to one ref (full name); `old_sha` None when it is new, `new_sha` None when it is gone."""

    name: str
    old_sha: str | None
    new_sha: str | None


@dataclass(frozen=True, slots=True)
class FetchResult:
    """
    What changed since the last fetch that ended well, each part sorted by name.

    `rewritten` are those of `moved` whose old commit is not in the history of the new one: force-pushed
    branches and moved tags. `is_rebuilt` when the mirror was damaged and was built again: kept
    heads are then gone.
    """

    created: tuple[RefChange, ...] = ()
    moved: tuple[RefChange, ...] = ()
    deleted: tuple[RefChange, ...] = ()
    rewritten: tuple[RefChange, ...] = ()
    is_rebuilt: bool = False

    @property
    def is_empty(self) -> bool:
        return not (self.created or self.moved or self.deleted or self.is_rebuilt)


class Mirror(Writer):
    """
    The mirror of the remote `url` in the folder `path`, which need not exist before the first `fetch`.

    Several processes may use one mirror at once: one fetches, the others read. Besides the codes of
    `Repository`, what talks to the remote raises GIT_AUTH, GIT_NOT_FOUND, GIT_UNREACHABLE, GIT_TLS,
    GIT_ADDRESS (the host leads where it may not), GIT_REFUSED (unsafe or broken objects, shallow remote),
    GIT_NO_SPACE, GIT_BUSY (another fetch runs), and the codes of `check_url`. The mirror is then as before.
    """

    def __init__(
        self, path: Path, url: str, *, access: GitAccess | None = None, policy: GitPolicy | None = None
    ) -> None:
        super().__init__(path)
        self.policy = policy or GitPolicy()
        self._remote = Remote(url, access=access, policy=self.policy, near=path.parent)
        self._remote_refs: RemoteRefs | None = None

    @property
    def url(self) -> str:
        return self._remote.url

    def exists(self) -> bool:
        """Whether there is a mirror to read; False too for one that is damaged and waits for `fetch`."""
        return super().exists() and not mirror_files.is_damaged(self.path)

    def ls_remote(self) -> RemoteRefs:
        """Ask the remote for its branches and tags; nothing is fetched."""
        self._remote_refs = self._remote.list_refs()
        return self._remote_refs

    def fetch(self, *, on_progress: Listener | None = None) -> FetchResult:
        """
        Bring the mirror to the state of the remote. The first time, and after damage, it is built beside
        and put in place when it is whole. `on_progress` is called in this thread; when it raises, the
        fetch is ended.
        """
        listed, self._remote_refs = self._remote_refs or self._remote.list_refs(), None
        with mirror_files.locked(self.path, patience=self.policy.total_timeout):
            mirror_files.check_free_space(self.path, min_free_bytes=self.policy.min_free_bytes)
            if not self.exists():
                return self._build(listed, on_progress)
            mirror_files.remove_leftovers(self.path, older_than=2 * self.policy.total_timeout)
            try:
                if self._has_all(listed):
                    return FetchResult()
                return self._update(listed, on_progress)
            except GitError as error:
                if error.code != "GIT_DAMAGED":
                    raise
            return self._build(listed, on_progress)

    def tidy(self) -> None:
        """
        Forget kept heads older than 30 days and what only they held, remove what killed processes left, and
        join the packs. Slow, and nobody fetches meanwhile: once in a while. Nothing for a damaged mirror.
        """
        with mirror_files.locked(self.path, patience=TIDY_PATIENCE):
            if not self.exists():
                return
            # A fetch removes them too, but where nothing changes there is none.
            mirror_files.remove_leftovers(self.path, older_than=2 * self.policy.total_timeout)
            self._forget_old_heads()
            # A day of grace: a fetch of a process that was killed could still be writing.
            self._maintain("gc", "--quiet", "--prune=1.day.ago", timeout=GC_TIMEOUT)
            # Git's own leaves the chain of the fetches and knows nothing of paths.
            with suppress(GitError):
                options = ("--reachable", "--changed-paths", "--no-progress")
                self._maintain("commit-graph", "write", *options, timeout=GRAPH_TIMEOUT)

    def push_tag(self, name: str, sha: str) -> None:
        """
        Make the tag `name` at the remote, where it must not exist yet; `sha` is a tag object or a commit.

        Done too when it is there already with this id. Raises GIT_REF_TAKEN, GIT_REJECTED (a rule of the
        server; the message has its words), GIT_AUTH. Our own refs change with the next fetch.
        """
        self._push(sha, f"{TAGS}{name}", expected=None)

    def push_branch(self, sha: str, ref: str) -> None:
        """Make the branch `ref` (full name) at the remote, where it must not exist yet; as `push_tag`."""
        self._push(sha, ref, expected=None)

    def push_update(self, ref: str, old: str, new: str) -> None:
        """
        Move `ref` (full name) of the remote from `old` forward to `new`, if it stands at `old` now.

        As `push_tag`; raises GIT_NOT_FORWARD when `new` has not `old` in its history.
        """
        if not self.is_ancestor(old, new):
            message = "The new commit does not build on what the branch has."
            raise GitError(message, code="GIT_NOT_FORWARD", permanent=True)
        self._push(new, ref, expected=old)

    def remove_branch(self, ref: str, sha: str) -> None:
        """
        Remove the branch `ref` (full name) of the remote, if it stands at `sha` now. Done too when it is gone
        already; as `push_tag`.
        """
        self._push(None, ref, expected=sha)

    def _push(self, sha: str | None, ref: str, *, expected: str | None) -> None:
        check_ref_name(ref.removeprefix(BRANCHES).removeprefix(TAGS))
        if not ref.startswith((BRANCHES, TAGS)) or not COMMIT_ID.fullmatch(sha or expected or ""):
            message = "A push needs a full id and the full name of a branch or tag."
            raise GitError(message, code="GIT_REF_MISSING", permanent=True)
        push(self._remote, self.path, sha=sha, ref=ref, expected=expected)

    def _build(self, listed: RemoteRefs, on_progress: Listener | None) -> FetchResult:
        before = self._refs_before() if self.path.exists() else None
        with mirror_files.building(self.path) as folder:
            new = Mirror(folder, self.url, policy=self.policy)
            new._maintain("init", "--quiet", "--bare", "--template=", "--initial-branch=main", str(folder))
            folder.chmod(0o700)
            try:
                new._receive(listed, self._remote, on_progress)
            except GitError as error:
                raise _blame_remote(error) from error
            new._settle(listed.head)
        result = self._compare(before or {}, self._snapshot())
        return replace(result, is_rebuilt=before is not None)

    def _has_all(self, listed: RemoteRefs) -> bool:
        """Whether the last fetch ended well and the remote offers just what that brought."""
        if not listed.refs or mirror_files.read_journal(self.path) or self._snapshot() != listed.refs:
            return False
        return listed.head is None or self._answer("symbolic-ref", "HEAD") == listed.head

    def _update(self, listed: RemoteRefs, on_progress: Listener | None) -> FetchResult:
        before = self._refs_before()
        if before and not listed.refs:
            message = "The remote offers no branch and no tag any more; the last state is kept."
            raise GitError(message, code="GIT_NOT_FOUND")
        mirror_files.write_journal(self.path, before)
        self._drop_missing(listed)
        with mirror_files.removing_unfinished(self.path):
            self._receive(listed, self._remote, on_progress)
        result = self._compare(before, self._snapshot())
        self._keep(change.old_sha for change in result.rewritten)
        if not result.is_empty:
            self._settle(listed.head)
        elif listed.head is not None:
            self._maintain("symbolic-ref", "HEAD", listed.head)
        mirror_files.remove_journal(self.path)
        return result

    def _receive(self, listed: RemoteRefs, remote: Remote, on_progress: Listener | None) -> None:
        if not listed.refs:
            return
        remote.fetch_into(self.path, on_progress=on_progress)
        now = self._snapshot()
        # A ref may have moved on since it was listed; but what was listed must have arrived.
        wanted = {sha for name, sha in listed.refs.items() if now.get(name) != sha}
        if not self._holds(wanted):
            raise GitError("The remote changed while it was read.", code="GIT_UNREACHABLE")

    def _drop_missing(self, listed: RemoteRefs) -> None:
        """
        Delete what the remote did not list, keeping the old heads, in one step. Git's own pruning would
        believe an answer of the fetch itself, even an empty one that was no answer of a Git server.
        """
        lines = self._output("for-each-ref", "--format=%(objectname) %(refname)", BRANCHES, TAGS).splitlines()
        gone = [
            line.split(b" ", 1) for line in lines if clean_text(line.split(b" ", 1)[1]) not in listed.refs
        ]
        deletions = [b"delete %s %s\n" % (name, sha) for sha, name in gone]
        self._keep((sha.decode() for sha, _ in gone), deletions)

    def _refs_before(self) -> dict[str, str]:
        """The refs after the last fetch that ended well; of a damaged mirror, what can still be read."""
        with suppress(GitError):
            return mirror_files.read_journal(self.path) or self._snapshot()
        return {}

    def _compare(self, before: Mapping[str, str], after: Mapping[str, str]) -> FetchResult:
        names = sorted({*before, *after})
        pairs = [RefChange(name, before.get(name), after.get(name)) for name in names]
        changes = [change for change in pairs if change.old_sha != change.new_sha]
        moved = [change for change in changes if change.old_sha and change.new_sha]
        return FetchResult(
            created=tuple(change for change in changes if change.old_sha is None),
            moved=tuple(moved),
            deleted=tuple(change for change in changes if change.new_sha is None),
            rewritten=tuple(change for change in moved if self._is_rewritten(change)),
        )

    def _is_rewritten(self, change: RefChange) -> bool:
        if not change.name.startswith(BRANCHES):
            return True
        try:
            return not self.is_ancestor(change.old_sha or "", change.new_sha or "")
        except GitError:
            # The old commit is not here any more: the mirror was built again.
            return True

    def _keep(self, shas: Iterable[str | None], changes: Sequence[bytes] = ()) -> None:
        """Hold on to old heads, so that what was shown or deployed can still be compared; then `changes`."""
        now = int(time.time())
        lines = [f"update {KEEP}{now}-{sha} {sha}\n".encode() for sha in sorted({sha for sha in shas if sha})]
        if lines:
            self._output("update-ref", "--stdin", stdin=b"".join([*lines, *changes]))

    def _forget_old_heads(self) -> None:
        oldest = time.time() - KEEP_FOR.total_seconds()
        names = self._output("for-each-ref", "--format=%(refname)", KEEP).decode().splitlines()
        lines = [f"delete {name}\n" for name in names if int(name.removeprefix(KEEP).split("-")[0]) < oldest]
        if lines:
            self._output("update-ref", "--stdin", stdin="".join(lines).encode())

    def _settle(self, head: str | None) -> None:
        """Make reading fast after a fetch that brought something."""
        if head is not None:
            self._maintain("symbolic-ref", "HEAD", head)
        self._maintain("pack-refs", "--all")
        if len(list(self.path.glob("objects/pack/*.pack"))) > MAX_PACKS:
            self._maintain("repack", "-d", "--quiet", "--geometric=2")
        # Only an acceleration: a history it cannot hold is read without it.
        with suppress(GitError):
            options = ("--reachable", "--changed-paths", "--split", "--no-progress")
            self._maintain("commit-graph", "write", *options)

    def _maintain(self, *arguments: str, timeout: timedelta = UPKEEP_TIMEOUT) -> None:
        """Run a command on this mirror that changes it and has nothing to say."""
        find_git()
        # Its import runs git, so it waits until git is known to be there.
        import git

        environment = [f"{name}={value}" for name, value in build_environment().items()]
        status, _, said = git.Git(ROOT).execute(
            ["env", "-i", *environment, *build_argv(self.path, *arguments)],
            with_extended_output=True,
            with_exceptions=False,
            kill_after_timeout=timeout.total_seconds(),
        )
        if status < 0:
            raise GitError("The upkeep of the mirror took too long.", code="GIT_TIMEOUT")
        if status:
            raise self._describe(process.Result(int(status), b"", str(said).encode()))

    def _describe(self, result: process.Result) -> GitError:
        """As for any repository; damage is noted, so that the next fetch builds the mirror again."""
        error = super()._describe(result)
        if error.code == "GIT_DAMAGED":
            mirror_files.mark_damaged(self.path)
        return error


def _blame_remote(error: GitError) -> GitError:
    """A new mirror cannot be damaged: what arrived broken was sent broken."""
    if error.code != "GIT_DAMAGED":
        return error
    message = "The remote sends broken data."
    return GitError(message, code="GIT_REFUSED", hint="Ask its owner to run git fsck there.")
