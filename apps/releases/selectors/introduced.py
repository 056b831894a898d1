"""The releases that the changes of a comparison came with. Pure queries."""

from __future__ import annotations

from apps.environments.models import Component
from gitopsui.domain.graph import Graph
from gitopsui.domain.introduced import find_first_releases, needs_versions, with_versions
from gitopsui.domain.note_entry import Notes


def with_versions_of(component: Component, notes: Notes, graph: Graph, *, base: int, head: int) -> Notes:
    """
    The notes of what `head` has and `base` has not, with the release that what breaks came with first. One
    query, none where nothing breaks.
    """
    if not needs_versions(notes):
        return notes
    rows = component.releases.order_by("-position").values_list("version", "commit_sha", "is_prerelease")
    known = [(version, graph.find(sha), is_prerelease) for version, sha, is_prerelease in rows]
    releases = [(version, number, is_pre) for version, number, is_pre in known if number is not None]
    within = set(graph.between(base, head))
    before = graph.ancestors([base])
    found = find_first_releases(releases, within=within, before=before, parents=graph.parents)
    return with_versions(notes, {graph.sha(number): found.get(number, "") for number in within})
