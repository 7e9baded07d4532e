"""Pictures of other sites, for the painter: its page may ask no other origin, so this server fetches what a member names."""

from __future__ import annotations

from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from gesso.domain.errors import FetchRefused, Unavailable
from gesso.web.site import Site

_HEADERS = {
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; sandbox",
    "cross-origin-resource-policy": "same-origin",
}


class Borrowed:
    def __init__(self, site: Site) -> None:
        self._site = site

    def routes(self) -> list[BaseRoute]:
        return [Route("/borrowed", self._show, methods=["GET"])]

    async def _show(self, request: Request) -> Response:
        """The answers are for a script: plain sentences, no pages."""
        visitor = await self._site.visitor(request)
        if visitor.user is None:
            return _sentence("Sign in first: the server fetches pictures for its members only.", 401)
        # Browsers that say nothing of the sender send no cookie to where another site points.
        if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
            return _sentence("This is for pages of this server.", 403)
        try:
            picture = await self._site.services.offices.borrowing.picture(request.query_params.get("url", ""))
        except FetchRefused as error:
            return _sentence(str(error), 400)
        except Unavailable as error:
            return _sentence(str(error), 503)
        named = {"content-disposition": f"attachment; filename*=utf-8''{quote(picture.name)}"}
        return Response(picture.content, headers=_HEADERS | named, media_type=picture.content_type)


def _sentence(text: str, status: int) -> Response:
    return PlainTextResponse(text, status, _HEADERS)
