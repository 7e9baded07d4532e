"""Documentation and blog as pages, and the blog as a feed."""

from __future__ import annotations

import datetime
from email.utils import format_datetime

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from gesso.domain.errors import FileUnknown
from gesso.web.documents import Documents
from gesso.web.render import HEADERS
from gesso.web.site import Site

_WORDS_MAX_CHARACTERS = 200


class ReadingPages:
    def __init__(self, site: Site, documents: Documents) -> None:
        self._site = site
        self._documents = documents

    def routes(self) -> list[BaseRoute]:
        route = self._site.route
        return [
            route("/docs", self._contents),
            route("/docs/{slug}", self._document),
            route("/blog", self._blog),
            route("/blog/feed.xml", self._feed),
            route("/blog/{slug}", self._post),
        ]

    async def _contents(self, request: Request) -> Response:
        visitor = await self._site.visitor(request)
        words = request.query_params.get("q", "")[:_WORDS_MAX_CHARACTERS].strip()
        found = [one for one in self._documents.search(words) if one[1].startswith("/docs/")]
        return self._site.page(request, visitor, "docs/contents.html", nav="docs", pages=self._documents.pages(), words=words, found=found)

    async def _document(self, request: Request) -> Response:
        visitor = await self._site.visitor(request)
        pages = self._documents.pages()
        page = pages.get(request.path_params["slug"])
        if page is None:
            raise FileUnknown
        slugs = list(pages)
        at = slugs.index(page.slug)
        return self._site.page(
            request,
            visitor,
            "docs/page.html",
            nav="docs",
            page=page,
            pages=pages,
            before=pages[slugs[at - 1]] if at else None,
            after=pages[slugs[at + 1]] if at + 1 < len(slugs) else None,
        )

    async def _blog(self, request: Request) -> Response:
        return self._site.page(request, await self._site.visitor(request), "docs/blog.html", posts=self._documents.blog())

    async def _post(self, request: Request) -> Response:
        visitor = await self._site.visitor(request)
        post = next((post for post in self._documents.blog() if post.slug == request.path_params["slug"]), None)
        if post is None:
            raise FileUnknown
        return self._site.page(request, visitor, "docs/post.html", post=post)

    async def _feed(self, request: Request) -> Response:
        origin = self._site.origin(request)
        midnight = datetime.time(tzinfo=datetime.UTC)
        posts = [(post, format_datetime(datetime.datetime.combine(post.day, midnight))) for post in self._documents.blog() if post.day]
        text = self._site.renderer.text("docs/feed.xml", {"posts": posts, "origin": origin})
        return Response(text, headers=HEADERS, media_type="application/rss+xml; charset=utf-8")
