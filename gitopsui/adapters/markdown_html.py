"""
One Markdown text → HTML with only harmless elements. Slow on hostile texts: run it in `markdown_child.py`.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import markdown
import nh3

from gitopsui.domain.text import visible

# No image (it tells another host who reads), no id, name, class or style, and links only to the web and mail.
TAGS = {
    "a", "blockquote", "br", "code", "del", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p",
    "pre", "strong", "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
SCHEMES = {"http", "https", "mailto"}
# A link whose address was refused would still look like one.
_DEAD_LINK = re.compile(r'<a(?: rel="[^"]*")?>(.*?)</a>', re.DOTALL)
_EXTENSIONS = ("tables", "fenced_code", "sane_lists")


def to_html(text: str) -> str:
    """Safe HTML; hidden characters are shown. May raise whatever the parser does on a hostile text."""
    return clean_html(markdown.markdown(visible(text), extensions=list(_EXTENSIONS), output_format="html"))


def clean_html(html: str) -> str:
    """Only the elements above; what is inside a script or style is dropped, other text stays."""
    cleaned = nh3.clean(
        html,
        tags=TAGS,
        attributes={"*": set(), "a": {"href"}},  # nh3 would let lang and title pass
        attribute_filter=_filter,
        url_schemes=SCHEMES,
        clean_content_tags={"script", "style"},
        link_rel="nofollow noopener noreferrer",
    )
    return _DEAD_LINK.sub(r"\1", cleaned)


def _filter(element: str, attribute: str, value: str) -> str | None:
    """A relative address would lead into our own pages, where the file never was."""
    if attribute != "href":
        return value
    try:
        return value if urlsplit(value).scheme.lower() in SCHEMES else None
    except ValueError:
        return None
