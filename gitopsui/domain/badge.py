"""A badge: a label and a message as one small SVG picture that says the same to a screen reader."""

from __future__ import annotations

from enum import StrEnum

from gitopsui.domain.atom import xml_text
from gitopsui.domain.text import visible

HEIGHT = 20  # pixels
MOST_CHARS = 60  # of each half
_PADDING = 6
_GREY = "#4b5563"


class Tone(StrEnum):
    """The colours of the right half; white text has at least 4.5:1 on each."""

    GOOD = "#17703a"  # Healthy
    WARN = "#8a4b00"  # OutOfSync, Missing
    BAD = "#b3142b"  # Degraded
    RUN = "#1d4fc4"  # Progressing
    IDLE = "#6b7280"  # Unknown, Suspended, stale


# Advance widths of Verdana at 11 pixels, in tenths of a pixel. Source: the font's hmtx table, rounded up.
_NARROW = dict.fromkeys(" ,.:;/\\|!'Iijl()[]-", 39) | dict.fromkeys("ftr", 45)
_WIDE = dict.fromkeys("MWmw@%", 107) | dict.fromkeys("ABCDEFGHKNOPQRSTUVXYZ&+<>=~", 84)


def text_width(text: str) -> int:
    """About how wide the text is drawn, in whole pixels; what is not Latin counts as a full square."""
    tenths = sum(_NARROW.get(char) or _WIDE.get(char) or (70 if ord(char) < 0x2E80 else 115) for char in text)
    return -(-tenths // 10)


def draw_badge(label: str, message: str, tone: Tone, *, title: str = "", is_stale: bool = False) -> str:
    """
    The badge as an SVG document; `title` is what a screen reader says, by default label and message.

    A stale one is striped and grey: colour is never the only sign, so the message should say it too.
    """
    left, right = _clip(label), _clip(message)
    left_width, right_width = text_width(left) + 2 * _PADDING, text_width(right) + 2 * _PADDING
    width = left_width + right_width
    name = xml_text(visible(title or f"{label}: {message}"))
    fill = Tone.IDLE if is_stale else tone
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{HEIGHT}" role="img" '
        f'aria-label="{name}"><title>{name}</title>{_STRIPES if is_stale else ""}'
        f'<clipPath id="r"><rect width="{width}" height="{HEIGHT}" rx="3"/></clipPath><g clip-path="url(#r)">'
        f'<rect width="{left_width}" height="{HEIGHT}" fill="{_GREY}"/>'
        f'<rect x="{left_width}" width="{right_width}" height="{HEIGHT}" fill="{fill.value}"/>'
        f"{_stripes(left_width, right_width) if is_stale else ''}</g>"
        '<g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" '
        f'aria-hidden="true">{_text(left, left_width / 2)}'
        f"{_text(right, left_width + right_width / 2)}</g></svg>"
    )


_STRIPES = (
    '<defs><pattern id="s" width="8" height="8" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<rect width="3" height="8" fill="#000" fill-opacity=".18"/></pattern></defs>'
)


def _stripes(x: int, width: int) -> str:
    return f'<rect x="{x}" width="{width}" height="{HEIGHT}" fill="url(#s)"/>'


def _text(text: str, middle: float) -> str:
    # The length is forced, so that another font on the reader's machine cannot run out of the box.
    return f'<text x="{middle:g}" y="14" textLength="{text_width(text)}">{xml_text(text)}</text>'


def _clip(text: str) -> str:
    shown = " ".join(visible(text).split())
    return shown if len(shown) <= MOST_CHARS else shown[: MOST_CHARS - 1] + "…"
