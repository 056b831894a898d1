"""What is on two lines is found once, for a reason that is named; what only looks alike is not."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count

import pytest

from gitopsui.domain.commit import Commit
from gitopsui.domain.equivalence import (
    Equivalence,
    Reason,
    match,
    normalise_subject,
    pull_requests_of,
)

NUMBERS = count(1)
PARENT = ("0" * 40,)


def make(message: str, *, author: str = "ada@example.org", parents: tuple[str, ...] = PARENT) -> Commit:
    return Commit(f"{next(NUMBERS):040x}", parents, "Ada", author, None, None, message)


def compare(
    incoming: list[Commit], present: list[Commit], patch_ids: Mapping[str, str] | None = None
) -> Equivalence:
    return match(incoming, present, patch_ids=patch_ids or {})


def reason_of(one: Commit, other: Commit, patch_ids: Mapping[str, str] | None = None) -> Reason | None:
    found = compare([one], [other], patch_ids)
    assert len(found.new) + len(found.already) == 1
    assert len(found.lost) == (0 if found.already else 1)
    return found.already[0].reason if found.already else None


class TestReasons:
    def test_the_same_commit_is_there(self) -> None:
        commit = make("fix: x")
        assert reason_of(commit, commit) is Reason.SAME_ID

    def test_one_was_picked_from_the_other_in_either_direction(self) -> None:
        origin = make("fix: the till")
        pick = make(f"fix: till on 3.4\n\n(cherry picked from commit {origin.sha})")
        assert reason_of(origin, pick) is Reason.PICKED_FROM
        assert reason_of(pick, origin) is Reason.PICKED_FROM

    def test_both_were_picked_from_a_third(self) -> None:
        text = f"\n\n(cherry picked from commit {'e' * 40})"
        assert reason_of(make("one" + text), make("other" + text)) is Reason.PICKED_FROM

    def test_an_id_may_be_shortened(self) -> None:
        origin = Commit("fedcba9" + "1" * 33, PARENT, "Ada", "", None, None, "fix: the till")
        pick = make("fix: y\n\n(cherry picked from commit fedcba9)")
        assert reason_of(origin, pick) is Reason.PICKED_FROM
        assert reason_of(pick, origin) is Reason.PICKED_FROM

    def test_the_same_patch_is_the_same_change(self) -> None:
        one, other = make("fix: x"), make("something else")
        assert reason_of(one, other, {one.sha: "p", other.sha: "p"}) is Reason.SAME_PATCH

    def test_a_patch_that_is_not_known_pairs_nothing(self) -> None:
        one, other = make("fix: x"), make("something else")
        assert reason_of(one, other, {one.sha: "", other.sha: ""}) is None

    @pytest.mark.parametrize(
        "message",
        [
            "fix: sums of carts (cherry-pick #12 for 3.4) (#34)",
            "fix: other words (#12) (#34)",
            "Automated cherry pick of #12: Fix sums",
            "Merge branch 'automated-cherry-pick-of-#12-upstream-release-1.2'",
            "Merge pull request #34 from bot/cherry-pick-12-to-release-3.4",
            "chore: manual backport of 12 to release-1.10 (#34)",
            "fix: several things (3.4 backports of #99 and #12) (#34)",
            "chore: pick (cherry-pick 12 to 3.4) (#34)",
            "[release-3.4] fix (backport #12)",
        ],
    )
    def test_both_name_one_pull_request(self, message: str) -> None:
        assert reason_of(make("fix: a till that jams (#12)"), make(message)) is Reason.PULL_REQUEST

    def test_one_backport_may_stand_for_several(self) -> None:
        incoming = [make("fix: a till that jams (#12)"), make("fix: a drawer that sticks (#13)")]
        found = compare(incoming, [make("fix: both (cherry-pick #12 and #13) (#34)")])
        assert [pair.commit for pair in found.already] == incoming
        assert found.lost == ()

    def test_the_same_title_of_the_same_author(self) -> None:
        one = make("Make the till open again", author="Ada@example.org")
        other = make("[release-1.2] make the till  open again.")
        assert reason_of(one, other) is Reason.SUBJECT

    def test_the_same_title_of_the_same_type_and_scope(self) -> None:
        one, other = make("fix(till): open again"), make("fix(till): open again (#9)", author="bot@x.org")
        assert reason_of(one, other) is Reason.SUBJECT

    def test_the_strongest_speaks(self) -> None:
        one = make("fix(till): open again (#12)")
        other = make("fix(till): open again (cherry-pick #12)")
        assert reason_of(one, other, {one.sha: "p", other.sha: "p"}) is Reason.SAME_PATCH

    def test_each_has_words_for_the_reader(self) -> None:
        assert all(reason.words for reason in Reason)


class TestOnlyAlike:
    def test_the_title_alone_is_not_enough(self) -> None:
        assert reason_of(make("Make it work again"), make("Make it work again", author="bob@x.org")) is None

    @pytest.mark.parametrize("title", ["fix", "wip", "", "Merge commit from fork", "update"])
    def test_a_title_that_says_nothing_pairs_nothing(self, title: str) -> None:
        assert reason_of(make(title), make(title)) is None

    def test_updates_that_repeat_pair_nothing(self) -> None:
        title = "chore(deps): bump the minor group with 2 updates"
        found = compare([make(title), make(title)], [make(title)])
        assert (len(found.new), len(found.already), len(found.lost)) == (2, 0, 1)

    def test_updates_to_different_versions_are_different(self) -> None:
        one, other = make("chore(deps): bump x from 1.0 to 1.1"), make("chore(deps): bump x from 1.0 to 1.2")
        assert reason_of(one, other) is None

    def test_a_revert_is_not_what_it_takes_back(self) -> None:
        fix = make("fix(till): open again (#12)")
        assert reason_of(fix, make('Revert "fix(till): open again (cherry-pick #12)" (#20)')) is None
        assert reason_of(fix, make('Revert "fix(till): open again (#12)"\n\nReverts shop/cart#12')) is None

    def test_a_number_several_carry_pairs_nothing(self) -> None:
        incoming = [make("fix: part one of it (#12)"), make("fix: part two of it (#12)")]
        assert compare(incoming, [make("fix: whole (cherry-pick #12)")]).already == ()


class TestSides:
    def test_nothing_is_counted_twice_or_dropped(self) -> None:
        incoming = [
            make("fix: a till that jams (#12)"),
            make("feat: new drawer"),
            make("docs: how to open it"),
        ]
        present = [make("fix: till (cherry-pick #12)"), make("fix: only here")]
        found = compare(incoming, present)
        assert found.new == tuple(incoming[1:])
        assert [(pair.commit, pair.counterpart) for pair in found.already] == [(incoming[0], present[0])]
        assert found.lost == (present[1],)

    def test_merges_are_left_out(self) -> None:
        merge = make("Merge branch 'x'", parents=("1" * 40, "2" * 40))
        assert compare([merge], [merge]) == Equivalence()

    def test_a_commit_is_used_once_by_what_is_weak(self) -> None:
        incoming = [make("fix: the till opens (#12)"), make("fix(x): the drawer opens")]
        present = [make("fix(x): the drawer opens (cherry-pick #12)")]
        found = compare(incoming, present)
        assert [pair.reason for pair in found.already] == [Reason.PULL_REQUEST]
        assert found.new == (incoming[1],)

    def test_nothing_on_either_side_is_nothing(self) -> None:
        assert compare([], []) == Equivalence()


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("Fix  the till. (#12)", "fix the till"),
        ("fix: x (cherry-pick #12 for 3.4) (#13)", "fix: x"),
        ("[release-3.4] fix: x", "fix: x"),
        ("[Backport 1.x] fix: x (#1)", "fix: x"),
        ("chore(backport release-1.10): fix: x (#6438)", "fix: x"),
        ("Automated cherry pick of #12: fix x", "fix x"),
        ("fix: x (release-3.4)", "fix: x"),
        ("[ui] fix: x (again)", "[ui] fix: x (again)"),
        ("(" * 20_000, "(" * 300),
    ],
)
def test_a_title_loses_what_a_backport_adds(subject: str, expected: str) -> None:
    assert normalise_subject(subject) == expected


@pytest.mark.parametrize(
    ("message", "numbers"),
    [
        ("fix: x", set()),
        ("fix: x (#5)", {5}),
        ("fix: x, closes #5", set()),
        ("backport 3.4 to main", set()),
        ("fix: x (#5) (#6)", {5, 6}),
        ("cherry-pick " + "#1 and " * 5_000, set(range(1, 2))),
    ],
)
def test_only_pull_requests_are_read_from_a_message(message: str, numbers: set[int]) -> None:
    assert pull_requests_of(message) == numbers
