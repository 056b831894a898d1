"""A change is recognised under its other ids on other lines; what only looks alike is not."""

from __future__ import annotations

from itertools import count

from gitopsui.domain.commit import Commit
from gitopsui.domain.equivalence import Reason
from gitopsui.domain.graph import Graph
from gitopsui.domain.same_change import KeyKind, find_twins, keys_of, keys_sought

NUMBERS = count(1)
ADA = "ada@example.org"


def make(message: str, *parents: Commit, author: str = ADA) -> Commit:
    ids = tuple(parent.sha for parent in parents)
    return Commit(f"{next(NUMBERS):08x}" * 5, ids, "Ada", author, None, None, message)


def twins(change: Commit, *pool: Commit, patch_ids: dict[str, str] | None = None) -> dict[str, Reason]:
    """The reasons by id, with the history that the parents of the commits tell."""
    graph = Graph().append((one.sha, one.parents) for one in sorted(pool, key=lambda one: one.sha))

    def holds(one: str, other: str) -> bool:
        return graph.is_ancestor(graph.index(other), graph.index(one))

    found = find_twins(change, pool, holds=holds, patch_ids=patch_ids or {})
    return {pair.counterpart.sha: pair.reason for pair in found}


def test_a_fix_is_found_on_every_line_it_was_picked_to() -> None:
    root = make("start")
    fix = make("fix: charge once (#12)", root)
    one = make(f"fix: charge once (#13)\n\n(cherry picked from commit {fix.sha})", root)
    two = make("fix: charge once, again (cherry-pick #12 for 1.1) (#14)", root)
    assert twins(fix, root, fix, one, two) == {
        one.sha: Reason.PICKED_FROM,
        two.sha: Reason.PULL_REQUEST,
    }


def test_the_same_patch_and_the_same_title_by_the_same_author_are_the_same_change() -> None:
    root = make("start")
    fix, patch, title = (
        make("round per line", root),
        make("another title", root),
        make("Round per line", root),
    )
    ids = {fix.sha: "p1", patch.sha: "p1"}
    assert twins(fix, root, fix, patch, title, patch_ids=ids) == {
        patch.sha: Reason.SAME_PATCH,
        title.sha: Reason.SUBJECT,
    }
    by_another = make("Round per line", root, author="robot@example.org")
    assert twins(fix, root, fix, by_another) == {}


def test_what_was_taken_back_and_done_again_is_not_there_before() -> None:
    root = make("start")
    first = make("set the price (#5)", root)
    undone = make('Revert "set the price (#5)"', first)
    again = make(f"set the price (#5)\n\n(cherry picked from commit {first.sha})", undone)
    ids = {first.sha: "p", again.sha: "p"}
    assert twins(again, root, first, undone, again, patch_ids=ids) == {}


def test_a_number_that_two_commits_of_a_line_have_means_neither() -> None:
    root = make("start")
    fix = make("one part (#12)", root)
    part, other = make("that part here (#12)", root), None
    other = make("a second part here (#12)", part)
    assert twins(fix, root, fix, part, other) == {}


def test_a_merge_that_was_picked_as_a_whole_is_found_though_its_commits_have_its_number() -> None:
    root = make("start")
    part = make("the work (#12)", root)
    merge = make("Merge pull request #12 from x/y", root, part)
    pick = make("The work for 1.0 (cherry-pick #12)", root)
    assert twins(merge, root, part, merge, pick) == {pick.sha: Reason.PULL_REQUEST}


def test_what_is_sought_is_remembered_of_a_pick_even_of_a_shortened_id() -> None:
    fix = make("fix: charge once (#12)")
    for name in (fix.sha, fix.sha[:7], fix.sha[:12]):
        assert keys_of(f"something else\n\n(cherry picked from commit {name})") & keys_sought(fix)
    assert keys_of("backport of #12") & keys_sought(fix)
    assert not keys_of("wip") & keys_sought(make("wip"))
    assert {key.kind for key in keys_of(fix.message)} == {KeyKind.NUMBER, KeyKind.SUBJECT}
