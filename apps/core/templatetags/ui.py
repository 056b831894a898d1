"""
What every page is drawn with: icons, status words, times, foreign text and foreign links.

All tags are pure but for the clock that `ago` and `at` read. None of them uses `mark_safe`:
whatever comes in is escaped by `format_html`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Protocol
from urllib.parse import urlsplit

from django import template
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from gitopsui.domain.mask import display
from gitopsui.domain.text import visible as visible_text

register = template.Library()

# word -> (colour class, icon); the words are Argo CD's and stay untranslated
HEALTH = {
    "Healthy": ("ok", "check-circle"),
    "Suspended": ("idle", "skip"),
    "Progressing": ("run", "hourglass"),
    "Missing": ("warn", "circle-slash"),
    "Degraded": ("bad", "x-circle-fill"),
    "Unknown": ("idle", "question"),
}
SYNC = {"Synced": ("ok", "check"), "OutOfSync": ("warn", "diff"), "Unknown": ("idle", "question")}
# state of a repository, cluster, kind or job -> (colour class, icon, word when the row brings none)
STATES = {
    "ok": ("ok", "check-circle", "up to date"),
    "never": ("idle", "circle", "not read yet"),
    "paused": ("idle", "pause", "paused"),
    "failed": ("bad", "x-circle-fill", "failed"),
    "silent": ("bad", "cloud-offline", "silent"),
    "rewritten": ("warn", "alert-fill", "history rewritten"),
    "waiting": ("idle", "clock", "waiting"),
    "running": ("run", "hourglass", "running"),
    "done": ("ok", "check-circle", "done"),
    "quarantined": ("bad", "no-entry", "quarantined"),
    "fresh": ("ok", "check", "fresh"),
    "stale": ("idle", "history", "stale"),
    "forbidden": ("warn", "no-entry", "no access"),
    "unknown": ("idle", "question", "unknown"),
}
# what the heading of the board may say -> (colour class, the filter that lists it)
ANSWERS = (
    ("degraded", "bad", "health=Degraded"),
    ("missing", "warn", "health=Missing"),
    ("drifted", "warn", "sync=OutOfSync"),
    ("unknown", "idle", "health=Unknown"),
    ("stale", "idle", "attention=1"),
    ("progressing", "run", "health=Progressing"),
)
# the two symbols that most cells carry twice over: a board of 250 cells counts each byte
SHORT = {"check-circle": "h", "check": "s"}
MONTHS = ("", "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
NEVER = "never"
LONG_VALUE = 300  # characters of a value that are shown without a click
SUMMARY = 80  # characters of a longer one that stand in its place


class HasProgress(Protocol):
    """A job, or whatever counts like one."""

    progress_done: int
    progress_total: int | None
    progress_text: str


# ── icons and status ─────────────────────────────────────────────────────────


@register.simple_tag
def icon(name: str, css: str = "") -> SafeString:
    """The icon of the sprite; `css` are further classes."""
    return _icon(static("img/sprite.svg"), name, css)


@lru_cache(maxsize=512)
def _icon(sprite: str, name: str, css: str) -> SafeString:
    classes = f"i {css}".rstrip()
    return format_html('<svg class="{}" aria-hidden="true"><use href="{}#{}"/></svg>', classes, sprite, name)


@lru_cache(maxsize=64)
def _inline_icon(name: str) -> SafeString:
    """The same icon by a symbol that the page itself carries (`core/_status_symbols.html`)."""
    return format_html('<svg aria-hidden="true"><use href="#i-{}"/></svg>', SHORT.get(name, name))


def _status(css: str, image: str, word: str, *, inline: bool, large: bool = False) -> SafeString:
    drawn = _inline_icon(image) if inline else icon(image)
    size = " lg" if large else ""
    return format_html('<span class="st {}{}">{}{}</span>', css, size, drawn, word)


@register.simple_tag
def health(status: str, reason: str = "", inline: bool = False, large: bool = False) -> SafeString:
    """`Degraded 1 of 3 ready` with its icon; a resource without health says so."""
    if not status:
        return format_html('<span class="dim small">{}</span>', "no health")
    css, image = HEALTH.get(status, HEALTH["Unknown"])
    word = "Health Unknown" if status == "Unknown" and inline else str(status)
    return _status(css, image, _with_reason(word, reason), inline=inline, large=large)


@register.simple_tag
def sync(
    status: str, count: int | str | None = None, reason: str = "", inline: bool = False, large: bool = False
) -> SafeString:
    """
    `OutOfSync 3 fields` with its icon; what an owner made is `owned` and has no sync of its own. `count` is
    a number of fields, or says in words what differs.
    """
    if status not in SYNC:
        return format_html('<span class="dim small">{}</span>', status)
    css, image = SYNC[status]
    word = "Sync Unknown" if status == "Unknown" and inline else str(status)
    differs = plural(count, "field") if isinstance(count, int) else count
    detail = differs if differs and count and status == "OutOfSync" else reason
    return _status(css, image, _with_reason(word, detail), inline=inline, large=large)


@register.simple_tag
def was(status: str, large: bool = False) -> SafeString:
    """The last known health or sync of what nobody could look at since: `was Healthy`, without its colour."""
    if status not in HEALTH and status not in SYNC:
        return format_html('<span class="dim small">{}</span>', status or "no health")
    return _status("idle", "history", f"was {status}", inline=False, large=large)


@register.simple_tag
def state(value: str, text: str = "", large: bool = False) -> SafeString:
    """The state of a repository, cluster, kind or job; `text` replaces the usual word."""
    css, image, word = STATES.get(value, ("idle", "question", str(value)))
    return _status(css, image, text or word, inline=False, large=large)


def _with_reason(word: str, reason: str) -> str:
    return f"{word} {visible(reason)}" if reason else word


# ── times ────────────────────────────────────────────────────────────────────


def age_words(age: timedelta) -> str:
    """`20 s`, `4 min`, `26 h`, `3 d`, `2 y`: one unit, rounded down; a moment to come is `in 4 min`."""
    seconds = int(age.total_seconds())
    if seconds < 0:
        return f"in {age_words(-age)}"
    steps = ((60, 1, "s"), (3600, 60, "min"), (172_800, 3600, "h"), (31_536_000, 86_400, "d"))
    for below, unit, name in steps:
        if seconds < below:
            return f"{seconds // unit} {name}"
    return f"{seconds // 31_536_000} y"


@register.simple_tag
def ago(moment: datetime | None) -> str:
    """How old something is; the exact moment and its zone in the title. Without a moment: never."""
    if moment is None:
        return NEVER
    return _time(moment, "", age_words(timezone.now() - moment))


@register.simple_tag
def at(moment: datetime | None) -> str:
    """A moment in short: `09:14 UTC` today, `12 Nov` this year, `12 Nov 2025` before."""
    if moment is None:
        return NEVER
    local, today = timezone.localtime(moment), timezone.localtime()
    if local.date() == today.date():
        return _time(moment, "at", f"{local:%H:%M} {local.tzname()}")
    year = "" if local.year == today.year else f" {local.year}"
    return _time(moment, "at", f"{local.day} {MONTHS[local.month]}{year}")


@register.simple_tag
def exact(moment: datetime | None) -> str:
    """A moment in full: `12 Nov 2026, 09:58 UTC`."""
    return NEVER if moment is None else _time(moment, "on", _in_full(moment))


def _time(moment: datetime, kind: str, words: str) -> SafeString:
    stamp = moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if kind:
        return format_html(
            '<time class="{}" datetime="{}" title="{}">{}</time>', kind, stamp, _in_full(moment), words
        )
    return format_html('<time datetime="{}" title="{}">{}</time>', stamp, _in_full(moment), words)


def _in_full(moment: datetime) -> str:
    local = timezone.localtime(moment)
    return f"{local.day} {MONTHS[local.month]} {local.year}, {local:%H:%M} {local.tzname()}"


# ── words and numbers ────────────────────────────────────────────────────────


@register.filter
def plural(count: int | None, noun: str) -> str:
    """`1 field`, `3 fields`, `48,210 objects`; an irregular plural follows a comma: `entry,entries`."""
    one, _, many = noun.partition(",")
    return f"{count or 0:,} {one if count == 1 else many or one + 's'}"


@register.filter
def grouped(count: int) -> str:
    """`10,450`."""
    return f"{count:,}"


@register.filter
def short_sha(sha: str | None) -> str:
    """The first seven digits of a commit id."""
    return str(sha or "")[:7]


# ── foreign text, values and links ───────────────────────────────────────────


@register.filter
def visible(text: object) -> str:
    """Foreign text with what cannot be seen (bidi, zero width, control characters) made visible."""
    return visible_text(str(text if text is not None else ""))


@register.filter
def masked(text: object) -> str:
    """A stored value for a page: a masked one without the digest that tells equal secrets apart."""
    return visible(display(str(text if text is not None else "")))


@register.filter
def clip(text: object, length: int = 200) -> SafeString:
    """Foreign text, cut after `length` characters; a click shows all of it. Block content."""
    whole = visible(text)
    if len(whole) <= length:
        return format_html("<bdi>{}</bdi>", whole)
    return _folded(whole[:length], format_html("{}", whole))


def _folded(start: str, body: SafeString) -> SafeString:
    return format_html(
        '<details class="clip"><summary>{}…</summary><div>{}</div></details>', start.rstrip(), body
    )


@register.simple_tag
def value(desired: object) -> SafeString:
    """One side of a drift row; None is a field that is not there."""
    return marked_value(desired, desired)


@register.simple_tag
def marked_value(live: object, desired: object) -> SafeString:
    """The live side of a drift row with only what differs from `desired` marked, word by word."""
    if live is None:
        return format_html('<span class="dim">{}</span>', "not set")
    text = masked(live) or '""'
    start, middle, end = _differing(text, text if live == desired else masked(desired) or '""')
    code = format_html(
        "<code>{}{}{}</code>", start, format_html("<mark>{}</mark>", middle) if middle else "", end
    )
    return code if len(text) <= LONG_VALUE else _folded(text[:SUMMARY], code)


def _differing(text: str, other: str) -> tuple[str, str, str]:
    """`text` in three parts: as `other` begins, what differs, as `other` ends. Words are not torn."""
    if text == other:
        return text, "", ""
    ours, theirs = re.findall(r"\w+|\W", text), re.findall(r"\w+|\W", other)
    same = _shared(ours, theirs)
    ours_left, theirs_left = ours[same:], theirs[same:]
    tail = _shared(ours_left[::-1], theirs_left[::-1])
    middle = "".join(ours_left[: len(ours_left) - tail])
    if not middle:  # something was taken away: there is nothing of ours to mark but the whole
        return "", text, ""
    return "".join(ours[:same]), middle, "".join(ours_left[len(ours_left) - tail :])


def _shared(ours: Sequence[str], theirs: Sequence[str]) -> int:
    """How many words two lists have in common at their beginning."""
    pairs = zip(ours, theirs, strict=False)
    return next((n for n, (one, other) in enumerate(pairs) if one != other), min(len(ours), len(theirs)))


@register.simple_tag
def safe_link(url: str, text: str = "") -> SafeString:
    """
    A link out of this site, only to http and https, with its host in view; anything else is text.

    A URL with a user name in it is text too: it may lead elsewhere than it looks.
    """
    host = web_host(url)
    label = visible(text or url)
    if not host:
        return format_html("<bdi>{}</bdi>", label)
    link = format_html('<a href="{}" rel="noopener noreferrer nofollow">{}</a>', url, label)
    if host in label:
        return link
    return format_html('{} <span class="dim small">{}</span>', link, visible(host))


def web_host(url: str) -> str:
    """`host` or `host:port` of an http or https URL, or nothing where it is not safe to follow."""
    if re.search(r"[\x00-\x20\x7f\\]", url or " "):
        return ""
    try:
        parts = urlsplit(url)
        named = parts.hostname and not parts.username and not parts.password and parts.port != 0
    except ValueError:
        return ""
    return parts.netloc if parts.scheme in ("http", "https") and named else ""


# ── parts ────────────────────────────────────────────────────────────────────


@register.simple_tag
def answer_parts(answer: object) -> list[dict[str, str]]:
    """What the heading of the board says, worst first; nothing when all is well."""
    return [
        {"words": f"{count:,} {word}", "css": css, "query": query}
        for word, css, query in ANSWERS
        if (count := getattr(answer, word, 0))
    ]


@register.inclusion_tag("core/_progress_bar.html")
def progress_bar(job: HasProgress, label: str = "Progress") -> dict[str, object]:
    """A real bar with counts; without a known end it only moves."""
    done, total = job.progress_done or 0, job.progress_total or 0
    percent = min(100, done * 100 // total) if total else None
    return {"job": job, "label": label, "done": done, "total": total, "percent": percent}


@register.filter
def names(rows: Iterable[object]) -> str:
    """`dev, staging, production` of rows that have a name, or of plain words."""
    return ", ".join(visible(getattr(row, "name", row)) for row in rows)


@register.filter
def words(text: str) -> list[str]:
    """The words of a text, so that a template can loop over them."""
    return text.split()
