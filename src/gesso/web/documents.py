"""The documentation and the blog: markdown from the package, and posts from the data folder, as pages that can be searched."""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass
from pathlib import Path

from gesso.services.readme import html_of

_PACKAGED = Path(__file__).parent / "documents"
# Where a checkout has them; a wheel carries a copy beside this file.
_CHECKOUT = Path(__file__).parents[3] / "docs"
_ORDER = (
    "introduction",
    "first-project",
    "painting",
    "models",
    "api",
    "files",
    "webhooks",
    "errors",
    "accounts",
    "billing",
    "commands",
    "settings",
)
_POST = re.compile(r"(\d{4}-\d{2}-\d{2})-([a-z0-9-]+)")
_HEADING = re.compile(r"^#\s+(.+)$", re.M)
_SECTION = re.compile(r"^##\s+(.+)$", re.M)
_LINK = re.compile(r"\]\(((?!https?:|#|/)[^)\s]+)\)")
_EXCERPT_CHARACTERS = 180


@dataclass(frozen=True, slots=True)
class Document:
    """`slug`: its name in addresses. `day`: of a post, None for documentation."""

    slug: str
    title: str
    markdown: str
    day: datetime.date | None = None

    @property
    def html(self) -> str:
        """Safe to show; without the title, which the page has already."""
        return html_of(_HEADING.sub("", self.markdown, count=1))

    @property
    def sections(self) -> list[str]:
        return _SECTION.findall(self.markdown)

    @property
    def lede(self) -> str:
        """Its first paragraph, as plain text."""
        body = _HEADING.sub("", self.markdown, count=1).strip()
        return _plain(body.split("\n\n")[0])

    def excerpt(self, words: list[str]) -> str:
        """Where `words` stand, or the first of them."""
        text = _plain(self.markdown)
        lower = text.lower()
        phrase = lower.find(" ".join(words))
        at = phrase if phrase >= 0 else min((found for word in words if (found := lower.find(word)) >= 0), default=0)
        start = max(0, at - _EXCERPT_CHARACTERS // 3)
        cut = text[start : start + _EXCERPT_CHARACTERS]
        return ("…" if start else "") + cut + ("…" if start + _EXCERPT_CHARACTERS < len(text) else "")


class Documents:
    """`posts`: a folder of the operator's own posts, named 2026-01-31-some-words.md. Read once, at the first look."""

    def __init__(self, posts: Path | None = None) -> None:
        self._posts = posts
        self._pages: dict[str, Document] | None = None
        self._blog: list[Document] | None = None

    def pages(self) -> dict[str, Document]:
        if self._pages is None:
            folder = _PACKAGED if _PACKAGED.is_dir() else _CHECKOUT
            found = {path.stem: _document(path) for path in folder.glob("*.md") if path.stem in _ORDER}
            self._pages = {slug: found[slug] for slug in _ORDER if slug in found}
        return self._pages

    def blog(self) -> list[Document]:
        """Newest first."""
        if self._blog is None:
            folder = _PACKAGED if _PACKAGED.is_dir() else _CHECKOUT
            folders = [folder / "blog", *([self._posts] if self._posts else [])]
            posts = [_document(path) for each in folders if each.is_dir() for path in each.glob("*.md") if _POST.fullmatch(path.stem)]
            self._blog = sorted(posts, key=lambda post: (str(post.day), post.slug), reverse=True)
        return self._blog

    def search(self, words: str) -> list[tuple[Document, str, str]]:
        """Those that have every word: each with its address and an excerpt, the best first."""
        wanted = words.lower().split()
        if not wanted:
            return []
        found = []
        for address, document in [
            *((f"/docs/{slug}", page) for slug, page in self.pages().items()),
            *((f"/blog/{post.slug}", post) for post in self.blog()),
        ]:
            text = document.markdown.lower()
            if all(word in text for word in wanted):
                weight = sum(text.count(word) + 50 * (word in document.title.lower()) for word in wanted)
                found.append((weight, document, address))
        found.sort(key=lambda one: -one[0])
        return [(document, address, document.excerpt(wanted)) for _, document, address in found]


def _document(path: Path) -> Document:
    markdown = _LINK.sub(_own_address, path.read_text(encoding="utf-8"))
    title = _HEADING.search(markdown)
    post = _POST.fullmatch(path.stem)
    day = datetime.date.fromisoformat(post[1]) if post else None
    return Document(post[2] if post else path.stem, title[1].strip() if title else path.stem, markdown, day)


def _own_address(link: re.Match[str]) -> str:
    """A link to a neighbouring file as the address of its page; to what is no page, the name of the file."""
    target, _, anchor = link[1].partition("#")
    stem = Path(target).stem
    return f"](/docs/{stem}{'#' + anchor if anchor else ''})" if stem in _ORDER else "](/docs)"


def _plain(markdown: str) -> str:
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", markdown)
    return " ".join(re.sub(r"[`*#|_]+|^>", " ", text, flags=re.M).split())
