"""The Run tab of a Model: its picture to paint on, the form of its parameters, and what a run of it will take and cost."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from gesso.domain.ledger import Statistics
from gesso.domain.limits import FILES_MAX_COUNT
from gesso.domain.model import Model
from gesso.domain.price import FREE, Price, PriceMethod
from gesso.services.readme import html_of
from gesso.web.controls import Desk, desk_of
from gesso.web.models import ModelFrame
from gesso.web.render import credits_text, seconds_text
from gesso.web.site import Site
from gesso.web.visitor import Visitor

_PREVIEW_MAX_CHARACTERS = 1_400
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
        return [self._site.route("/models/{owner}/{slug}", self._show)]

    async def _show(self, request: Request) -> Response:
        visitor = await self._site.visitor(request)
        model = self._frame.model(request)
        statistics = (await self._site.services.statistics.model_statistics()).get(model.name, Statistics())
        desk = self._desks[model.name]
        return await self._frame.page(
            request,
            visitor,
            model,
            "run",
            "models/run.html",
            desk=desk,
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
