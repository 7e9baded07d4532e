"""The Run tab of a Model: its picture to paint on, the form of its parameters, and what a run of it will take and cost. Scripts send the
form to the API; a browser without them sends it here."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute

from gesso.domain.errors import GessoError, Unavailable
from gesso.domain.ledger import Statistics
from gesso.domain.limits import FILES_MAX_COUNT
from gesso.domain.model import Model
from gesso.domain.price import FREE, Price, PriceMethod
from gesso.services.readme import html_of
from gesso.services.submission import Order
from gesso.web import run_form
from gesso.web.apps import App, app_named
from gesso.web.controls import Desk, desk_of
from gesso.web.forms import Form, read_parts
from gesso.web.models import ModelFrame
from gesso.web.render import HEADERS, credits_text, seconds_text
from gesso.web.run_form import CALLBACK, Asked
from gesso.web.site import Site
from gesso.web.visitor import Visitor

_PREVIEW_MAX_CHARACTERS = 1_400
# Webhooks of what is ordered on a page are written as those of the API that its scripts speak.
_DIALECT = "wiro"
_MEND = "Nothing ran yet. Mend what is marked, and run."
_CHOOSE_AGAIN = "Nothing ran yet. Mend what is marked, choose the files again, and run."
_EACH = {
    PriceMethod.PER_REQUEST: "a run",
    PriceMethod.PER_SECOND: "a second",
    PriceMethod.PER_OUTPUT: "an output",
    PriceMethod.PER_PIXEL_TIER: "a megapixel",
    PriceMethod.PER_PROMPT_CHARACTER: "a character of the prompt",
    PriceMethod.REPORTED: "a run, or what the model reports",
}


class RunPage:
    def __init__(self, site: Site, frame: ModelFrame) -> None:
        self._site = site
        self._frame = frame
        self._desks = {model.name: desk_of(model) for model in site.services.catalog.all()}

    def routes(self) -> list[BaseRoute]:
        page = "/models/{owner}/{slug}"
        return [self._site.route(page, self._show), self._site.route(page, self._run, ("POST",))]

    async def _show(self, request: Request) -> Response:
        model = self._frame.model(request)
        values = run_form.typed(model, Form({name: request.query_params.getlist(name) for name in request.query_params}))
        given = {name: value for name, value in values.items() if name in request.query_params}
        return await self._page(request, await self._site.visitor(request), model, self._desk(request, model).filled(given))

    async def _run(self, request: Request) -> Response:
        visitor, model = await self._site.visitor(request), self._frame.model(request)
        if visitor.user is None or visitor.project is None:
            there = "/projects" if visitor.user else f"/sign-in?next={quote(request.url.path, safe='/')}"
            return RedirectResponse(there, 303, HEADERS)
        services = self._site.services
        form, parts = await read_parts(request, visitor, services.blobs)
        asked = run_form.read(model, form, parts, self._site.origin(request))
        received = tuple(one for _, one in parts)
        desk = self._desk(request, model)
        if asked.problems:
            await services.blobs.delete([one.access_key for one in received])
            return await self._page(request, visitor, model, desk.filled(asked.typed, asked.problems), asked)
        order = Order(
            visitor.project, model, _DIALECT, asked.values, asked.files, received, {}, asked.callback_url, author=visitor.user.uuid
        )
        try:
            task = await services.submission.submit(order)
        except GessoError as error:
            name = run_form.named(error)
            told = {name: run_form.sentence(error)} if name else {}
            status = 503 if isinstance(error, Unavailable) else 400
            return await self._page(request, visitor, model, desk.filled(asked.typed, told), asked, "" if told else str(error), status)
        return RedirectResponse(f"/tasks/{task.id}", 303, HEADERS)

    def _desk(self, request: Request, model: Model) -> Desk:
        app, desk = _app(request, model), self._desks[model.name]
        return desk.for_job(app.controls) if app else desk

    async def _page(
        self, request: Request, visitor: Visitor, model: Model, desk: Desk, asked: Asked | None = None, problem: str = "", status: int = 400
    ) -> Response:
        """`asked`: what was refused, for `problem` as a whole or for what stands at its fields."""
        statistics = (await self._site.services.statistics.model_statistics()).get(model.name, Statistics())
        return await self._frame.page(
            request,
            visitor,
            model,
            "run",
            "models/run.html",
            status=status if asked else 200,
            desk=desk,
            app=_app(request, model),
            problem=problem or _asking_again(asked),
            callback=(asked.typed[CALLBACK], asked.problems.get(CALLBACK, "")) if asked else (request.query_params.get(CALLBACK, ""), ""),
            files_max=FILES_MAX_COUNT,
            takes=takes_words(statistics),
            costs=costs_words(model.price, statistics),
            readme=await asyncio.to_thread(html_of, beginning(model.readme)),
            run=self._data(model, desk, visitor),
        )

    def _data(self, model: Model, desk: Desk, visitor: Visitor) -> dict[str, Any]:
        """What the scripts of the page know of the Model and of who looks at it."""
        return {
            "name": model.name,
            "path": f"/Run/{model.owner}/{model.slug}",
            "page": f"/models/{model.clean_name}",
            "slug": model.slug,
            "picture": desk.picture.id if desk.picture else "",
            "mask": desk.mask.id if desk.mask else "",
            "pictureLabel": (desk.picture.label or desk.picture.id) if desk.picture else "",
            "maskLabel": (desk.mask.label or desk.mask.id) if desk.mask else "",
            "isMaskRequired": bool(desk.mask and desk.mask.required),
            "extension": desk.extension,
            "isSignedIn": visitor.user is not None,
            "hasProject": visitor.project is not None,
        }


def _asking_again(asked: Asked | None) -> str:
    """A browser fills in no files by itself."""
    if asked is None:
        return ""
    return _CHOOSE_AGAIN if asked.files else _MEND


def _app(request: Request, model: Model) -> App | None:
    """The App that the address names, where the Model can do its job."""
    app = app_named(request.query_params.get("app", ""))
    return app if app and app.suits(model) else None


def takes_words(statistics: Statistics) -> str:
    """How long a run takes here, by those that succeeded; empty while there is none."""
    if not statistics.succeeded:
        return ""
    return f"About {seconds_text(statistics.billed_us // statistics.succeeded)} on this server"


def costs_words(price: Price, statistics: Statistics) -> str:
    """What a run costs: an amount where past runs tell one, and otherwise the price as it is declared."""
    amounts = [rule.price for rule in price.rules] or [price.per_second]
    if all(amount == FREE for amount in amounts):
        return "Free"
    if statistics.succeeded and statistics.amount:
        return f"About {credits_text(statistics.amount / statistics.succeeded)} credits"
    if not price.rules:
        return f"{exact(price.per_second)} credits a second"
    cheapest = min(price.rules, key=lambda rule: rule.price)
    least = "From " if len(price.rules) > 1 else ""
    return f"{least}{exact(cheapest.price)} credits {_EACH[cheapest.method]}"


def exact(amount: Decimal) -> str:
    """A declared price with every digit of it."""
    return f"{amount.normalize():f}"


def beginning(readme: str) -> str:
    """The first paragraphs of a readme. A page has one title, so none of its headings is one."""
    kept: list[str] = []
    length = 0
    for paragraph in readme.strip().split("\n\n"):
        length += len(paragraph)
        if kept and length > _PREVIEW_MAX_CHARACTERS:
            break
        kept.append(f"#{paragraph}" if paragraph.startswith("# ") else paragraph)
    # A heading at the end would announce what is not shown.
    while len(kept) > 1 and kept[-1].startswith("#") and "\n" not in kept[-1]:
        kept.pop()
    return "\n\n".join(kept)
