"""The list of Models, and the tabs of a Model that are there to read: its readme, what people say, and a way to report it."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute

from gesso.domain.errors import GessoError, TooManyAttempts
from gesso.domain.ledger import Statistics
from gesso.domain.model import Model
from gesso.services.catalog import Query, Sort
from gesso.web.covers import cover
from gesso.web.forms import read_form
from gesso.web.models import ModelFrame
from gesso.web.render import HEADERS
from gesso.web.site import Site
from gesso.web.visitor import Visitor

_SORTS = {"": "As listed", "runs": "Most runs", "new": "Newest first"}
_QUERY_MAX_CHARACTERS = 200


class CataloguePages:
    def __init__(self, site: Site, frame: ModelFrame) -> None:
        self._site = site
        self._frame = frame

    def routes(self) -> list[BaseRoute]:
        route = self._site.route
        place = "/models/{owner}/{slug}"
        return [
            route("/models", self._list),
            route(f"{place}/readme", self._readme),
            route(f"{place}/comments", self._comments),
            route(f"{place}/comments", self._comment, ("POST",)),
            route(f"{place}/comments/remove", self._remove, ("POST",)),
            route(f"{place}/report", self._show_report),
            route(f"{place}/report", self._report, ("POST",)),
        ]

    async def _list(self, request: Request) -> Response:
        visitor = await self._site.visitor(request)
        services = self._site.services
        words = request.query_params.get("q", "")[:_QUERY_MAX_CHARACTERS].strip()
        category = request.query_params.get("category", "")[:_QUERY_MAX_CHARACTERS].strip().lower()
        sort = request.query_params.get("sort", "")
        query = Query(
            search=words,
            categories=frozenset({category} if category else ()),
            sort=Sort.TIME if sort == "new" else Sort.RELEVANCE if words else Sort.ID,
            is_descending=bool(words) or sort == "new",
        )
        statistics = await services.statistics.model_statistics()
        models = services.catalog.search(query)
        if sort == "runs":
            models.sort(key=lambda model: -statistics.get(model.name, Statistics()).submitted)
        return self._site.page(
            request,
            visitor,
            "models/list.html",
            nav="models",
            models=[(model, statistics.get(model.name, Statistics()), cover(self._site.static, model)) for model in models],
            readiness=await asyncio.to_thread(lambda: {model.name: services.catalog.readiness(model) for model in models}),
            shelves=sorted((name, len(shelf)) for name, shelf in services.catalog.by_category().items()),
            total=len(services.catalog.all()),
            words=words,
            category=category,
            sort=sort if sort in _SORTS else "",
            sorts=_SORTS,
        )

    async def _readme(self, request: Request) -> Response:
        visitor = await self._site.visitor(request)
        model = self._frame.model(request)
        html = await asyncio.to_thread(self._site.services.catalog.readme_html, model)
        return await self._frame.page(request, visitor, model, "readme", "models/readme.html", readme=html)

    async def _comments(self, request: Request) -> Response:
        return await self._comments_page(request, await self._site.visitor(request))

    async def _comments_page(self, request: Request, visitor: Visitor, text: str = "", problem: str = "", status: int = 200) -> Response:
        model = self._frame.model(request)
        found = await self._site.services.comments.of_model(model.name)
        return await self._frame.page(
            request, visitor, model, "comments", "models/comments.html", status=status, comments=found, text=text, problem=problem
        )

    async def _comment(self, request: Request) -> Response:
        visitor = await self._site.member(request)
        model = self._frame.model(request)
        form = await read_form(request, visitor)
        try:
            await self._site.services.comments.add(visitor.signed_in, model.name, form.get("text", ""))
        except GessoError as error:
            status = 429 if isinstance(error, TooManyAttempts) else 400
            return await self._comments_page(request, visitor, form.get("text", ""), str(error), status)
        return self._back(model, "comments")

    async def _remove(self, request: Request) -> Response:
        visitor = await self._site.member(request)
        model = self._frame.model(request)
        given = (await read_form(request, visitor)).word("id")
        await self._site.services.comments.remove(visitor.signed_in, int(given) if given.isdecimal() and len(given) < 19 else 0)
        return self._back(model, "comments")

    async def _show_report(self, request: Request) -> Response:
        return await self._report_page(request, await self._site.member(request))

    async def _report_page(
        self, request: Request, visitor: Visitor, text: str = "", problem: str = "", status: int = 200, is_sent: bool = False
    ) -> Response:
        model = self._frame.model(request)
        return await self._frame.page(
            request, visitor, model, "", "models/report.html", status=status, text=text, problem=problem, is_sent=is_sent
        )

    async def _report(self, request: Request) -> Response:
        visitor = await self._site.member(request)
        form = await read_form(request, visitor)
        try:
            await self._site.services.comments.report(visitor.signed_in, self._frame.model(request).name, form.get("text", ""))
        except GessoError as error:
            status = 429 if isinstance(error, TooManyAttempts) else 400
            return await self._report_page(request, visitor, form.get("text", ""), str(error), status)
        return await self._report_page(request, visitor, is_sent=True)

    def _back(self, model: Model, tab: str) -> Response:
        return RedirectResponse(f"/models/{model.clean_name}/{tab}", 303, HEADERS)
