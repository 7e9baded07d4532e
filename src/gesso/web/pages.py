"""All rooms of pages, in the order in which their paths are tried."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from gesso.services.offer import Services
from gesso.web.catalogue import CataloguePages
from gesso.web.entry import EntryPages
from gesso.web.integration import GuidePages
from gesso.web.models import ModelFrame
from gesso.web.run import RunPage
from gesso.web.site import Site

Failed = Callable[[Request, Exception], Awaitable[Response]]


def build_pages(services: Services) -> tuple[list[BaseRoute], Failed]:
    """The routes, and what answers where there is none."""
    site = Site(services)
    frame = ModelFrame(site)
    rooms = (
        EntryPages(site),
        CataloguePages(site, frame),
        GuidePages(site, frame),
        RunPage(site, frame),
    )
    return [*site.static.routes(), *(route for room in rooms for route in room.routes())], site.failed_elsewhere
