"""What promotions ask of a forge, asked of each: a stand-in always, a real one where there is one."""

from __future__ import annotations

import time

import pytest

from gitopsui.adapters.forge.base import CommitStatus, MergeAnswer, MergeOutcome, PullRequest, PullState
from gitopsui.domain.errors import ForgeError
from tests.contracts.forge.conftest import BOT, READER, STRANGER, Bench

BRANCH = "gitopsui/promote/7"
BODY = "| what | from | to |\n|---|---|---|\n| cart | 1 | 2 |"


def opened(bench: Bench, *, path: str = "cart.yaml", text: str = "version: 2\n") -> PullRequest:
    """A branch with one commit, and its pull request as the forge has it."""
    sha = bench.driver.write(BRANCH, path, text)
    bench.adapter.create(head=BRANCH, base="main", title="cart: 1 to 2", body=BODY)
    (found,) = bench.adapter.find(BRANCH)
    assert found.head_sha == sha
    return found  # type: ignore[no-any-return]


def merge(bench: Bench, pull: PullRequest, sha: str = "", times: int = 20) -> MergeAnswer:
    """As often as the forge says that it still works out whether it can."""
    for _ in range(times):
        answer: MergeAnswer = bench.adapter.merge(
            pull.number, head_sha=sha or pull.head_sha, title="cart: 1 to 2", message="Because"
        )
        if answer.outcome is not MergeOutcome.LATER:
            return answer
        time.sleep(0.5)
    return answer


def test_the_token_may_do_what_is_needed(bench: Bench) -> None:
    found = bench.adapter.check()
    assert (found.name, found.may_write, found.problem) == (bench.driver.path, True, "")
    assert found.url.endswith(bench.driver.path)


def test_nothing_is_found_for_a_branch_without_a_pull_request(bench: Bench) -> None:
    assert bench.adapter.find(BRANCH) == []


def test_what_is_opened_is_found_by_its_branch_and_seen_by_others(bench: Bench) -> None:
    pull = opened(bench)
    assert (pull.state, pull.base_branch, pull.title) == (PullState.OPEN, "main", "cart: 1 to 2")
    assert pull.url.startswith("http")
    assert bench.driver.titles() == ["cart: 1 to 2"]
    assert bench.driver.body(pull.number) == BODY
    assert bench.adapter.get(pull.number).head_sha == pull.head_sha


def test_opening_it_twice_opens_one(bench: Bench) -> None:
    pull = opened(bench)
    bench.adapter.create(head=BRANCH, base="main", title="cart: 1 to 2", body=BODY)
    assert [one.number for one in bench.adapter.find(BRANCH)] == [pull.number]


def test_one_that_somebody_opened_by_hand_is_found_too(bench: Bench) -> None:
    bench.driver.write(BRANCH, "cart.yaml", "version: 2\n")
    bench.driver.open_by_hand(BRANCH, "By hand")
    assert [one.title for one in bench.adapter.find(BRANCH)] == ["By hand"]


def test_a_branch_that_is_not_there_opens_nothing(bench: Bench) -> None:
    with pytest.raises(ForgeError):
        bench.adapter.create(head="nowhere", base="main", title="x", body="")
    assert bench.driver.titles() == []


def test_it_is_merged_once_and_the_base_has_it(bench: Bench) -> None:
    pull = opened(bench)
    assert merge(bench, pull).outcome is MergeOutcome.ASKED
    found = bench.adapter.get(pull.number)
    assert found.state is PullState.MERGED
    assert found.merge_sha == bench.driver.tip("main")
    assert found.at is not None
    again = merge(bench, pull)
    assert again.outcome is not MergeOutcome.ASKED or bench.driver.tip("main") == found.merge_sha
    assert bench.driver.tip("main") == found.merge_sha


def test_a_head_that_moved_is_not_merged(bench: Bench) -> None:
    pull = opened(bench)
    newer = bench.driver.write(BRANCH, "other.yaml", "a: 1\n")
    before = bench.driver.tip("main")
    assert merge(bench, pull).outcome is MergeOutcome.MOVED
    assert bench.driver.tip("main") == before
    assert bench.adapter.get(pull.number).head_sha == newer


def test_a_conflict_is_told_from_a_check_under_way(bench: Bench) -> None:
    pull = opened(bench)
    bench.driver.write("main", "cart.yaml", "version: 3\n")
    outcome = merge(bench, pull, times=4).outcome
    if bench.kind == "gitea":
        # It says the same of both, so it is never believed that it is a conflict: our own mirror knows.
        assert (outcome, bench.adapter.get(pull.number).is_mergeable) == (MergeOutcome.LATER, None)
    else:
        assert outcome is MergeOutcome.CONFLICT


def test_a_rule_that_is_not_met_is_no_conflict(bench: Bench) -> None:
    pull = opened(bench)
    bench.driver.block(pull.number)
    answer = merge(bench, pull)
    assert answer.outcome is MergeOutcome.REFUSED
    assert answer.reason


def test_merged_by_hand_is_read_as_merged_and_by_whom(bench: Bench) -> None:
    pull = opened(bench)
    bench.driver.merge_by_hand(pull.number)
    found = bench.adapter.get(pull.number)
    assert found.state is PullState.MERGED
    assert found.acted_by


def test_closed_by_hand_is_read_as_closed_and_still_found(bench: Bench) -> None:
    pull = opened(bench)
    bench.driver.close_by_hand(pull.number)
    assert bench.adapter.get(pull.number).state is PullState.CLOSED
    assert [one.state for one in bench.adapter.find(BRANCH)] == [PullState.CLOSED]


def test_a_merged_one_is_found_after_its_branch_is_gone(bench: Bench) -> None:
    pull = opened(bench)
    bench.driver.merge_by_hand(pull.number)
    bench.driver.delete_branch(BRANCH)
    (found,) = bench.adapter.find(BRANCH)
    assert (found.state, found.head_sha) == (PullState.MERGED, pull.head_sha)


def test_closing_is_seen_by_others_and_twice_is_once(bench: Bench) -> None:
    pull = opened(bench)
    bench.adapter.close(pull.number)
    bench.adapter.close(pull.number)
    assert bench.driver.titles() == []


def test_title_body_and_comment_arrive_as_they_are(bench: Bench) -> None:
    pull = opened(bench)
    bench.adapter.update(pull.number, title="cart: 1 to 3", body="New *body* <b>")
    bench.adapter.comment(pull.number, "It waits for `checks`.")
    assert bench.driver.titles() == ["cart: 1 to 3"]
    assert bench.driver.body(pull.number) == "New *body* <b>"
    assert bench.driver.comments(pull.number) == ["It waits for `checks`."]


def test_labels_are_set_whether_they_were_there_or_not_and_twice_is_once(bench: Bench) -> None:
    names = ["gitopsui", "into production"]
    for branch in (BRANCH, "gitopsui/promote/8"):
        bench.driver.write(branch, f"{branch[-1]}.yaml", "version: 2\n")
        bench.adapter.create(head=branch, base="main", title="cart: 1 to 2", body=BODY, labels=names)
        (pull,) = bench.adapter.find(branch)
        for _ in range(2):
            bench.adapter.add_labels(pull.number, names)
        assert bench.driver.labels(pull.number) == names


def test_statuses_go_both_ways_and_the_last_counts(bench: Bench) -> None:
    pull = opened(bench)
    for state in ("pending", "pending", "success"):
        bench.adapter.set_status(pull.head_sha, CommitStatus("gitopsui/approvals", state, "1 of 1"))
    bench.driver.set_status(pull.head_sha, "ci/build", "failure")
    assert bench.driver.statuses(pull.head_sha)["gitopsui/approvals"] == "success"
    found = {one.name: one.state for one in bench.adapter.list_checks(pull.head_sha)}
    assert found == {"gitopsui/approvals": "success", "ci/build": "failure"}


def test_an_approval_names_the_person_and_the_commit(bench: Bench) -> None:
    if not bench.driver.place.other_token:
        pytest.skip(f"GITOPSUI_TEST_{bench.kind.upper()}_OTHER_TOKEN names no second account")
    pull = opened(bench)
    name = bench.driver.approve(pull.number)
    (review,) = bench.adapter.list_reviews(pull.number)
    assert (review.by, review.state, review.sha) == (name, "approved", pull.head_sha)
    newer = bench.driver.write(BRANCH, "other.yaml", "a: 1\n")
    assert bench.adapter.get(pull.number).head_sha == newer
    assert all(one.sha != newer for one in bench.adapter.list_reviews(pull.number)), "not for what came later"


def test_a_comment_takes_no_approval_away_and_one_that_is_taken_back_is_none(bench: Bench) -> None:
    if not bench.driver.place.other_token:
        pytest.skip(f"GITOPSUI_TEST_{bench.kind.upper()}_OTHER_TOKEN names no second account")
    pull = opened(bench)
    name = bench.driver.approve(pull.number)
    bench.driver.remark(pull.number)
    assert [(one.by, one.state) for one in bench.adapter.list_reviews(pull.number)] == [(name, "approved")]
    bench.driver.take_back(pull.number)
    assert "approved" not in [one.state for one in bench.adapter.list_reviews(pull.number)]


def test_a_wrong_token_is_told_apart_and_is_no_reason_to_ask_again(bench: Bench) -> None:
    with pytest.raises(ForgeError) as caught:
        bench.adapter_for("wrong").find(BRANCH)
    assert (caught.value.code, caught.value.permanent) == ("FORGE_AUTH", True)
    assert caught.value.hint
    assert "wrong" not in caught.value.message


def test_what_is_not_there_is_told_apart(bench: Bench) -> None:
    nowhere = f"{bench.driver.path.partition('/')[0]}/not-there-{BOT.name}"
    with pytest.raises(ForgeError) as caught:
        bench.adapter_for(bench.driver.place.token, nowhere).check()
    assert (caught.value.code, caught.value.permanent) == ("FORGE_NOT_FOUND", True)


def test_an_account_that_may_only_read_is_found_out_before_it_is_needed(bench: Bench) -> None:
    if bench.standin is None:
        pytest.skip("GITOPSUI_TEST_ variables name no account that may only read")
    found = bench.adapter_for(READER.token).check()
    assert not found.may_write
    assert found.problem
    assert found.hint
    with pytest.raises(ForgeError) as caught:
        bench.adapter_for(STRANGER.token).check()
    assert caught.value.code == "FORGE_NOT_FOUND"


def test_the_same_branch_of_a_fork_is_not_ours(bench: Bench) -> None:
    if bench.standin is None:
        pytest.skip("GITOPSUI_TEST_ variables name no account with a fork")
    pull = opened(bench)
    project = bench.standin.ground.project(bench.driver.path)
    project.pull(int(pull.number)).is_from_fork = True
    assert bench.adapter.find(BRANCH) == []


def test_one_among_many_is_found_page_by_page(bench: Bench) -> None:
    if bench.standin is None:
        pytest.skip("GITOPSUI_TEST_ a real forge is not filled with pull requests")
    pull = opened(bench)
    project = bench.standin.ground.project(bench.driver.path)
    for number in range(230):
        project.seed.point(f"refs/heads/topic-{number}", pull.head_sha)
        made = project.pulls[0].__class__(
            number + 2, f"Topic {number}", "", f"topic-{number}", "main", BOT, project.now()
        )
        made.heads = [(made.created_at, pull.head_sha)]
        made.state = "open" if number < 115 else "closed"
        made.updated_at = made.ended_at = made.created_at
        project.pulls.append(made)
    assert [one.number for one in bench.adapter.find(BRANCH)] == [pull.number]
