"""What is asked of the stored history is answered from the database, as Git would."""

from __future__ import annotations

from typing import Any

import pytest

from apps.repositories import services
from apps.repositories.selectors import commits as selectors
from gitopsui.domain.graph import UnknownCommit
from tests.apps.repositories.conftest import Stored


@pytest.fixture
def line(stored: Stored) -> list[str]:
    """Three commits on main, the second tagged v1, and one on the side of the first."""
    seed = stored.seed
    made = [seed.commit({"a": "1"}, "feat: till (#12)", author="Ada <ada@example.org>")]
    made.append(seed.commit({"a": "2"}, "fix: drawer sticks (#13)", author="Bob <bob@example.org>"))
    seed.tag("v1", made[1], message="m")
    made.append(seed.commit({"a": "3"}, "docs: 100% of the drawer"))
    made.append(seed.commit({"b": "1"}, "fix: on the side", branch="side", parents=[made[0]]))
    stored.store()
    return made


class TestRanges:
    def test_hold_the_commits_newest_first(self, stored: Stored, line: list[str]) -> None:
        found = selectors.commits_between(stored.row, line[0], line[2])
        assert [commit.sha for commit in found] == [line[2], line[1]]
        logged = stored.git.log(line[2], exclude=line[0])
        assert found == [commit._replace(authored_at=None) for commit in logged]

    def test_leave_out_what_the_other_side_has(self, stored: Stored, line: list[str]) -> None:
        assert [commit.sha for commit in selectors.commits_between(stored.row, line[2], line[3])] == [line[3]]

    def test_without_a_base_hold_everything(self, stored: Stored, line: list[str]) -> None:
        found = selectors.commits_between(stored.row, None, line[2])
        assert [commit.sha for commit in found] == line[2::-1]

    def test_can_leave_merges_out(self, stored: Stored, line: list[str]) -> None:
        merge = stored.seed.commit({"b": "1"}, parents=[line[2], line[3]])
        stored.store()
        with_merges = selectors.commits_between(stored.row, line[1], merge)
        without = selectors.commits_between(stored.row, line[1], merge, no_merges=True)
        assert {commit.sha for commit in with_merges} - {commit.sha for commit in without} == {merge}

    def test_of_a_commit_that_is_not_stored_are_refused(self, stored: Stored, line: list[str]) -> None:
        with pytest.raises(UnknownCommit):
            selectors.commits_between(stored.row, line[0], "e" * 40)

    def test_cost_three_questions_and_then_two(
        self, stored: Stored, line: list[str], django_assert_num_queries: Any
    ) -> None:
        stored.seed.commit(message="known to no other test")
        stored.store()
        with django_assert_num_queries(3):
            selectors.commits_between(stored.row, line[0], line[2])
        with django_assert_num_queries(2):
            selectors.commits_between(stored.row, line[0], line[2])

    def test_grow_with_the_repository(self, stored: Stored, line: list[str]) -> None:
        selectors.graph_of(stored.row)
        newest = stored.seed.commit()
        stored.store()
        assert [commit.sha for commit in selectors.commits_between(stored.row, line[2], newest)] == [newest]


class TestFinding:
    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            ("#12", [0]),
            ("13", [1]),
            ("!13", [1]),
            ("PR 12", [0]),
            ("#14", []),
            ("@ada", [0]),
            ("author: bob@example", [1]),
            ("drawer", [2, 1]),
            ("STICKS drawer", [1]),
            ("bob", [1]),
            ("100%", [2]),
            ("%", [2]),
            ("nothing of it", []),
            ("", []),
            ("   ", []),
            ("\x00", []),
        ],
    )
    def test_answers_with_the_commits_meant(
        self, stored: Stored, line: list[str], query: str, expected: list[int]
    ) -> None:
        found = selectors.find_commits(stored.row, query)
        assert [commit.sha for commit in found] == [line[number] for number in expected]

    def test_takes_the_beginning_of_an_id(self, stored: Stored, line: list[str]) -> None:
        for query in (line[1][:8], line[1][:8].upper(), line[1]):
            assert [commit.sha for commit in selectors.find_commits(stored.row, query)] == [line[1]]

    def test_stops_at_the_limit(self, stored: Stored, line: list[str]) -> None:
        assert len(selectors.find_commits(stored.row, "drawer", limit=1)) == 1


class TestFacts:
    def test_patch_ids_and_signatures_are_those_that_are_known(self, stored: Stored, line: list[str]) -> None:
        assert selectors.patch_ids_of(stored.row, line) == {}
        assert selectors.signatures_of(stored.row, line) == {}
        services.read_patches(stored.row, git=stored.git)
        assert selectors.patch_ids_of(stored.row, line) == stored.git.patch_ids(line)
        assert set(selectors.signatures_of(stored.row, line).values()) == {"unsigned"}

    def test_a_repository_without_commits_has_an_empty_graph(self, stored: Stored) -> None:
        assert len(selectors.graph_of(stored.row)) == 0
        assert not selectors.has_whole_history(stored.row)
