"""Whose a task is, as this wire names them, and from where its URLs are reached."""

from __future__ import annotations

from gesso.api.dialect import Services
from gesso.api.request import Request
from gesso.api.wiro.encode import Viewer
from gesso.domain.project import Project

PREFIX = "/v1"
_REMEMBERED_MAX_COUNT = 10_000


class Owners:
    """A project's uuid never changes, so it is looked up once: sockets and webhooks have a task and no Project."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._uuids: dict[int, str] = {}
        self._public_base = services.public_url.rstrip("/") + PREFIX if services.public_url else ""

    def base(self, request: Request) -> str:
        """Origin and prefix of the URLs that the sender of `request` is given."""
        return self._public_base or request.origin() + PREFIX

    def origins(self, request: Request) -> tuple[str, ...]:
        """The origins whose file addresses are this server's own, in lower case."""
        here = (request.origin().lower(), *request.loopback_origins())
        return (*here, self._public_base.removesuffix(PREFIX).lower()) if self._public_base else here

    def viewer(self, request: Request, project: Project) -> Viewer:
        return Viewer(self.base(request), project.uuid)

    async def uuid(self, project_id: int) -> str:
        known = self._uuids.get(project_id)
        if known is None:
            project = await self._services.accounts.project(project_id)
            known = project.uuid if project is not None else ""
            if len(self._uuids) >= _REMEMBERED_MAX_COUNT:
                self._uuids.clear()
            self._uuids[project_id] = known
        return known

    async def absent_viewer(self, project_id: int) -> Viewer:
        """For a webhook, whose receiver has sent no request."""
        base = self._public_base or self._services.own_url.rstrip("/") + PREFIX
        return Viewer(base, await self.uuid(project_id))
