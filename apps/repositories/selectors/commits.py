"""The stored history of a repository. The mirror is never asked."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from threading import Lock

from django.db.models import Q

from apps.repositories.models import CommitGraph, Repository, StoredCommit
from gitopsui.domain.commit import Commit
from gitopsui.domain.graph import Graph, decode
from gitopsui.domain.text import clean_text

# Graphs kept in each process; one of 10,000 commits takes about 2 MB.
KEPT_GRAPHS = 16
FOUND_AT_MOST = 100  # commits
MAX_WORDS = 8
LONGEST_QUERY = 300  # characters
UNMISTAKABLE_ID = 7  # digits; "added" and "facade" are words too
IDS_AT_ONCE = 500

# Not the author's time: nobody reads it, and of a long range it took a sixth of the time.
_FIELDS = ("sha", "parents", "author_name", "author_email", "committed_at", "message")
_SHA_PREFIX = re.compile(r"[0-9a-fA-F]{4,64}")
_PULL_REQUEST = re.compile(r"(?:#|!|PR ?#?|MR ?!?)(\d{1,9})|(\d{1,9})", re.IGNORECASE)
_AUTHOR = re.compile(r"(?:author:|by:|@)\s*(.+)", re.IGNORECASE)


class _Graphs:
    """The graphs used last, by the digest of their bytes, so that one that changed is read again."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[int, str], Graph] = OrderedDict()
        self._lock = Lock()

    def get(self, key: tuple[int, str]) -> Graph | None:
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def put(self, key: tuple[int, str], graph: Graph) -> None:
        with self._lock:
            self._kept[key] = graph
            while len(self._kept) > KEPT_GRAPHS:
                self._kept.popitem(last=False)


_GRAPHS = _Graphs()


def graph_of(repository: Repository) -> Graph:
    """How the stored commits descend from each other; an empty graph where none are stored yet."""
    rows = CommitGraph.objects.filter(repository=repository)
    digest = rows.values_list("digest", flat=True).first()
    if digest is None:
        return Graph()
    graph = _GRAPHS.get((repository.pk, digest))
    if graph is None:
        # Read together: it may have changed since.
        digest, blob = rows.values_list("digest", "blob").get()
        graph = _decode(bytes(blob))
        _GRAPHS.put((repository.pk, digest), graph)
    return graph


def _decode(blob: bytes) -> Graph:
    """Bytes of another version are no graph: the next poll writes them anew."""
    try:
        return decode(blob)
    except ValueError:
        return Graph()


def has_whole_history(repository: Repository) -> bool:
    """Whether all commits of the refs that the last poll saw are stored."""
    stored = CommitGraph.objects.filter(repository=repository).values_list("refs_digest", flat=True).first()
    return stored is not None and stored == repository.refs_digest


def commits_between(
    repository: Repository, base_sha: str | None, head_sha: str, *, no_merges: bool = False
) -> list[Commit]:
    """
    The commits `head_sha` has in its history and `base_sha` has not (None: all of them), newest first, which
    means children before parents. Raises UnknownCommit for an id that is not stored.
    """
    graph = graph_of(repository)
    base = None if base_sha is None else graph.index(base_sha)
    numbers = graph.between(base, graph.index(head_sha))
    if no_merges:
        numbers = [number for number in numbers if len(graph.parents(number)) < 2]
    return commits_by_id(repository, [graph.sha(number) for number in numbers])


def commits_by_id(repository: Repository, shas: Sequence[str]) -> list[Commit]:
    """The commits with these full ids, in this order; those that are not stored are left out."""
    found: dict[str, Commit] = {}
    for some in _chunks(shas):
        rows = repository.commits.filter(sha__in=some).values_list(*_FIELDS)
        found |= {row[0]: _commit(*row) for row in rows}
    return [found[sha] for sha in shas if sha in found]


def patch_ids_of(repository: Repository, shas: Iterable[str]) -> dict[str, str]:
    """The patch-ids that are known of these commits, for `domain.equivalence.match`."""
    found: dict[str, str] = {}
    for some in _chunks(list(shas)):
        rows = repository.commits.filter(sha__in=some).exclude(patch_id__in=("", StoredCommit.NO_PATCH))
        found |= dict(rows.values_list("sha", "patch_id"))
    return found


def signatures_of(repository: Repository, shas: Iterable[str]) -> dict[str, str]:
    """good, bad, unsigned or unknown (it cannot be checked) by id; those nobody read yet are left out."""
    found: dict[str, str] = {}
    for some in _chunks(list(shas)):
        rows = repository.commits.filter(sha__in=some).exclude(signature="")
        found |= dict(rows.values_list("sha", "signature"))
    return found


def find_commits(repository: Repository, query: str, *, limit: int = FOUND_AT_MOST) -> list[Commit]:
    """
    The commits a reader may mean, the newest first: by the beginning of an id (four digits or more), a pull
    request (`#12`, `!12`, `12`), an author (`@ada`, `author:ada@example.org`), or words of the message and
    the author's name, all of which must be there.
    """
    condition = _condition(clean_text(query, limit=LONGEST_QUERY).strip())
    if condition is None:
        return []
    rows = repository.commits.filter(condition).order_by("-pk").values_list(*_FIELDS)
    return [_commit(*row) for row in rows[:limit]]


def _condition(query: str) -> Q | None:
    """What the rows must hold; None for a query that says nothing."""
    author, number = _AUTHOR.fullmatch(query), _PULL_REQUEST.fullmatch(query)
    if number and not query.isdigit():
        return Q(pull_request=int(number[1]))
    if author:
        return Q(author_name__icontains=author[1]) | Q(author_email__icontains=author[1])
    condition = Q(pull_request=int(number[2])) if number else Q()
    if _SHA_PREFIX.fullmatch(query):
        # As a range, which the index of the ids answers on every database.
        condition |= Q(sha__gte=query.lower(), sha__lte=query.lower() + "g")
    if not condition or len(query) < UNMISTAKABLE_ID:
        condition |= _words(query)
    return condition or None


def _words(query: str) -> Q:
    condition = Q()
    for word in query.split()[:MAX_WORDS]:
        condition &= Q(message__icontains=word) | Q(author_name__icontains=word)
    return condition


def _chunks(shas: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(shas), IDS_AT_ONCE):
        yield shas[start : start + IDS_AT_ONCE]


def _commit(sha: str, parents: str, name: str, email: str, at: datetime | None, message: str) -> Commit:
    return Commit(sha, tuple(parents.split()), name, email, None, at, message)
