"""Feeds that every reader can parse, whatever their titles hold."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from xml.etree import ElementTree as ET

from gitopsui.domain.atom import Feed, FeedEntry, tag_uri, to_atom

AT = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
NS = {"a": "http://www.w3.org/2005/Atom"}


def feed(*entries: FeedEntry) -> Feed:
    return Feed("tag:x,2026:f", "Releases", "cart", "https://x/f.atom?a=1&b=2", "https://x/", AT, entries)


def entry(title: str = "cart 1.0.0", html: str = "<p>a</p>", at: datetime = AT) -> FeedEntry:
    return FeedEntry(tag_uri("x", 2026, "cart", title), title, at, "https://x/1", html, at)


def parse(text: str) -> ET.Element:
    return ET.fromstring(text)


def test_a_feed_has_what_the_format_demands() -> None:
    root = parse(to_atom(feed(entry())))
    for place in (root, root.find("a:entry", NS)):
        assert place is not None
        assert all(place.find(f"a:{name}", NS) is not None for name in ("id", "title", "updated"))
    assert root.find("a:author/a:name", NS) is not None
    links = {link.get("rel"): link.get("href") for link in root.findall("a:link", NS)}
    assert links == {"self": "https://x/f.atom?a=1&b=2", "alternate": "https://x/"}


def test_a_feed_is_as_new_as_its_newest_entry() -> None:
    later = AT + timedelta(days=1)
    assert (
        parse(to_atom(feed(entry("a"), entry("b", at=later)))).findtext("a:updated", "", NS)
        == "2026-11-02T12:00:00Z"
    )
    assert parse(to_atom(feed())).findtext("a:updated", "", NS) == "2026-11-01T12:00:00Z"


def test_times_are_utc() -> None:
    there = AT.astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert (
        parse(to_atom(feed(entry(at=there)))).findtext("a:entry/a:published", "", NS)
        == "2026-11-01T12:00:00Z"
    )


def test_what_a_title_holds_stays_text() -> None:
    odd = "]]> <b> & \"' \x00 \x1b \ud800 \ufffe \u202e"
    root = parse(to_atom(feed(entry(odd, html=f"<p>{odd}</p>"))).encode("utf-8", "strict").decode())
    title = root.findtext("a:entry/a:title", "", NS)
    assert title.startswith("]]> <b> & \"' \\x00")
    assert "\u202e" not in title
    assert root.findall(".//{*}b") == []


def test_an_id_holds_no_sign_that_a_uri_may_not() -> None:
    assert (
        tag_uri("git.example.org", 2026, "shop", "api/v1.0 ü")
        == "tag:git.example.org,2026:shop/api%2Fv1.0%20%C3%BC"
    )
