"""A whole history is told once: each commit under the lowest version that holds it."""

from __future__ import annotations

from gitopsui.domain.changelog import (
    build_release,
    children_first,
    pick_family,
    split_by_release,
)
from gitopsui.domain.commit import Commit
from gitopsui.domain.version import Tag, parse_tag


def commit(sha: str, *parents: str) -> Commit:
    return Commit(sha, parents, "Ada", "ada@example.org", None, None, f"fix: {sha}")


def tags(**shas: str) -> dict[Tag, str]:
    found = {parse_tag(name.replace("_", ".")): sha for name, sha in shas.items()}
    return {tag: sha for tag, sha in found.items() if tag}


# main: a - b - c - d, beside it x - y from b
HISTORY = [
    commit("y", "x"),
    commit("x", "b"),
    commit("d", "c"),
    commit("c", "b"),
    commit("b", "a"),
    commit("a"),
]


def names(parts: dict[Tag, str]) -> list[tuple[str, list[str]]]:
    return [
        (part.tag.raw if part.tag else "", [each.sha for each in part.commits])
        for part in split_by_release(HISTORY, parts)
    ]


def test_each_commit_is_under_the_lowest_version_that_holds_it() -> None:
    assert names(tags(v1_0_0="a", v1_0_1="y", v1_1_0="c")) == [
        ("", ["d"]),
        ("v1.1.0", ["c"]),
        ("v1.0.1", ["y", "x", "b"]),
        ("v1.0.0", ["a"]),
    ]


def test_a_second_tag_of_one_commit_keeps_its_heading() -> None:
    assert names(tags(v1_0_0="d", v1_0_1="d")) == [
        ("", ["y", "x"]),
        ("v1.0.1", []),
        ("v1.0.0", ["d", "c", "b", "a"]),
    ]


def test_nothing_unreleased_has_no_heading() -> None:
    assert [name for name, _ in names(tags(v1_0_0="d", v1_0_1="y"))] == ["v1.0.1", "v1.0.0"]


def test_without_tags_everything_is_unreleased() -> None:
    [notes] = map(build_release, split_by_release(HISTORY, {}))

    assert (notes.head, notes.base, notes.commit_count) == ("Unreleased", "", 6)


def test_only_the_oldest_release_is_everything_so_far() -> None:
    newest, oldest = map(build_release, split_by_release(HISTORY, tags(v1_0_0="d", v1_0_1="y")))

    assert (newest.head, bool(newest.base)) == ("v1.0.1", True)
    assert (oldest.head, oldest.base) == ("v1.0.0", "")


def test_the_headings_are_the_versions_of_the_component_with_most_tags() -> None:
    given = [parse_tag(raw) for raw in ("cart/v1.0.0", "v1.0.0", "1.1.0", "v1.2.0", "cart/v1.1.0", "latest")]

    assert [tag.raw for tag in pick_family(filter(None, given))] == ["v1.2.0", "1.1.0", "v1.0.0"]
    assert pick_family([]) == []


def test_what_neither_the_head_nor_a_release_holds_is_left_out() -> None:
    parts = split_by_release(HISTORY, tags(v1_0_0="a"), head="d")

    assert [[each.sha for each in part.commits] for part in parts] == [["d", "c", "b"], ["a"]]


def test_a_history_in_order_stays_as_it_is() -> None:
    assert children_first(HISTORY) is HISTORY


def test_a_parent_with_a_clock_before_its_time_waits_for_its_children() -> None:
    wrong = [HISTORY[place] for place in (4, 0, 1, 2, 3, 5)]

    found = [each.sha for each in children_first(wrong)]

    assert sorted(found) == sorted(each.sha for each in HISTORY)
    for each in HISTORY:
        assert all(found.index(each.sha) < found.index(parent) for parent in each.parents)
