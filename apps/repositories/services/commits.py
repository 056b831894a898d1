"""
The history of a repository is stored: each commit once, and how they descend from each other.

Rows are stored in portions, parents before children, and the graph behind them whenever it has grown by a
quarter. A run that is killed goes on from the last graph and passes over the rows that are there; one that is
repeated finds nothing left to do.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

from django.db import transaction
from django.utils import timezone

from apps.core import jobs
from apps.repositories.models import (
    ADDRESS_LIMIT,
    COMMITS,
    PATCHES,
    PERSON_LIMIT,
    SUBJECT_LIMIT,
    CommitGraph,
    CommitKey,
    Repository,
    StoredCommit,
)
from gitopsui.adapters.git_history import History, LoggedCommit
from gitopsui.domain.commit import parse_message
from gitopsui.domain.graph import Graph, decode
from gitopsui.domain.mask_text import mask_text
from gitopsui.domain.same_change import keys_of
from gitopsui.domain.text import clean_text

PORTION = 1_000  # commits
ROWS_AT_ONCE = 500
Report = Callable[[int, int, str], None]


def watch_commits(repository: Repository) -> None:
    """Have the commits stored when the refs are others than those whose history is stored."""
    stored = CommitGraph.objects.filter(repository=repository).values_list("refs_digest", flat=True).first()
    if stored != repository.refs_digest:
        _make_due(COMMITS, repository)


def store_commits(repository: Repository, *, git: History, report: Report | None = None) -> int:
    """
    Bring the stored commits level with the mirror; how many were added.

    Raises GIT_REFUSED where a part of the history is missing. What no branch, tag or kept head leads to
    any more is forgotten.
    """
    git.check_whole()
    # Asked before the history is read: what arrives meanwhile is found by the next run.
    refs_digest, graph = repository.refs_digest, read_graph(repository)
    known = graph
    heads = [graph.sha(number) for number in graph.heads()]
    fresh = (each for each in git.stream_log(exclude=heads) if each.commit.sha not in known)
    for graph in _grown(repository, known, fresh, report):
        _save_graph(repository, graph)
    _settle(repository, _without_unreachable(graph, git.tips()), refs_digest)
    if StoredCommit.objects.filter(StoredCommit.unread(), repository=repository).exists():
        _make_due(PATCHES, repository)
    return len(graph) - len(known)


def _make_due(kind: str, repository: Repository) -> None:
    jobs.schedule(kind, repository.pk, label=repository.name, group=repository.host)
    jobs.make_due(kind, [repository.pk])


def read_graph(repository: Repository) -> Graph:
    """The stored graph; built again from the rows when another version wrote it."""
    row = CommitGraph.objects.filter(repository=repository).first()
    if row is None:
        return Graph()
    try:
        return decode(bytes(row.blob))
    except ValueError:
        rows = repository.commits.order_by("pk").values_list("sha", "parents").iterator(chunk_size=2000)
        return Graph().append((sha, parents.split()) for sha, parents in rows)


def _grown(
    repository: Repository, graph: Graph, commits: Iterator[LoggedCommit], report: Report | None
) -> Iterator[Graph]:
    """The graph with more and more of the commits, whose rows are stored by then."""
    while True:
        # By a quarter: writing it down after each portion would take ever longer.
        step = islice(commits, max(PORTION, len(graph) // 4))
        grown = graph.append(_stored(repository, graph, step, report))
        if len(grown) == len(graph):
            return
        graph = grown
        yield graph


def _stored(
    repository: Repository, graph: Graph, commits: Iterator[LoggedCommit], report: Report | None
) -> Iterator[tuple[str, Sequence[str]]]:
    """Ids and parents of the commits, each portion after its rows are stored."""
    done = len(graph)
    while portion := list(islice(commits, PORTION)):
        rows = [_row(repository, logged) for logged in portion]
        keys = [key for row in rows for key in _keys(row)]
        # A run before this one, or beside it, may have stored some of them.
        StoredCommit.objects.bulk_create(rows, batch_size=ROWS_AT_ONCE, ignore_conflicts=True)
        CommitKey.objects.bulk_create(keys, batch_size=ROWS_AT_ONCE, ignore_conflicts=True)
        yield from ((logged.commit.sha, logged.commit.parents) for logged in portion)
        done += len(portion)
        if report is not None:
            report(done, 0, f"{done:,} commits stored")


def _row(repository: Repository, logged: LoggedCommit) -> StoredCommit:
    commit = logged.commit
    is_merge = len(commit.parents) > 1
    # Somebody may have committed a token in a message; pages and backups must not carry it on.
    message = mask_text(clean_text(commit.message))
    return StoredCommit(
        repository=repository,
        sha=commit.sha,
        parents=" ".join(commit.parents),
        author_name=clean_text(commit.author_name, limit=PERSON_LIMIT),
        author_email=clean_text(commit.author_email, limit=ADDRESS_LIMIT),
        authored_at=commit.authored_at,
        committer_name=clean_text(logged.committer_name, limit=PERSON_LIMIT),
        committer_email=clean_text(logged.committer_email, limit=ADDRESS_LIMIT),
        committed_at=commit.committed_at,
        subject=clean_text(message.strip().partition("\n")[0].rstrip(), limit=SUBJECT_LIMIT),
        message=message,
        is_cut=logged.is_cut,
        is_merge=is_merge,
        pull_request=parse_message(commit.message).pull_request,
        patch_id=StoredCommit.NO_PATCH if is_merge else "",
    )


def _keys(row: StoredCommit) -> list[CommitKey]:
    """Of the message as it is stored: what is looked up later is made of that one."""
    return [
        CommitKey(repository_id=row.repository_id, kind=key.kind, value=key.value, sha=row.sha)
        for key in sorted(keys_of(row.message))
    ]


def _save_graph(repository: Repository, graph: Graph, **changes: str) -> None:
    blob = graph.encode()
    CommitGraph.objects.update_or_create(
        repository=repository,
        defaults={
            "blob": blob,
            "digest": hashlib.sha256(blob).hexdigest(),
            "commit_count": len(graph),
            "stored_at": timezone.now(),
            **changes,
        },
    )


def _without_unreachable(graph: Graph, tips: Iterable[str]) -> Graph:
    """A commit without children is only reached when something stands at it itself."""
    held = {number for number in map(graph.find, tips) if number is not None}
    return graph if held.issuperset(graph.heads()) else graph.keep(held)


@transaction.atomic
def _settle(repository: Repository, graph: Graph, refs_digest: str) -> None:
    """
    Forget the rows that are not in the graph, and write down that it is whole. Where rows are missing, as
    two runs side by side may leave it, the next run begins anew.
    """
    if repository.commits.count() > len(graph):
        gone = [sha for sha in repository.commits.values_list("sha", flat=True) if sha not in graph]
        for start in range(0, len(gone), ROWS_AT_ONCE):
            some = gone[start : start + ROWS_AT_ONCE]
            repository.commits.filter(sha__in=some).delete()
            repository.commit_keys.filter(sha__in=some).delete()
    if repository.commits.count() < len(graph):
        graph, refs_digest = Graph(), ""
    _save_graph(repository, graph, refs_digest=refs_digest)
