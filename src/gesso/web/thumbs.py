"""Small pictures of stored ones, by the access key that reading the whole one needs too."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from gesso.domain.errors import FileUnknown, Unavailable
from gesso.services.thumbnails import SIDES
from gesso.web.site import Site

_HEADERS = {
    # What stands under an access key never changes.
    "cache-control": "private, max-age=31536000, immutable",
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; sandbox",
}


class Thumbs:
    def __init__(self, site: Site) -> None:
        self._thumbnails = site.services.records.thumbnails

    def routes(self) -> list[BaseRoute]:
        return [Route("/thumbs/{access_key}", self._show, methods=["GET"])]

    async def _show(self, request: Request) -> Response:
        given = request.query_params.get("w", "")
        width = int(given) if given.isascii() and given.isdigit() and len(given) < 5 else SIDES[0]
        try:
            path, content_type = await self._thumbnails.open(request.path_params["access_key"], width)
            content = await asyncio.to_thread(path.read_bytes)
        except (FileUnknown, FileNotFoundError):
            return PlainTextResponse("There is no picture here.", 404, {"cache-control": "no-store"})
        except Unavailable as error:
            return PlainTextResponse(str(error), 503, {"cache-control": "no-store", "retry-after": "5"})
        return Response(content, headers=_HEADERS, media_type=content_type)
