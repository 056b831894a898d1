"""Foreign Markdown is harmless, and cannot hold a worker."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import pytest

from gitopsui.adapters.markdown_html import TAGS, clean_html
from gitopsui.adapters.markdown_render import MOST_CHARS, TOO_COMPLEX, TOO_LONG, Rendered, render_markdown
from tests.domain.samples import load_bad_input, needs_samples


class Found(HTMLParser):
    """The elements of an HTML text, with their attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))


def check_harmless(html: str) -> None:
    for tag, attributes in Found(html).elements:
        assert tag in TAGS
        assert set(attributes) <= {"href", "rel"}
        assert (attributes.get("href") or "https:").startswith(("https:", "http:", "mailto:"))


def render(text: str, **options: Any) -> Rendered:
    return render_markdown([text], **options)[0]


def test_honest_markdown_is_formatted() -> None:
    text = "# A\n\n- **b** `<script>`\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```yaml\nx: 1\n```\n[l](https://example.org)"
    html = render(text).html
    assert "<strong>b</strong> <code>&lt;script&gt;</code>" in html
    assert "<td>2</td>" in html
    assert '<a href="https://example.org" rel="nofollow noopener noreferrer">l</a>' in html
    check_harmless(html)


@pytest.mark.parametrize(
    "text",
    [
        "<img src=x onerror=alert(1)>",
        "[x](javascript:alert(1)) [y](JaVaScRiPt&colon;alert(1)) [z](data:text/html,x) [r](/releases/1/bad/)",
        "[x](//evil.example) ![i](https://evil.example/pixel.png)",
        '<p hx-get="/x" hx-trigger="load" id="main" class="toast" style="position:fixed">a</p>',
        "<form action=/x><button name=undo>a</button></form><iframe src=https://evil.example></iframe>",
        "<style>*{display:none}</style><script>alert(1)</script>",
    ],
)
def test_what_acts_is_taken_out(text: str) -> None:
    html = render(text).html
    check_harmless(html)
    assert "evil" not in html
    assert "/releases/" not in html


def test_a_link_that_leads_nowhere_is_text() -> None:
    html = render("[a](javascript:x) [b](/releases/1/) [c](https://example.org) <a name=x><b>d</b></a>").html
    assert html.startswith('<p>a b <a href="https://example.org"')
    assert html.count("<a ") == 1


def test_hidden_characters_are_shown() -> None:
    assert render("a \u202e b").html == "<p>a \\u{202E} b</p>"


def test_a_text_too_slow_is_shown_as_it_is_and_the_next_is_formatted() -> None:
    """The first would take a minute; the second has time enough on a machine that is busy."""
    slow, fine = render_markdown(["![" * 30_000, "*a*"], seconds=4)
    assert slow.problem == TOO_COMPLEX
    assert slow.html.startswith("<pre>![![")
    assert fine == Rendered("<p><em>a</em></p>")


def test_a_batch_of_slow_texts_ends() -> None:
    found = render_markdown(["![" * 20_000] * 9, seconds=0.2)
    assert [one.problem for one in found] == [TOO_COMPLEX] * 9


@pytest.mark.parametrize("text", [">" * 50_000, "- " * 50_000 + "a", "<!-x-> <![x <!ELEMENT", "\x00\ud800"])
def test_nothing_breaks_it(text: str) -> None:
    check_harmless(render(text, seconds=1.0).html)


def test_a_text_too_long_is_cut() -> None:
    found = render("a" * (MOST_CHARS + 1))
    assert found.problem == TOO_LONG
    assert len(found.html) < MOST_CHARS


def test_nothing_asked_nothing_answered() -> None:
    assert render_markdown([]) == []
    assert render_markdown(["", " \n"]) == [Rendered(""), Rendered("")]


def test_what_is_clean_stays_as_it_is() -> None:
    html = render("# A\n\n[l](https://example.org)\n\n```\n<b>\n```").html
    assert clean_html(html) == html


@pytest.mark.shared
@needs_samples
@pytest.mark.parametrize("case", load_bad_input("markdown"), ids=lambda case: str(case["id"]))
def test_bad_markdown_is_harmless(case: dict[str, Any]) -> None:
    found = render(case["text"])
    check_harmless(found.html)
    if case["outcome"] == "FALLBACK_TEXT":
        assert found.problem == TOO_COMPLEX
        assert found.html.startswith("<pre>")
    elif case["outcome"] == "OK":
        assert found.problem == ""
        assert "<code>&lt;script&gt;</code>" in found.html
