"""On which branch of its repository a commit stands."""

from __future__ import annotations

from collections.abc import Iterable

from apps.repositories.models import Repository
from apps.repositories.selectors.commits import graph_of
from gitopsui.domain.graph import Graph

MOST_BRANCHES = 300


def name_branches(repository: Repository, shas: Iterable[str], graph: Graph | None = None) -> dict[str, str]:
    """
    A branch of each of these commits, by id: the watched one, else one that is called a release, else the
    shortest name. Those that stand on none are left out. One query.
    """
    graph = graph or graph_of(repository)
    places = {sha: number for sha in shas if (number := graph.find(sha)) is not None}
    if not places:
        return {}
    marks = graph.marks_of(list(places.values()))
    found: dict[str, str] = {}
    for name, tip in _tips(repository):
        number = graph.find(tip)
        held = marks[number] if number is not None else 0
        for place, sha in enumerate(places):
            if held >> place & 1:
                found.setdefault(sha, name)
    return found


def _tips(repository: Repository) -> list[tuple[str, str]]:
    """Names and commits of the branches, those that say the most first."""
    watched = repository.watched_branch.removeprefix("refs/heads/")
    live = repository.revisions.filter(kind="branch", gone_at=None).exclude(commit_sha="")
    rows = list(live.order_by("-seen_at", "name").values_list("short", "commit_sha")[:MOST_BRANCHES])
    return sorted(
        rows, key=lambda row: (row[0] != watched, not row[0].startswith("release"), len(row[0]), row[0])
    )
