"""What every stand-in stands on: accounts, pull requests, and a bare repository that says what merges."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from tests.adapters.git_http import Seed, git

LEVELS = ("none", "read", "write", "admin")


@dataclass(frozen=True)
class Account:
    """`level` is what it may in every repository: none, read, write or admin."""

    name: str
    token: str
    level: str = "admin"
    number: int = 1

    def may(self, level: str) -> bool:
        return LEVELS.index(self.level) >= LEVELS.index(level)


@dataclass
class Vote:
    number: int
    by: Account
    state: str  # approved, rejected, said
    sha: str
    at: datetime
    text: str = ""
    is_dismissed: bool = False
    is_stale: bool = False


@dataclass
class Pull:
    number: int
    title: str
    body: str
    head: str
    base: str
    by: Account
    created_at: datetime
    state: str = "open"  # open, closed, merged
    merge_sha: str = ""
    ended_by: str = ""
    ended_at: datetime | None = None
    updated_at: datetime | None = None
    heads: list[tuple[datetime, str]] = field(default_factory=list)
    votes: list[Vote] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    is_from_fork: bool = False
    is_draft: bool = False

    def dismiss(self, number: int) -> Vote:
        for vote in self.votes:
            if vote.number == number:
                vote.is_dismissed = True
                return vote
        raise Refused(404, "Not Found")


@dataclass
class Status:
    name: str
    state: str
    detail: str
    url: str
    at: datetime


class Refused(Exception):
    """What a stand-in answers with: a status and the words of the forge."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class Project:
    """One repository with its pull requests. `unknown` is for how many reads its mergeability is unknown."""

    def __init__(self, number: int, path: str, seed: Seed) -> None:
        self.number = number
        self.path = path
        self.seed = seed
        self.pulls: list[Pull] = []
        self.statuses: dict[str, list[Status]] = {}
        self.labels: list[str] = []  # their ids are their places, from 1
        self.unknown = 0
        self.needs_votes = 0
        self.needs_checks: tuple[str, ...] = ()
        self.allows_merge_commits = True
        self.merges = 0

    def now(self) -> datetime:
        return datetime.now(UTC)

    def tip(self, branch: str) -> str:
        """ "" for a branch that is not there."""
        return self.seed.git("for-each-ref", "--format=%(objectname)", f"refs/heads/{branch}")

    def is_empty(self) -> bool:
        return not self.tip("main")

    def pull(self, number: int) -> Pull:
        for one in self.pulls:
            if one.number == number:
                self.look(one)
                return one
        raise Refused(404, "Not Found")

    def look(self, pull: Pull) -> None:
        """Take note of a push."""
        sha = self.tip(pull.head)
        if sha and pull.state == "open" and (not pull.heads or pull.heads[-1][1] != sha):
            pull.heads.append((self.now(), sha))
            pull.updated_at = self.now()

    def head(self, pull: Pull) -> str:
        self.look(pull)
        return pull.heads[-1][1] if pull.heads else ""

    def open_pull(self, head: str, base: str, title: str, body: str, by: Account) -> Pull:
        if not (self.tip(head) and self.tip(base)):
            raise Refused(404, "The target couldn't be found.")
        pull = Pull(len(self.pulls) + 1, title, body, head, base, by, self.now(), updated_at=self.now())
        self.pulls.append(pull)
        self.look(pull)
        return pull

    def open_of(self, head: str, base: str) -> Pull | None:
        same = [one for one in self.pulls if (one.head, one.base, one.state) == (head, base, "open")]
        return same[0] if same and not same[0].is_from_fork else None

    def merge_tree(self, pull: Pull) -> str:
        """The tree both make, "" where they conflict."""
        arguments = [
            f"--git-dir={self.seed.path}",
            "merge-tree",
            "--write-tree",
            self.tip(pull.base),
            self.head(pull),
        ]
        first = git(*arguments, check=False).partition("\n")
        return "" if "CONFLICT" in first[2] else first[0]

    def mergeability(self, pull: Pull) -> str:
        """unknown, conflict or clean; asking is what makes a forge work it out."""
        if pull.state != "open":
            return "clean"
        if self.unknown > 0:
            self.unknown -= 1
            return "unknown"
        return "clean" if self.merge_tree(pull) else "conflict"

    def missing_rule(self, pull: Pull) -> str:
        """The rule that is not met, in words, or ""."""
        sha = self.head(pull)
        votes = [one for one in pull.votes if one.state == "approved" and not one.is_dismissed]
        if len({one.by.name for one in votes if one.by.may("write")}) < self.needs_votes:
            return "At least 1 approving review is required by reviewers with write access."
        good = {one.name for one in self.statuses.get(sha, []) if one.state == "success"}
        missing = [name for name in self.needs_checks if name not in good]
        return f'Required status check "{missing[0]}" is expected.' if missing else ""

    def merge(self, pull: Pull, message: str, by: Account, *, is_squash: bool = False) -> str:
        """The caller has looked at all rules; a base that moved meanwhile is an assertion."""
        base, head = self.tip(pull.base), self.head(pull)
        parents = ["-p", base] if is_squash else ["-p", base, "-p", head]
        sha = self.seed.git("commit-tree", *parents, self.merge_tree(pull), stdin=message.encode())
        self.seed.git("update-ref", f"refs/heads/{pull.base}", sha, base)
        self.merges += 1
        self.end(pull, "merged", by)
        pull.merge_sha = sha
        return sha

    def end(self, pull: Pull, state: str, by: Account) -> None:
        self.head(pull)
        pull.state, pull.ended_by, pull.ended_at, pull.updated_at = state, by.name, self.now(), self.now()

    def vote(self, pull: Pull, state: str, by: Account, text: str = "") -> Vote:
        vote = Vote(len(pull.votes) + 1, by, state, self.head(pull), self.now(), text)
        pull.votes.append(vote)
        return vote

    def write(self, branch: str, path: str, text: str, message: str, start: str = "") -> str:
        """One commit with one file on a branch, which is made from `start` where it is not there."""
        tip = self.tip(branch) or self.tip(start)
        return self.seed.commit({path: text}, message, branch=branch, parents=(tip,) if tip else ())

    def add_labels(self, pull: Pull, names: list[str]) -> None:
        """Those that the project has not are made by that."""
        self.labels += [name for name in dict.fromkeys(names) if name not in self.labels]
        pull.labels += [name for name in dict.fromkeys(names) if name not in pull.labels]

    def set_status(self, sha: str, status: Status) -> None:
        self.statuses.setdefault(sha, []).append(status)

    def last_statuses(self, sha: str) -> list[Status]:
        """The last of each name, the newest first."""
        found = {one.name: one for one in self.statuses.get(sha, [])}
        return sorted(found.values(), key=lambda one: one.at, reverse=True)


class Ground:
    """All repositories of one stand-in, in bare repositories below `folder`."""

    def __init__(self, folder: Path, accounts: list[Account]) -> None:
        self.folder = folder
        self.accounts = accounts
        self.projects: dict[str, Project] = {}
        folder.mkdir(parents=True, exist_ok=True)

    def account(self, token: str) -> Account | None:
        return next((one for one in self.accounts if one.token == token), None)

    def named(self, name: str) -> Account:
        for one in self.accounts:
            if one.name == name:
                return one
        raise Refused(404, "Not Found")

    def create(self, path: str, seed: Seed | None = None) -> Project:
        number = len(self.projects) + 1
        seed = seed or Seed.create(self.folder / f"{number}.git")
        self.projects[path.lower()] = Project(number, path, seed)
        return self.projects[path.lower()]

    def project(self, path: str) -> Project:
        """By path or number."""
        found = self.projects.get(path.lower())
        if found is None:
            found = next((one for one in self.projects.values() if str(one.number) == path), None)
        if found is None:
            raise Refused(404, "Not Found")
        return found

    def remove(self, project: Project) -> None:
        del self.projects[project.path.lower()]
