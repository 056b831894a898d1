"""The deployment records tell what ran from when to when, and which commit asked for it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitopsui.domain.history import Deployment, Observation, deployments_of

START = datetime(2026, 8, 1, tzinfo=UTC)


def at(hour: int) -> datetime:
    return START + timedelta(hours=hour)


def git(hour: int, version: str, sha: str = "") -> Observation:
    return Observation(at(hour), version, "git", sha or f"sha{hour}", f"author{hour}")


def live(hour: int, version: str) -> Observation:
    return Observation(at(hour), version, "live")


def spans(observations: list[Observation]) -> list[tuple[str, int, int | None, str, str]]:
    """The records with hours for times, oldest first."""
    return [
        (d.version, _hour(d.from_at) or 0, _hour(d.to_at), d.sha, d.source)
        for d in reversed(deployments_of(observations))
    ]


def _hour(moment: datetime | None) -> int | None:
    return None if moment is None else int((moment - START) / timedelta(hours=1))


@pytest.mark.parametrize(
    ("observations", "expected"),
    [
        ([], []),
        ([git(1, "1")], [("1", 1, None, "sha1", "git")]),
        (
            [git(1, "1"), git(2, "1"), git(3, "2")],
            [("1", 1, 3, "sha1", "git"), ("2", 3, None, "sha3", "git")],
        ),
        (
            [git(3, "1"), git(1, "1"), git(2, "2")],
            [("1", 1, 2, "sha1", "git"), ("2", 2, 3, "sha2", "git"), ("1", 3, None, "sha3", "git")],
        ),
        ([live(1, "1"), live(2, "1")], [("1", 1, None, "", "live")]),
        ([git(1, "1"), git(2, "")], [("1", 1, 2, "sha1", "git")]),
        ([git(1, ""), git(2, "1")], [("1", 2, None, "sha2", "git")]),
        ([live(1, "1"), live(2, ""), live(3, "1")], [("1", 1, 2, "", "live"), ("1", 3, None, "", "live")]),
    ],
)
def test_equal_neighbours_are_one_record(
    observations: list[Observation], expected: list[tuple[str, int, int | None, str, str]]
) -> None:
    assert spans(observations) == expected


def test_the_cluster_says_when_and_git_says_which_commit() -> None:
    observations = [git(1, "1"), live(2, "1"), git(3, "2"), live(4, "1"), live(5, "2")]

    assert spans(observations) == [("1", 1, 5, "sha1", "live"), ("2", 5, None, "sha3", "live")]


def test_a_commit_that_was_never_rolled_out_makes_no_record() -> None:
    observations = [git(1, "1"), live(2, "1"), git(3, "2"), git(4, "3"), live(5, "3"), git(6, "4")]

    assert [version for version, *_ in spans(observations)] == ["1", "3"]


def test_a_roll_back_names_the_commit_that_asked_for_it() -> None:
    observations = [
        live(0, "0"),
        git(1, "1"),
        live(2, "1"),
        git(3, "2"),
        live(4, "2"),
        git(5, "1"),
        live(6, "1"),
    ]

    assert [sha for *_, sha, _ in spans(observations)] == ["", "sha1", "sha3", "sha5"]


def test_at_one_moment_the_cluster_wins() -> None:
    assert spans([live(1, "2"), git(1, "1")]) == [("2", 1, None, "", "live")]


def test_a_change_nobody_committed_has_no_commit() -> None:
    assert spans([git(1, "1"), live(2, "9")])[-1] == ("9", 2, None, "", "live")


def test_the_newest_record_comes_first_and_alone_is_open() -> None:
    newest, oldest = deployments_of([git(1, "1"), git(2, "2")])

    assert newest == Deployment("2", at(2), None, "sha2", "author2", "git")
    assert oldest.to_at == newest.from_at


@given(
    st.lists(
        st.builds(
            Observation,
            st.integers(0, 50).map(at),
            st.sampled_from(["", "1", "2", "3"]),
            st.sampled_from(["git", "live"]),
        )
    )
)
def test_records_never_overlap_and_only_the_last_is_open(observations: list[Observation]) -> None:
    records = deployments_of(observations)[::-1]

    assert all(record.to_at is not None and record.version for record in records[:-1])
    for earlier, later in pairwise(records):
        assert earlier.to_at is not None
        assert earlier.from_at <= earlier.to_at <= later.from_at
        assert (
            earlier.version != later.version
            or earlier.to_at < later.from_at
            or earlier.to_at == later.from_at
        )


def test_ten_thousand_observations_of_each_kind_are_read_in_one_pass() -> None:
    observations = [make(hour, str(hour % 7)) for hour in range(10_000) for make in (git, live)]

    assert len(deployments_of(observations)) == 10_000
