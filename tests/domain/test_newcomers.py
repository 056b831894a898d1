"""Who contributes for the first time is named, once, with the pull request that brought it."""

from __future__ import annotations

from datetime import UTC, datetime

from gitopsui.domain.changelog import ReleaseCommits, build_release, find_firsts
from gitopsui.domain.commit import Commit
from gitopsui.domain.newcomers import Known, find_first_commits
from gitopsui.domain.note_overrides import Audience, apply_overrides, from_dict, without_internals
from gitopsui.domain.notes import build_notes, to_dict, to_html, to_markdown
from gitopsui.domain.tag import parse_tag

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def commit(number: int, author: str, message: str = "fix: x", parents: int = 1) -> Commit:
    """`author` is `name address`, the address without what all share."""
    name, _, mailbox = author.partition(" ")
    above = tuple(f"{number - 1 - each:040x}" for each in range(parents))
    return Commit(f"{number:040x}", above, name, f"{mailbox}@example.org", NOON, NOON, message)


def new_names(commits: list[Commit], known: Known) -> list[str]:
    return [one.author_name for one in find_first_commits(commits[::-1], known)]


def test_each_new_person_is_named_once_in_the_order_they_came() -> None:
    commits = [commit(1, "Ada ada"), commit(2, "Grace grace"), commit(3, "Ada ada"), commit(4, "Edith e")]

    assert new_names(commits, {"@edith@example.org", "edith"}) == ["Ada", "Grace"]


def test_whoever_was_there_under_another_name_or_address_is_not_new() -> None:
    commits = [commit(1, "Ada home"), commit(2, "Ada work"), commit(3, "Lovelace WORK"), commit(4, "Grace g")]

    assert new_names(commits, {"@work@example.org"}) == ["Grace"]
    assert new_names(commits, {"ada"}) == ["Grace"]


def test_programs_and_those_who_only_merge_are_not_new() -> None:
    merge = commit(3, "Grace grace", "Merge branch 'x'", parents=2)

    assert new_names([commit(1, "renovate[bot] bot"), commit(2, "Ada ada"), merge], set()) == ["Ada"]


def test_of_a_whole_history_the_first_release_names_nobody() -> None:
    older, newer = parse_tag("v1.0.0"), parse_tag("v1.1.0")
    releases = [
        ReleaseCommits(newer, (commit(3, "Grace grace", "feat: y (#3)"), commit(2, "Ada ada"))),
        ReleaseCommits(older, (commit(1, "Ada ada"),), is_first=True),
    ]

    firsts = find_firsts(releases)
    notes = [build_release(release, firsts=firsts) for release in releases]

    assert [[(one.name, one.pull_request) for one in each.newcomers] for each in notes] == [
        [("Grace", 3)],
        [],
    ]


def test_new_people_stand_in_every_format_and_stay_inside() -> None:
    commits = [commit(2, "Grace<b> grace", "feat: y (#3)"), commit(1, "Ada ada")]
    notes = build_notes(commits, firsts={each.sha for each in commits})
    data = to_dict(notes)

    assert "### New contributors\n\n- Ada with 00000000\n- Grace&lt;b> with #3\n" in to_markdown(notes)
    assert "<h3>New contributors</h3>" in to_html(notes)
    assert "Grace&lt;b&gt; with #3" in to_html(notes)
    assert data["new_contributors"][1] == {"name": "Grace<b>", "sha": commits[0].sha, "pull_request": 3}
    shown = apply_overrides(data, [], audience=Audience.INTERNAL)
    assert from_dict(shown).newcomers == notes.newcomers
    assert "new_contributors" not in without_internals(shown)
