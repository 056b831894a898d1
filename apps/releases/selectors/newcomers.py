"""Who contributes for the first time between two commits, from the stored commits. Pure queries."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db.models import Min, Q, QuerySet

from apps.repositories.models import Repository, StoredCommit
from apps.repositories.selectors.commits import graph_of
from gitopsui.domain.commit import Commit
from gitopsui.domain.newcomers import Known, find_first_commits, keys_of

MOST_PEOPLE = 400  # of one range; whoever has more is told without
MOST_COMMITS = 5_000  # of those who may be new


def find_firsts(repository: Repository, commits: Sequence[Commit], base_sha: str) -> set[str]:
    """
    The ids of the commits, newest first, whose authors have none in the history of `base_sha`.

    None where there is nothing before, or where it is not stored yet. A query by address tells who was
    there before; of those who are left, names count too.
    """
    graph = graph_of(repository)
    base = graph.find(base_sha) if base_sha else None
    pairs = {(commit.author_name, commit.author_email) for commit in commits}
    if base is None or not pairs or len(pairs) > MOST_PEOPLE:
        return set()
    before = graph.ancestors([base])

    def known_from(rows: Iterable[tuple[str, str, str]]) -> Known:
        numbered = [(name, email, graph.find(sha)) for sha, name, email in rows]
        return {key for name, email, number in numbered if number in before for key in keys_of(name, email)}

    known = known_from(_earliest(repository.commits.all(), {email for _, email in pairs}))
    left = find_first_commits(commits, set(known))
    if left:
        known |= known_from(_all_of(repository.commits.all(), left))
    return {commit.sha for commit in find_first_commits(commits, known)}


def _earliest(stored: QuerySet[StoredCommit], emails: set[str]) -> list[tuple[str, str, str]]:
    """Id, name and address of the first commit of each address; parents are stored before their children."""
    first = stored.filter(author_email__in=emails).values("author_email").annotate(first=Min("pk"))
    rows = StoredCommit.objects.filter(pk__in=first.values("first"))
    return list(rows.values_list("sha", "author_name", "author_email"))


def _all_of(stored: QuerySet[StoredCommit], people: Sequence[Commit]) -> list[tuple[str, str, str]]:
    names, emails = ({one.author_name for one in people}, {one.author_email for one in people})
    rows = stored.filter(Q(author_email__in=emails) | Q(author_name__in=names)).order_by("pk")
    return list(rows.values_list("sha", "author_name", "author_email")[:MOST_COMMITS])
