"""Real repositories behind a real Git server on loopback, and mirrors that may reach them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from apps.demo.git_server import GitServer
from gitopsui.adapters import process
from gitopsui.adapters.git import GitAccess, GitPolicy, Mirror
from gitopsui.adapters.git_history import History

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
ENV = {
    "PATH": os.environ.get("PATH", os.defpath),
    "HOME": "/nonexistent",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_AUTHOR_NAME": "Dev",
    "GIT_AUTHOR_EMAIL": "dev@example.org",
    "GIT_COMMITTER_NAME": "Dev",
    "GIT_COMMITTER_EMAIL": "dev@example.org",
}


@dataclass(frozen=True, slots=True)
class File:
    """One entry of a tree, `mode` as Git writes it; `content` is the target of a link, or an id."""

    content: bytes
    mode: str = "100644"


def link(target: str) -> File:
    return File(target.encode(), "120000")


def git(*arguments: str, stdin: bytes = b"", cwd: Path | None = None, check: bool = True) -> str:
    result = process.run(
        ["git", *arguments],
        env=ENV,
        cwd=cwd,
        stdin=stdin,
        timeout=timedelta(seconds=60),
        max_output=64 << 20,
    )
    assert not check or result.returncode == 0, result.stderr.decode()
    return result.stdout.decode("utf-8", "replace").rstrip("\n")


@dataclass(slots=True)
class Seed:
    """A bare repository that plays the remote: written by plumbing, never checked out."""

    path: Path
    clock: datetime = LONG_AGO

    @classmethod
    def create(cls, path: Path) -> Seed:
        git("init", "--quiet", "--bare", "--initial-branch=main", str(path))
        return cls(path)

    def git(self, *arguments: str, stdin: bytes = b"") -> str:
        return git(f"--git-dir={self.path}", *arguments, stdin=stdin)

    def commit(
        self,
        files: Mapping[str, str | File | None] | None = None,
        message: str = "Change something",
        *,
        branch: str = "main",
        parents: Sequence[str] | None = None,
        author: str = "Dev <dev@example.org>",
    ) -> str:
        """One commit on top of `branch` (or of `parents`; () is a new root). None removes a file."""
        self.clock += timedelta(minutes=1)
        ref = f"refs/heads/{branch}"
        if parents is None:
            tip = self.git("for-each-ref", "--format=%(objectname)", ref)
            parents = (tip,) if tip else ()
        stamp = f"{int(self.clock.timestamp())} +0000"
        body = message.encode("utf-8", "surrogateescape")
        lines = [f"reset {ref}\n" if not parents else "", f"commit {ref}\nmark :1\n"]
        lines += [f"author {author} {stamp}\ncommitter {author} {stamp}\ndata {len(body)}\n"]
        stream = "".join(lines).encode() + body + b"\n"
        stream += "".join(f"{'merge' if n else 'from'} {sha}\n" for n, sha in enumerate(parents)).encode()
        for path, content in (files or {}).items():
            stream += _change(path, content)
        stream += b"\nget-mark :1\n"
        return self.git("fast-import", "--quiet", "--force", "--date-format=raw-permissive", stdin=stream)

    def tag(self, name: str, sha: str, *, message: str = "") -> None:
        """A lightweight tag, or with a message an annotated one; an old one of that name is moved."""
        options = ["--annotate", f"--message={message}"] if message else []
        self.git("tag", "--force", *options, name, sha)

    def point(self, ref: str, sha: str) -> None:
        self.git("update-ref", ref, sha)

    def delete(self, ref: str) -> None:
        self.git("update-ref", "-d", ref)

    def raw(self, kind: str, content: bytes) -> str:
        """Write an object as it is, however wrong."""
        return self.git("hash-object", "-t", kind, "-w", "--literally", "--stdin", stdin=content)

    def raw_commit(
        self, message: bytes = b"m\n", *, tree: str = "", who: bytes = b"Dev <d@e> 1767225600 +0000"
    ) -> str:
        tree = tree or self.git("rev-parse", "refs/heads/main^{tree}")
        head = b"tree %s\nauthor %s\ncommitter %s\n\n" % (tree.encode(), who, who)
        return self.raw("commit", head + message)

    def as_repository(self) -> History:
        return History(self.path)


def _change(path: str, content: str | File | None) -> bytes:
    quoted = '"' + path.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
    if content is None:
        return f"D {quoted}\n".encode()
    file = File(content.encode()) if isinstance(content, str) else content
    if file.mode == "160000":
        return f"M {file.mode} {file.content.decode()} {quoted}\n".encode()
    return f"M {file.mode} inline {quoted}\ndata {len(file.content)}\n".encode() + file.content + b"\n"


@dataclass(slots=True)
class Hub:
    """A server, the repositories it serves, and mirrors in `mirrors`."""

    server: GitServer
    mirrors: Path
    policy: GitPolicy = field(default_factory=GitPolicy)

    def create(self, name: str = "shop") -> Seed:
        return Seed.create(self.server.root / f"{name}.git")

    def url(self, name: str = "shop") -> str:
        return f"{self.server.url}/{name}.git"

    def mirror(self, name: str = "shop", *, access: GitAccess | None = None, **changes: object) -> Mirror:
        """`changes` are fields of the policy."""
        policy = replace(self.policy, **changes)  # type: ignore[arg-type]
        return Mirror(self.mirrors / name, self.url(name), access=access, policy=policy)


@contextmanager
def serving(
    folder: Path, *, users: Mapping[str, str] | None = None, latency: timedelta = timedelta(0)
) -> Iterator[Hub]:
    """A hub with its files below `folder`."""
    root = folder / "remotes"
    root.mkdir(exist_ok=True)
    with GitServer(root, users=users, latency=latency) as server:
        policy = GitPolicy(
            plain_http=frozenset({server.host_port}),
            min_free_bytes=0,
            total_timeout=timedelta(seconds=60),
            connect_timeout=timedelta(seconds=60),
        )
        yield Hub(server, folder / "mirrors", policy)
