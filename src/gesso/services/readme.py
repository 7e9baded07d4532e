"""Readmes as HTML that is safe to show: markdown is rendered without raw HTML, and what comes out is cleaned all the same.

Models come from packages and files of third parties, so a readme is foreign text.
"""

from __future__ import annotations

import functools

import nh3
from markdown_it import MarkdownIt

_TAGS = {
    "a", "blockquote", "br", "code", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "img", "li", "ol", "p", "pre", "s", "strong",
    "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
_ATTRIBUTES = {"a": {"href", "title"}, "img": {"src", "alt", "title"}, "ol": {"start"}}
_SCHEMES = {"http", "https", "mailto"}
_KEPT_MAX_COUNT = 512


@functools.lru_cache(maxsize=_KEPT_MAX_COUNT)
def html_of(markdown: str) -> str:
    """The HTML of a readme; the same text is rendered once."""
    if not markdown.strip():
        return ""
    rendered = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"]).render(markdown)
    return nh3.clean(rendered, tags=_TAGS, attributes=_ATTRIBUTES, url_schemes=_SCHEMES, link_rel="noopener noreferrer nofollow")
