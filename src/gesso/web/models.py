"""The frame around all tabs of a Model: its name, what it is, whether it can run, and how often it did."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from gesso.domain.ledger import Statistics
from gesso.domain.model import Model
from gesso.web.covers import cover
from gesso.web.site import Site
from gesso.web.visitor import Visitor

_RELATED_MAX_COUNT = 4


class ModelFrame:
    """Handed to every tab of a Model's page: `templates/models/layout.html` shows what `page` gathers."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def model(self, request: Request) -> Model:
        """Errors: ModelUnknown."""
        return self._site.services.catalog.find(request.path_params["owner"], request.path_params["slug"])

    async def page(self, request: Request, visitor: Visitor, model: Model, tab: str, template: str, **context: Any) -> Response:
        """`tab`: run, history, api, readme or comments."""
        services = self._site.services
        statistics = await services.statistics.model_statistics()
        readiness = await asyncio.to_thread(services.catalog.readiness, model)
        return self._site.page(
            request,
            visitor,
            template,
            nav="models",
            model=model,
            tab=tab,
            base=f"/models/{model.clean_name}",
            readiness=readiness,
            statistics=statistics.get(model.name, Statistics()),
            related=[(other, cover(self._site.static, other)) for other in self._related(model)],
            cover=cover(self._site.static, model),
            comments_count=await services.comments.count(model.name),
            origin=self._site.origin(request),
            **context,
        )

    def _related(self, model: Model) -> list[Model]:
        """Other Models that share the most categories with this one."""
        others = [other for other in self._site.services.catalog.all() if other.name != model.name]
        shared = {other.name: len(set(other.categories) & set(model.categories)) for other in others}
        return sorted((other for other in others if shared[other.name]), key=lambda other: -shared[other.name])[:_RELATED_MAX_COUNT]
