"""
Foreign Markdown → safe HTML, in a child that is killed at a deadline.

A text that takes too long, is too large or breaks the parser is shown as it was written.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from pathlib import Path

from gitopsui.adapters import process
from gitopsui.adapters.yaml_frames import Channel
from gitopsui.domain.text import clean_text, visible

SECONDS = 2.0  # for one text; rendering 100 kB of honest Markdown takes a quarter of that
START_SECONDS = 20.0  # for the child to come up on a busy machine
MOST_CHARS = 200_000  # of one text that is rendered
MOST_PLAIN = 20_000  # of one that is shown as it was written
MOST_KILLED = 3  # children; after that the rest of a batch is shown as it was written
TOO_COMPLEX = "too complex to format"
TOO_LONG = "too long to format"
_CHILD = (sys.executable, "-I", str(Path(__file__).with_name("markdown_child.py")))


@dataclass(frozen=True, slots=True)
class Rendered:
    """Safe HTML; `problem` says why it is not formatted, "" where it is."""

    html: str
    problem: str = ""


def render_markdown(texts: Iterable[str], *, seconds: float = SECONDS) -> list[Rendered]:
    """
    Each text as HTML, in order. `seconds` is the deadline of one text. Never raises for what a text holds.

    One child renders them all and is started anew when a text was its end. It costs about 0.2 s.
    """
    answers: list[Rendered] = []
    waiting = [clean_text(text, limit=MOST_CHARS + 1) for text in texts]
    killed = 0
    while len(answers) < len(waiting):
        if killed >= MOST_KILLED:
            answers += [_plain(text, TOO_COMPLEX) for text in waiting[len(answers) :]]
            break
        with _child() as channel:
            done = list(_ask_all(channel, waiting[len(answers) :], seconds))
        answers += done
        if len(answers) < len(waiting):
            answers.append(_plain(waiting[len(answers)], TOO_COMPLEX))
            killed += 1
    return answers


def _ask_all(channel: Channel, texts: Iterable[str], seconds: float) -> Iterator[Rendered]:
    """The answers until one does not come."""
    try:
        channel.ask((b"",), seconds=START_SECONDS)
        for text in texts:
            yield _ask(channel, text, seconds)
    except (EOFError, TimeoutError):
        return


def _ask(channel: Channel, text: str, seconds: float) -> Rendered:
    """Raises EOFError and TimeoutError."""
    if not text.strip():
        return Rendered("")
    if len(text) > MOST_CHARS:
        return _plain(text, TOO_LONG)
    answer = channel.ask((text.encode(),), seconds=seconds).decode("utf-8", "replace")
    return Rendered(answer[1:]) if answer.startswith("+") else _plain(text, TOO_COMPLEX)


@contextmanager
def _child() -> Iterator[Channel]:
    pipe, silent = process.Stream.PIPE, process.Stream.NULL
    with process.start(_CHILD, env={}, stdin=pipe, stdout=pipe, stderr=silent, is_tied=False) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        yield Channel(child.stdin.fileno(), child.stdout.fileno())


def _plain(text: str, problem: str) -> Rendered:
    return Rendered(f"<pre>{escape(visible(clean_text(text, limit=MOST_PLAIN)))}</pre>", problem)
