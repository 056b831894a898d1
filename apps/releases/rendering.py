"""Release notes as HTML that is safe to show. Only this module calls `mark_safe`."""

from __future__ import annotations

import nh3
from django.utils.safestring import SafeString, mark_safe

from gitopsui.adapters.markdown_html import clean_html
from gitopsui.adapters.markdown_render import Rendered, render_markdown

__all__ = ["Rendered", "as_safe_html", "as_safe_markdown", "render_markdown", "sanitise"]

# What `to_html` writes, and nothing with an attribute: no link, no image, no style.
TAGS = {"h2", "h3", "p", "ul", "li", "strong", "blockquote", "code"}


def sanitise(html: str) -> str:
    """`html` with only a few elements without attributes; what is inside a script or style is dropped."""
    return nh3.clean(
        html, tags=TAGS, attributes={"*": set()}, clean_content_tags={"script", "style"}, link_rel=None
    )


def as_safe_html(html: str) -> SafeString:
    """For a template. It is sanitised once more: a stored text is no proof of where it came from."""
    return mark_safe(sanitise(html))  # noqa: S308


def as_safe_markdown(html: str) -> SafeString:
    """The same for HTML that was rendered from Markdown, which has links, tables and code besides."""
    return mark_safe(clean_html(html))  # noqa: S308
