"""What people say is laid over notes, for each reader, and nothing inside gets out."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from typing import Any

import pytest

from gitopsui.domain.commit import Commit
from gitopsui.domain.note_overrides import (
    Audience,
    Override,
    apply_overrides,
    from_dict,
    without_internals,
)
from gitopsui.domain.notes import build_notes, to_dict, to_html, to_markdown

AT = datetime(2026, 11, 1, tzinfo=UTC)


def commit(number: int, message: str) -> Commit:
    return Commit(f"{number:040x}", (), "Ada Example", "ada@example.org", AT, AT, message)


COMMITS = [
    commit(1, "feat(pay): pay with one tap (#7)\n\nRefs: SHOP-12"),
    commit(2, "fix: rounding"),
    commit(3, "feat!: prices in cents\n\nBREAKING CHANGE: the table prices_internal is gone"),
    commit(4, "chore: move the vault"),
    commit(5, "build(deps): bump django from 5.2.6 to 5.2.8"),
]


@pytest.fixture
def notes() -> dict[str, Any]:
    return to_dict(build_notes(COMMITS, base="v1.0.0", head="v1.1.0"))


def sha(number: int) -> str:
    return f"{number:040x}"


def texts(notes: dict[str, Any]) -> list[str]:
    return [entry["text"] for section in notes["sections"] for entry in section["entries"]]


def test_without_overrides_engineers_read_everything(notes: dict[str, Any]) -> None:
    shown = apply_overrides(notes, [], audience=Audience.INTERNAL)
    assert texts(shown) == texts(notes)
    assert (shown["hidden_count"], shown["withheld_count"]) == (0, 0)


@pytest.mark.parametrize(
    ("audience", "withheld"), [(Audience.INTERNAL, 0), (Audience.OPERATOR, 1), (Audience.PUBLIC, 2)]
)
def test_what_is_not_for_a_reader_is_counted(
    notes: dict[str, Any], audience: Audience, withheld: int
) -> None:
    shown = apply_overrides(notes, [], audience=audience)
    assert shown["withheld_count"] == withheld
    assert ("move the vault" in texts(shown)) == (audience is Audience.INTERNAL)


def test_a_text_replaces_the_generated_one_and_keeps_it(notes: dict[str, Any]) -> None:
    before = copy.deepcopy(notes)
    override = Override("commit", sha(3), "Prices are whole cents", edited_by="ada", edited_at=AT)
    entry = apply_overrides(notes, [override], audience=Audience.PUBLIC)["sections"][0]["entries"][0]
    assert (entry["text"], entry["breaking"]) == ("Prices are whole cents", ["Prices are whole cents"])
    assert "prices_internal" in entry["generated"]
    assert (entry["edited_by"], entry["edited_at"]) == ("ada", AT.isoformat())
    assert notes == before


def test_a_commit_is_more_exact_than_its_pull_request(notes: dict[str, Any]) -> None:
    both = [Override("pull_request", "7", "by number"), Override("commit", sha(1), "by commit")]
    assert "by commit" in texts(apply_overrides(notes, both, audience=Audience.PUBLIC))
    assert "by number" in texts(apply_overrides(notes, both[:1], audience=Audience.PUBLIC))


def test_what_one_override_hides_no_other_shows(notes: dict[str, Any]) -> None:
    found = [
        Override("commit", sha(1), "shown"),
        Override("pull_request", "7", is_hidden=True, language="de"),
    ]
    shown = apply_overrides(notes, found, audience=Audience.INTERNAL)
    assert "shown" not in texts(shown)
    assert shown["hidden_count"] == 1


def test_a_language_comes_before_the_one_of_the_notes(notes: dict[str, Any]) -> None:
    found = [Override("commit", sha(2), "rounded"), Override("commit", sha(2), "gerundet", language="de")]
    assert "gerundet" in texts(apply_overrides(notes, found, audience=Audience.PUBLIC, language="de"))
    assert "rounded" in texts(apply_overrides(notes, found, audience=Audience.PUBLIC, language="fr"))


def test_an_audience_is_widened_and_narrowed(notes: dict[str, Any]) -> None:
    found = [
        Override("commit", sha(4), audience=Audience.PUBLIC),
        Override("commit", sha(2), audience=Audience.OPERATOR),
    ]
    shown = texts(apply_overrides(notes, found, audience=Audience.PUBLIC))
    assert "move the vault" in shown
    assert "rounding" not in shown
    assert "rounding" in texts(apply_overrides(notes, found, audience=Audience.OPERATOR))


@pytest.mark.parametrize(
    "override",
    [
        Override("release", "v1.1.0", is_hidden=True),
        Override("release", "v1.1.0", audience=Audience.INTERNAL),
    ],
)
def test_a_release_can_be_kept_inside(notes: dict[str, Any], override: Override) -> None:
    assert apply_overrides(notes, [override], audience=Audience.PUBLIC)["is_withheld"] is True


def test_a_release_may_begin_with_words_of_its_own(notes: dict[str, Any]) -> None:
    override = Override("release", "v1.1.0", "Payments", advisories=("CVE-2026-1234",))
    shown = apply_overrides(notes, [override], audience=Audience.PUBLIC)
    assert (shown["lead"], shown["lead_advisories"]) == ("Payments", ["CVE-2026-1234"])
    assert shown["is_withheld"] is False


def test_outside_nobody_learns_who_where_and_how_many(notes: dict[str, Any]) -> None:
    override = Override("commit", sha(1), "One tap", edited_by="grace", advisories=("CVE-2026-1234",))
    shown = apply_overrides(notes, [override], audience=Audience.PUBLIC)
    shown["sections"][0]["entries"][0]["added_later"] = "CANARY"
    outside = without_internals(shown)
    for text in (repr(outside), to_markdown(from_dict(outside)), to_html(from_dict(outside))):
        assert "CVE-2026-1234" in text
        for secret in ("Ada", "grace", sha(1), sha(1)[:7], "#7", "SHOP-12", "vault", "CANARY", "pay with"):
            assert secret not in text


def test_notes_survive_the_way_through_a_dictionary(notes: dict[str, Any]) -> None:
    built = build_notes(COMMITS, base="v1.0.0", head="v1.1.0")
    assert to_markdown(from_dict(notes)) == to_markdown(built)
    assert to_html(from_dict(notes)) == to_html(built)


def test_notes_without_commits_count_none() -> None:
    notes = {
        "base": "v1",
        "head": "v2",
        "sections": [{"kind": "new", "title": "New", "entries": [{"text": "x"}]}],
    }
    assert to_markdown(from_dict(notes)) == "## v2\n\nSince v1.\n\n### New\n\n- x\n"
