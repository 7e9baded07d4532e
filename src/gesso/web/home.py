"""The first page, the apps, and the pages about this server itself."""

from __future__ import annotations

import asyncio
import importlib.metadata

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from gesso.domain.errors import ModelUnknown
from gesso.domain.model import Model
from gesso.domain.parameter import Role
from gesso.services.catalog import Query, Sort
from gesso.services.offer import Services
from gesso.web.apps import APPS, app_named
from gesso.web.covers import cover
from gesso.web.documents import Documents
from gesso.web.site import Site

_FEATURED_MAX_COUNT = 6
_FOUND_MAX_COUNT = 20
_WORDS_MAX_CHARACTERS = 200


class HomePages:
    def __init__(self, site: Site, documents: Documents) -> None:
        self._site = site
        self._documents = documents

    def routes(self) -> list[BaseRoute]:
        route = self._site.route
        return [
            route("/", self._home),
            route("/apps", self._apps),
            route("/apps/{slug}", self._app),
            route("/search", self._search),
            route("/about", self._about),
            route("/licenses", self._licences),
        ]

    async def _home(self, request: Request) -> Response:
        visitor = await self._site.visitor(request)
        services = self._site.services
        models = services.catalog.all()[:_FEATURED_MAX_COUNT]
        readiness = await asyncio.to_thread(lambda: {model.name: services.catalog.readiness(model) for model in models})
        return self._site.page(
            request,
            visitor,
            "home.html",
            models=[(model, readiness[model.name], cover(self._site.static, model)) for model in models],
            sample=_first_that_fills(services, models),
            origin=self._site.origin(request),
            may_sign_up=visitor.user is None and await services.users.may_sign_up(),
        )

    async def _apps(self, request: Request) -> Response:
        visitor = await self._site.visitor(request)
        models = await self._runnable()
        apps = [(app, app.choose(models)) for app in APPS]
        return self._site.page(request, visitor, "apps.html", nav="apps", apps=apps)

    async def _app(self, request: Request) -> Response:
        visitor = await self._site.visitor(request)
        app = app_named(request.path_params["slug"])
        if app is None:
            raise ModelUnknown(f"apps/{request.path_params['slug']}")
        models = [model for model in await self._runnable() if app.suits(model)]
        return self._site.page(request, visitor, "app.html", nav="apps", app=app, models=models)

    async def _runnable(self) -> list[Model]:
        """The Models that can run now."""
        catalog = self._site.services.catalog
        return await asyncio.to_thread(lambda: [model for model in catalog.all() if catalog.readiness(model).is_ready])

    async def _search(self, request: Request) -> Response:
        visitor = await self._site.visitor(request)
        words = request.query_params.get("q", "")[:_WORDS_MAX_CHARACTERS].strip()
        query = Query(search=words, sort=Sort.RELEVANCE, is_descending=True)
        return self._site.page(
            request,
            visitor,
            "search.html",
            words=words,
            models=self._site.services.catalog.search(query)[:_FOUND_MAX_COUNT] if words else [],
            documents=self._documents.search(words)[:_FOUND_MAX_COUNT] if words else [],
            apps=[app for app in APPS if words and all(word in f"{app.title} {app.text}".lower() for word in words.lower().split())],
        )

    async def _about(self, request: Request) -> Response:
        return self._site.page(request, await self._site.visitor(request), "about.html", origin=self._site.origin(request))

    async def _licences(self, request: Request) -> Response:
        visitor = await self._site.visitor(request)
        packages = await asyncio.to_thread(_packages)
        return self._site.page(request, visitor, "licences.html", packages=packages, models=self._site.services.catalog.all())


def _first_that_fills(services: Services, models: tuple[Model, ...]) -> Model | None:
    """A Model with a mask that can run here, for the button beside the sample."""
    with_mask = [model for model in models if any(parameter.role is Role.MASK for parameter in model.parameters)]
    return next((model for model in with_mask if services.catalog.readiness(model).is_ready), None)


def _packages() -> list[tuple[str, str, str]]:
    """Name, version and licence of all that gesso needs and that is installed."""
    found = []
    for text in importlib.metadata.requires("gesso") or ():
        if "extra ==" in text:
            continue
        name = text.split(";")[0].split("[")[0]
        for end in "<>=!~ ":
            name = name.split(end)[0]
        try:
            about = importlib.metadata.metadata(name)
        except importlib.metadata.PackageNotFoundError:
            continue
        licence = next((about[name] for name in ("License-Expression", "License") if name in about), "")
        if not licence or len(licence) > 60:
            licence = next((line.rpartition(" :: ")[2] for line in about.get_all("Classifier", []) if line.startswith("License")), "")
        found.append((about["Name"], about["Version"], licence))
    return sorted(found, key=lambda one: one[0].lower())
