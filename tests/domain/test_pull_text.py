"""Foreign text in a pull request acts on nothing there, and stays readable."""

from __future__ import annotations

import re

import pytest

from gitopsui.domain.pull_text import (
    GAP,
    MOST_CHARS,
    MOST_CODE_CHARS,
    cell,
    code_block,
    code_span,
    item,
    prose,
)

# What forges look for in the raw text of a pull request.
MENTION = re.compile(r"@[\w-]")
REFERENCE = re.compile(r"(?<!&)#\d|!\d|(?<![\w&])&\d|\b[A-Za-z]\w*-\d|https?://|\bwww\.")
CLOSES = re.compile(
    r"(?i)\b(?:clos(?:e[sd]?|ing)|fix(?:e[sd]|ing)?|resolv(?:e[sd]?|ing)):?\s+\S*(?:#\d|\w-\d|://)"
)


@pytest.mark.parametrize(
    "text",
    [
        "ask @team/security about it",
        "mail to ada@example.org",
        "@all",
        "fixes #12",
        "Closes: team/config#12",
        "closes SHOP-12 and GH-7",
        "see !7 and &9",
        "resolves https://git.example.org/team/config/issues/3",
        "www.example.org",
        "`@ada` fixes `#3`",
    ],
)
def test_nobody_is_mentioned_and_nothing_is_closed_or_referred_to(text: str) -> None:
    for shown in (prose(text), cell(text), item(text)):
        assert not MENTION.search(shown), shown
        assert not REFERENCE.search(shown), shown
        assert shown.replace(GAP, "").removeprefix("- ") == text, "it reads as before"


def test_what_markdown_and_html_act_on_is_escaped() -> None:
    assert prose("*a* _b_ [c](d) <img src=x>") == r"\*a\* \_b\_ \[c\](d) &lt;img src=x>"
    assert "&lt;!--" in prose("<!-- gitopsui promotion=1 gates=0 -->")
    assert prose("one\ntwo\r\n/close") == "one two /close"


def test_a_cell_keeps_its_table_whole() -> None:
    assert cell("a | b `c|d`\ne") == r"a \| b `c\|d` e"
    assert cell("") == " "
    assert code_span("a|b.yaml") == r"`a\|b.yaml`"
    assert "`" not in code_span("a`b").replace("\\`", "")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("- nested", r"- \- nested"),
        ("> quote", r"- \> quote"),
        ("1. one", r"- 1\. one"),
        ("# head", f"- #{GAP} head"),
        ("+1 from me", r"- \+1 from me"),
        ("plain", "- plain"),
    ],
)
def test_an_item_begins_nothing_of_its_own(text: str, shown: str) -> None:
    assert item(text) == shown


def test_code_cannot_leave_its_fence() -> None:
    lines = code_block(["-a: ```", "+````", " b"], "diff")
    assert lines[0] == "`````diff"
    assert lines[-1] == "`````"
    assert lines[1:-1] == ["-a: ```", "+````", " b"]


def test_code_closes_nothing_and_stays_what_it_is_otherwise() -> None:
    [line] = code_block(["+image: a@sha256:12 # Fixes #12"], "")[1:-1]
    assert not CLOSES.search(line)
    assert line.replace(GAP, "") == "+image: a@sha256:12 # Fixes #12"
    assert code_block(["-image: a@sha256:12", "+fix: #no"], "")[1:-1] == ["-image: a@sha256:12", "+fix: #no"]


def test_what_is_hidden_is_shown() -> None:
    assert prose("a\u202eb") == r"a\\u{202E}b"
    assert code_block(["+a\u202eb"], "")[1] == r"+a\u{202E}b"


def test_long_texts_are_cut() -> None:
    assert len(prose("x" * 9_000)) == MOST_CHARS
    assert len(code_block(["x" * 9_000], "")[1]) == MOST_CODE_CHARS
