"""The calls about tools: List, Detail, Explore, DetailOpenAPI. Source: protocol, sections 2.6 to 2.9.

They are public: no key is asked for, and a false one is not looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gesso.api.dialect import Answer, Services
from gesso.api.request import Request
from gesso.api.wiro import asking, decode, openapi, tools
from gesso.api.wiro.calls import Calls, Route, told
from gesso.api.wiro.owners import Owners
from gesso.domain.errors import ModelUnknown
from gesso.domain.ledger import Statistics
from gesso.domain.model import Model, clean
from gesso.services.catalog import Query, Sort

_SORTS = {
    "id": Sort.ID,
    "relevance": Sort.RELEVANCE,
    "time": Sort.TIME,
    "ratedusercount": Sort.RATINGS,
    "commentcount": Sort.COMMENTS,
    "averagepoint": Sort.POINTS,
}
_SHELF_MAX_COUNT = 12


class Catalogue:
    def __init__(self, services: Services, calls: Calls, owners: Owners) -> None:
        self._services = services
        self._catalog = services.catalog
        self._calls = calls
        self._owners = owners
        self._tools: dict[tuple[str, bool], dict[str, Any]] = {}
        self._specs: dict[tuple[str, str], Answer] = {}

    @property
    def routes(self) -> Mapping[tuple[str, ...], Route]:
        return {
            ("Tool", "List"): self._list,
            ("Tool", "Detail"): self._detail,
            ("Tool", "Explore"): self._explore,
            ("Tool", "DetailOpenAPI"): self._detail_openapi,
        }

    async def _list(self, request: Request) -> Answer:
        """`total` is a number here, where it is a text in the lists of tasks: clients decode both strictly."""
        fields = await self._calls.fields(request)
        page, is_summary = asking.page(fields), asking.flag(fields, "summary")
        found = self._catalog.search(query(fields))
        statistics = await self._services.statistics.model_statistics()
        shown = [self._tool(model, statistics, is_summary) for model in found[page.start : page.start + page.limit]]
        return told({"result": True, "errors": [], "total": len(found), "tool": shown})

    async def _detail(self, request: Request) -> Answer:
        fields = await self._calls.fields(request)
        model = self._catalog.find(*decode.model_reference(fields))
        statistics = await self._services.statistics.model_statistics()
        return told({"result": True, "errors": [], "tool": [self._tool(model, statistics, decode.is_summary(fields))]})

    async def _explore(self, request: Request) -> Answer:
        await self._calls.fields(request)
        shelves = [
            {
                "id": str(number),
                "title": title(category),
                "name": title(category),
                "total": len(models),
                "tools": [_card(model, self._catalog.number(model)) for model in models[:_SHELF_MAX_COUNT]],
            }
            for number, (category, models) in enumerate(self._catalog.by_category().items(), 1)
        ]
        return told({"result": True, "errors": [], "explore": shelves})

    async def _detail_openapi(self, request: Request) -> Answer:
        """A bare list of two documents, without the envelope; of an unknown model an empty one, for who reads it searches a list."""
        try:
            model = self._catalog.find(*decode.model_reference(await self._calls.fields(request)))
        except ModelUnknown:
            return told([])
        base = self._owners.base(request)
        kept = self._specs.get((model.name, base))
        if kept is None:
            # The Host header is the client's to choose, so what is kept for it has a bound.
            if len(self._specs) >= len(self._catalog.all()) * 4:
                self._specs.clear()
            kept = self._specs[model.name, base] = told(openapi.documents(model, base))
        return kept

    def _tool(self, model: Model, statistics: Mapping[str, Statistics], is_summary: bool) -> dict[str, Any]:
        counts = statistics.get(model.name, tools.NO_RUNS)
        readme = "" if is_summary else self._catalog.readme_html(model)
        return tools.tool(model, self._catalog.number(model), is_summary, readme, counts)


def query(fields: Mapping[str, Any]) -> Query:
    """What a list of tools asks for. Without a sort, words are answered by relevance and all else in the order of the catalogue.

    Errors: ParameterNotAllowed.
    """
    search = asking.word(fields, "search")
    sort = _SORTS[asking.choice(fields, "sort", tuple(_SORTS), "relevance" if search else "id")]
    order = asking.order(fields) or ("ASC" if sort is Sort.ID else "DESC")
    return Query(
        search=search,
        categories=asking.words(fields, "categories"),
        tags=asking.words(fields, "tags"),
        owner=asking.word(fields, "slugowner"),
        hides_workflows=asking.flag(fields, "hideworkflows"),
        sort=sort,
        is_descending=order == "DESC",
    )


def title(category: str) -> str:
    """A category as people read it: `image-to-image` is "Image to image"."""
    words = category.replace("-", " ").strip()
    return words[:1].upper() + words[1:]


def _card(model: Model, number: int) -> dict[str, Any]:
    return {
        "id": str(number),
        "title": model.title,
        "slugowner": model.owner,
        "slugproject": model.slug,
        "cleanslugowner": clean(model.owner),
        "cleanslugproject": clean(model.slug),
        "image": model.samples[0] if model.samples else "",
        "description": model.description,
        "categories": list(model.categories),
        "commentcount": "0",
        "ratedusercount": "0",
        "averagepoint": "0.00",
    }
