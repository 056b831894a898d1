"""Those who write commits learn which messages are not quite conventional, and why."""

from __future__ import annotations

from gitopsui.domain.commit import Commit
from gitopsui.domain.footers import Lint
from gitopsui.domain.note_overrides import Audience, apply_overrides, without_internals
from gitopsui.domain.notes import build_notes, to_dict, to_markdown
from gitopsui.domain.notes_text import LINT_WORDS


def commit(number: int, message: str, author: str = "Ada") -> Commit:
    return Commit(f"{number:040x}", (f"{number - 1:040x}",), author, "ada@example.org", None, None, message)


def test_a_message_that_was_forgiven_something_is_remarked() -> None:
    commits = [commit(2, "feat:x\nno blank line"), commit(1, "fix: y")]

    notes = build_notes(commits)

    assert [(one.sha, set(one.lint)) for one in notes.remarks] == [
        (commits[0].sha, {Lint.NO_SPACE, Lint.NO_BLANK_LINE})
    ]
    [remark] = to_dict(notes)["remarks"]
    assert set(remark["lint"]) == {"no-space", "no-blank-line"}
    assert "no space behind the colon of the first line" in remark["text"]
    assert "no space" not in to_markdown(notes)


def test_programs_and_people_outside_are_told_nothing() -> None:
    assert build_notes([commit(1, "feat:x", author="renovate[bot]")]).remarks == ()
    shown = apply_overrides(to_dict(build_notes([commit(1, "feat:x")])), [], audience=Audience.PUBLIC)
    assert "remarks" not in without_internals(shown)


def test_there_are_words_for_every_remark() -> None:
    assert set(LINT_WORDS) == set(Lint)
