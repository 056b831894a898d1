"""Notes and rows of commits with where they lead: host, tracker, and the branch a commit stands on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from apps.environments.models import Component
from apps.releases.selectors.branches import name_branches
from apps.releases.selectors.comparison import MOST_ROWS, CommitLine
from apps.releases.selectors.links import host_links, links_of
from apps.repositories.selectors.commits import commits_by_id
from gitopsui.domain.notes import Notes, to_dict
from gitopsui.domain.references import without_pull_request


def linked_notes(component: Component, notes: Notes) -> dict[str, Any]:
    """The notes as data, with the links of each entry. Messages are only read for the ids of a tracker."""
    links, told = links_of(component), to_dict(notes)
    shas = [sha for section in told["sections"] for entry in section["entries"] for sha in entry["shas"]]
    is_read = links.tracker is not None and component.source is not None
    return links.add_to(told, commits_by_id(component.source, shas) if is_read and component.source else ())


def with_addresses(component: Component, lines: Iterable[CommitLine]) -> list[CommitLine]:
    """
    Lines with the addresses of their commits and pull requests; the number itself leaves the text, since it
    stands beside it. No query.
    """
    links = host_links(component)
    return [
        replace(
            line,
            text=without_pull_request(line.text) if line.pull_request else line.text,
            url=links.commit(line.sha),
            pull_request_url=links.pull_request(line.pull_request),
            twin_url=links.commit(line.twin) if line.twin else "",
        )
        for line in lines
    ]


def with_branches(component: Component, *lists: list[CommitLine]) -> list[list[CommitLine]]:
    """
    Lists of lines, the first rows of each with the branch the commit stands on; where it has a twin, that
    of the twin. Three queries.
    """
    if component.source is None or not any(lists):
        return list(lists)
    shown = {line.twin or line.sha for lines in lists for line in lines[:MOST_ROWS]}
    branches = name_branches(component.source, shown)
    return [
        [replace(line, branch=branches.get(line.twin or line.sha, "")) for line in lines] for lines in lists
    ]
