"""What every call of this wire begins with: who asks, and the fields that came. Source: protocol, sections 0 and 1."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import orjson
import structlog

from gesso.api.body import Body, read_body
from gesso.api.dialect import Answer, Services
from gesso.api.inflate import is_packed, unpacked
from gesso.api.request import Request
from gesso.api.wiro import browser
from gesso.api.wiro.auth import proof_of
from gesso.domain.errors import BodyUnreadable
from gesso.domain.limits import FIELDS_MAX_BYTES
from gesso.domain.project import Project

log = structlog.get_logger(__name__)
Route = Callable[[Request], Awaitable[Answer]]


class Calls:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def project(self, request: Request) -> Project:
        """Errors: AccessRefused leaves, ProjectUnknown."""
        return (await self.asker(request))[0]

    async def asker(self, request: Request) -> tuple[Project, str]:
        """The Project, and the uuid of the User who asks from a page; empty for who comes with the Key. Errors: those of `project`."""
        services = self._services
        if browser.PROJECT_HEADER in request.headers:
            project, user = await browser.asker(request, services)
            return project, user.uuid
        return await services.identity.project(proof_of(request.headers, request.address(services.trusted_proxies))), ""

    async def fields(self, request: Request) -> dict[str, Any]:
        """The fields of a call that takes no files; files that come with it are not kept. Errors: BodyUnreadable, BodyTooLarge."""
        body = await self.body(request, FIELDS_MAX_BYTES)
        await self.forget(body)
        return body.as_mapping()

    async def body(self, request: Request, max_bytes: int) -> Body:
        """Errors: BodyUnreadable, BodyTooLarge, Unavailable."""
        content_type = request.headers.get(b"content-type", b"").decode("latin-1")
        announced_bytes = length = request.content_length()
        chunks = request.chunks(max_bytes)
        if is_packed(request.headers.get(b"content-encoding", b"")):
            # The announced length is that of the packed bytes; whether they are complete, the packing tells.
            chunks, length = unpacked(chunks, max_bytes), None
        try:
            return await read_body(content_type, length, chunks, self._services.blobs)
        except BodyUnreadable as error:
            # The wire has one text for all of them. Its answer carries the id of the request, which finds this line.
            log.info("a body could not be read", reason=error.reason, content_type=content_type, announced_bytes=announced_bytes)
            raise

    async def forget(self, body: Body) -> None:
        """Delete the files of a body that nothing records."""
        if body.files:
            await self._services.blobs.delete([received.access_key for _, received in body.files])


def told(content: Any) -> Answer:
    """An answer of JSON."""
    return Answer(orjson.dumps(content))
