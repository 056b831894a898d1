"""Feeds in the Atom syndication format, https://www.rfc-editor.org/rfc/rfc4287."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from urllib.parse import quote

from gitopsui.domain.text import visible

MEDIA_TYPE = "application/atom+xml; charset=utf-8"
# What XML 1.0 does not allow even as a reference: https://www.w3.org/TR/xml/#charsets
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class FeedEntry:
    """One entry; `id` never changes, `html` is safe to show, `url` is where it is read in full."""

    id: str
    title: str
    updated: datetime
    url: str
    html: str
    published: datetime | None = None


@dataclass(frozen=True, slots=True)
class Feed:
    """A feed; `self_url` is its own address, `url` the page it belongs to. `began` dates an empty one."""

    id: str
    title: str
    author: str
    self_url: str
    url: str
    began: datetime
    entries: Sequence[FeedEntry] = ()

    @property
    def updated(self) -> datetime:
        return max((entry.updated for entry in self.entries), default=self.began)


def tag_uri(authority: str, year: int, *parts: str) -> str:
    """An id that stays the same wherever the page moves to: https://www.rfc-editor.org/rfc/rfc4151."""
    return f"tag:{authority},{year}:" + "/".join(quote(part, safe="", errors="replace") for part in parts)


def to_atom(feed: Feed) -> str:
    """The feed as an XML document; hidden characters of titles are shown, illegal ones replaced."""
    return "\n".join(_lines(feed)) + "\n"


def _lines(feed: Feed) -> Iterator[str]:
    yield '<?xml version="1.0" encoding="utf-8"?>'
    yield '<feed xmlns="http://www.w3.org/2005/Atom">'
    yield f"<id>{xml_text(feed.id)}</id>"
    yield f'<title type="text">{xml_text(visible(feed.title))}</title>'
    yield f"<updated>{_time(feed.updated)}</updated>"
    yield f"<author><name>{xml_text(visible(feed.author))}</name></author>"
    yield f'<link rel="self" type="application/atom+xml" href="{xml_text(feed.self_url)}"/>'
    yield f'<link rel="alternate" type="text/html" href="{xml_text(feed.url)}"/>'
    yield "<generator>gitopsui</generator>"
    for entry in feed.entries:
        yield from _entry_lines(entry)
    yield "</feed>"


def _entry_lines(entry: FeedEntry) -> Iterator[str]:
    yield "<entry>"
    yield f"<id>{xml_text(entry.id)}</id>"
    yield f'<title type="text">{xml_text(visible(entry.title))}</title>'
    yield f"<updated>{_time(entry.updated)}</updated>"
    if entry.published is not None:
        yield f"<published>{_time(entry.published)}</published>"
    yield f'<link rel="alternate" type="text/html" href="{xml_text(entry.url)}"/>'
    yield f'<content type="html">{xml_text(entry.html)}</content>'
    yield "</entry>"


def xml_text(text: str) -> str:
    """For an element or an attribute of XML; what no XML may hold is replaced."""
    return escape(_ILLEGAL.sub("\N{REPLACEMENT CHARACTER}", text))


def _time(moment: datetime) -> str:
    """RFC 3339 in UTC, whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
