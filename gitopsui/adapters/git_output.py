"""
What Git prints → values. Fields are read by position and counted; text is made fit to store.

Everything here was written by others: a name, a date or a message may hold anything but a NUL, which Git
itself uses as the end of a field.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import NamedTuple

from gitopsui.adapters.git_names import BRANCHES, MAX_FIELD_BYTES, TAGS
from gitopsui.domain.commit import Commit
from gitopsui.domain.errors import GitError
from gitopsui.domain.text import TEXT_LIMIT, clean_text

LOG_FIELDS = 7  # of `git_names.LOG_FORMAT`
REF_FIELDS = 6  # of `git_names.REF_FORMAT`
MAX_TIMESTAMP = 253_402_300_799  # the last second of the year 9999, the last a datetime can hold

# An id, a type and a size.
MAX_OBJECT_HEAD = 100


class RefKind(StrEnum):
    """What a ref is."""

    BRANCH = "branch"  # refs/heads/…
    TAG = "tag"  # refs/tags/…


class Ref(NamedTuple):
    """
    A branch or a tag. `name` is full (`refs/tags/v1`), `short` without its prefix (`v1`).

    `sha` is the object it points at: for an annotated tag that is the tag, and `commit_sha` the commit
    behind it, through any number of tags; None when there is a tree or a file at the end. `date` is when
    the tag was made or the commit committed, in UTC; None where Git holds no date.
    """

    name: str
    short: str
    kind: RefKind
    sha: str
    commit_sha: str | None
    date: datetime | None
    is_annotated: bool


@dataclass(frozen=True, slots=True)
class RemoteRefs:
    """
    The branches and tags a remote offers, by full name, and the full name of its default branch.

    Two equal `digest`s mean that nothing has to be fetched.
    """

    refs: Mapping[str, str]
    head: str | None
    digest: str


class EntryKind(StrEnum):
    """What lies under a name in a tree."""

    FILE = "file"  # a regular file
    EXECUTABLE = "executable"  # a regular file that may be run
    SYMLINK = "symlink"  # the content is the path it points to
    SUBMODULE = "submodule"  # a commit of another repository: no content here
    FOLDER = "folder"  # only listed when the listing is not recursive


ENTRY_KINDS = {
    "120000": EntryKind.SYMLINK,
    "160000": EntryKind.SUBMODULE,
    "040000": EntryKind.FOLDER,
    "100755": EntryKind.EXECUTABLE,
}


@dataclass(frozen=True, slots=True)
class TreeEntry:
    """One name in a tree; `path` is full and text for people, `size` in bytes where there is content."""

    mode: str
    kind: EntryKind
    sha: str
    path: str
    size: int | None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a fetch is: `phase` as Git names it ("Receiving objects"), `total` None where it is unknown."""

    phase: str
    done: int
    total: int | None
    detail: str = ""


def parse_time(seconds: str) -> datetime | None:
    """A time in UTC from seconds since 1970; None for what is no date, or none this side of the year 9999."""
    is_number = seconds.isascii() and seconds.isdigit() and len(seconds) <= 12
    if not is_number or (time := int(seconds)) > MAX_TIMESTAMP:
        return None
    return datetime.fromtimestamp(time, UTC)


def parse_log(data: bytes) -> list[Commit]:
    """The commits of `git log -z --format=LOG_FORMAT`, in the order Git printed them."""
    return [commit for portion in read_log([data]) for commit in portion]


def read_log(pieces: Iterable[bytes]) -> Iterator[list[Commit]]:
    """The same while Git prints it: what has come whole. Of an endless message only the beginning is held."""
    rest = bytearray()
    fields: list[str] = []
    for piece in pieces:
        end = piece.rfind(b"\0") + 1
        if end:
            # Decoded at once, not field by field: a byte that is no text swallows neither NUL nor neighbour.
            fields += (rest + piece[:end]).decode("utf-8", "replace").split("\0")[:-1]
            rest.clear()
            whole = len(fields) - len(fields) % LOG_FIELDS
            yield list(map(build_commit, *(fields[at:whole:LOG_FIELDS] for at in range(LOG_FIELDS))))
            del fields[:whole]
        rest += piece[end : end + MAX_FIELD_BYTES - len(rest)]
    if rest or fields:
        raise _unreadable("log")


def build_commit(
    sha: str, parents: str, name: str, email: str, authored: str, committed: str, message: str
) -> Commit:
    committed_at = parse_time(committed)
    return Commit(
        sha,
        tuple(parents.split()),
        name,
        email,
        committed_at if authored == committed else parse_time(authored),
        committed_at,
        message if len(message) < TEXT_LIMIT else clean_text(message),
    )


def parse_refs(data: bytes) -> tuple[list[Ref], list[str]]:
    """
    The refs of `git for-each-ref --format=REF_FORMAT`, and the ids of tags of tags.

    Git 2.39 looks through one tag only, so what those lead to has to be asked for: see `with_commits`.
    """
    refs, nested = [], []
    for line in data.splitlines():
        fields = line.decode("utf-8", "replace").split("\0")
        if len(fields) != REF_FIELDS:
            raise _unreadable("for-each-ref")
        name, sha, kind, inner_sha, inner_kind, seconds = fields
        commit_sha = {"commit": sha, "tag": inner_sha if inner_kind == "commit" else None}.get(kind)
        short, ref_kind = _shorten(name)
        refs.append(Ref(name, short, ref_kind, sha, commit_sha, parse_time(seconds), kind == "tag"))
        if inner_kind == "tag":
            nested.append(sha)
    return refs, nested


def with_commits(refs: list[Ref], commits: Mapping[str, str]) -> list[Ref]:
    """The same refs, with the commit of each tag whose id is in `commits`."""
    return [ref._replace(commit_sha=commits[ref.sha]) if ref.sha in commits else ref for ref in refs]


def _shorten(name: str) -> tuple[str, RefKind]:
    if name.startswith(TAGS):
        return name.removeprefix(TAGS), RefKind.TAG
    return name.removeprefix(BRANCHES), RefKind.BRANCH


def parse_remote_refs(data: bytes) -> RemoteRefs:
    """The answer of `git ls-remote --symref`; other refs (pull requests) and peeled tags are left out."""
    import hashlib  # loads OpenSSL, which only a remote needs

    refs: dict[str, str] = {}
    head = None
    for line in data.splitlines():
        value, _, name = line.partition(b"\t")
        if name == b"HEAD" and value.startswith(b"ref: "):
            head = clean_text(value[5:])
        elif name.startswith((BRANCHES.encode(), TAGS.encode())) and not name.endswith(b"^{}"):
            refs[clean_text(name)] = clean_text(value)
    head = head if head in refs else None
    listed = "".join(f"{sha} {name}\n" for name, sha in sorted(refs.items()))
    return RemoteRefs(refs, head, hashlib.sha256(f"{listed}{head}".encode()).hexdigest())


def parse_tree(data: bytes) -> list[TreeEntry]:
    """The entries of `git ls-tree -z -l`, sorted by Git: `MODE TYPE ID SIZE<tab>PATH`."""
    entries = []
    for line in data.split(b"\0")[:-1]:
        facts, tab, path = line.partition(b"\t")
        fields = clean_text(facts).split()
        if not tab or len(fields) != 4:
            raise _unreadable("ls-tree")
        mode, _, sha, size = fields
        kind = ENTRY_KINDS.get(mode, EntryKind.FILE)
        entries.append(TreeEntry(mode, kind, sha, clean_text(path), int(size) if size.isdecimal() else None))
    return entries


def parse_objects(data: bytes) -> Iterator[tuple[str, str, bytes]]:
    """(id, type, content) for each object of `git cat-file --batch`; type `missing` has no content."""
    position = 0
    while position < len(data):
        head, newline, _ = data[position : position + MAX_OBJECT_HEAD].partition(b"\n")
        start = position + len(head) + 1
        fields = clean_text(head).split(" ")
        if newline and len(fields) == 2 and fields[1] == "missing":
            yield fields[0], "missing", b""
            position = start
        elif newline and len(fields) == 3 and re.fullmatch("[0-9]{1,12}", fields[2]):
            end = start + int(fields[2])
            yield fields[0], fields[1], data[start:end]
            position = end + 1
        else:
            raise _unreadable("cat-file")


PROGRESS = re.compile(
    r"(?:remote: )?(?P<phase>[A-Z][A-Za-z ]{2,40}): +(?:\d+% \((?P<done>\d+)/(?P<total>\d+)\)|(?P<count>\d+))"
    r"(?:, (?P<detail>.*))?"
)


class ProgressReader:
    """Cuts the progress lines out of stderr as it comes in pieces."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, piece: bytes) -> Iterator[Progress]:
        *lines, self._rest = re.split(rb"[\r\n]", self._rest + piece)
        # A line that never ends is not one of ours.
        self._rest = self._rest[-1000:]
        for line in lines:
            match = PROGRESS.match(clean_text(line))
            if match:
                done = int(match["done"] or match["count"])
                total = int(match["total"]) if match["total"] else None
                yield Progress(match["phase"], done, total, (match["detail"] or "").strip()[:100])


def _unreadable(command: str) -> GitError:
    return GitError(f"The answer of git {command} cannot be read.", code="GIT_ERROR")
