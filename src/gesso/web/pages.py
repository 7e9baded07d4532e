"""All rooms of pages, in the order in which their paths are tried."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from gesso.services.offer import Services
from gesso.web.admin import AdminPages
from gesso.web.billing import BillingPages
from gesso.web.borrowed import Borrowed
from gesso.web.catalogue import CataloguePages
from gesso.web.dashboard import DashboardPages
from gesso.web.documents import Documents
from gesso.web.entry import EntryPages
from gesso.web.files import FilePages
from gesso.web.home import HomePages
from gesso.web.integration import GuidePages
from gesso.web.models import ModelFrame
from gesso.web.pricing import PricingPages
from gesso.web.project_changes import ProjectChanges
from gesso.web.projects import ProjectPages
from gesso.web.reading import ReadingPages
from gesso.web.run import RunPage
from gesso.web.second_factor import SecondFactorPages
from gesso.web.settings import SettingsPages
from gesso.web.site import Site
from gesso.web.task_actions import TaskActions
from gesso.web.task_export import TaskExport
from gesso.web.tasks import TaskPages
from gesso.web.thumbs import Thumbs

Failed = Callable[[Request, Exception], Awaitable[Response]]


def build_pages(services: Services, posts: Path | None = None) -> tuple[list[BaseRoute], Failed]:
    """The routes, and what answers where there is none. `posts`: a folder of the operator's own blog posts."""
    site = Site(services)
    documents = Documents(posts)
    frame = ModelFrame(site)
    projects = ProjectPages(site)
    rooms = (
        HomePages(site, documents),
        ReadingPages(site, documents),
        EntryPages(site),
        DashboardPages(site),
        AdminPages(site),
        CataloguePages(site, frame),
        GuidePages(site, frame),
        RunPage(site, frame),
        TaskActions(site),
        TaskExport(site),
        TaskPages(site, frame),
        Thumbs(site),
        Borrowed(site),
        projects,
        ProjectChanges(site, projects),
        FilePages(site),
        BillingPages(site),
        PricingPages(site),
        SettingsPages(site),
        SecondFactorPages(site),
    )
    return [*site.static.routes(), *(route for room in rooms for route in room.routes())], site.failed_elsewhere
