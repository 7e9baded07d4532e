"""The tab for programmers: working code for a Model, with the reader's Project, key and values. The code comes from `web.samples`."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from gesso.domain.model import Model
from gesso.domain.project import AuthMethod, Listing
from gesso.web.models import ModelFrame
from gesso.web.samples.guide import guide
from gesso.web.samples.highlight import highlight
from gesso.web.samples.inputs import CALLBACK
from gesso.web.samples.languages import BY_ID, LANGUAGES, Language
from gesso.web.site import Site
from gesso.web.visitor import Visitor

LANGUAGE_COOKIE = "gesso_language"
_LANGUAGE, _PROJECT, _AUTH, _REVEAL = "lang", "project", "auth", "reveal"
_KEY = "key"
_KEPT_S = int(datetime.timedelta(days=365).total_seconds())
_SHOWN_CHARACTERS = 4


class GuidePages:
    def __init__(self, site: Site, frame: ModelFrame) -> None:
        self._site = site
        self._frame = frame

    def routes(self) -> list[BaseRoute]:
        return [
            self._site.route("/models/{owner}/{slug}/api", self._show),
            self._site.route("/models/{owner}/{slug}/api/samples", self._samples),
        ]

    async def _show(self, request: Request) -> Response:
        model = self._frame.model(request)
        visitor = await self._site.visitor(request)
        answer = await self._frame.page(request, visitor, model, "api", "models/api.html", **self._written(request, visitor, model))
        return _remembering(request, answer)

    async def _samples(self, request: Request) -> Response:
        """The code alone, for a script that puts it in the place of the one before."""
        model = self._frame.model(request)
        visitor = await self._site.visitor(request)
        written = self._written(request, visitor, model)
        answer = self._site.part(request, visitor, "models/samples.html", model=model, base=f"/models/{model.clean_name}", **written)
        return _remembering(request, answer)

    def _written(self, request: Request, visitor: Visitor, model: Model) -> dict[str, Any]:
        """What the templates show."""
        listing = _listing(request, visitor)
        auth = listing.project.auth_method if listing else _auth(request)
        values = values_of(request, model)
        language = _language(request)
        is_revealed = listing is not None and request.query_params.get(_REVEAL) == _KEY
        key = listing.api_key if listing and is_revealed else ""
        blocks = guide(model, self._site.origin(request), auth, values, key, languages=(language,))
        kept = [(name, each) for name, value in values.items() for each in (value if isinstance(value, list) else [value])]
        kept += [(_PROJECT, listing.project.uuid)] if _PROJECT in request.query_params and listing else []
        kept += [(_AUTH, auth.value)] if not listing else []
        reveal = [(_REVEAL, _KEY)] if is_revealed else []
        return {
            "blocks": blocks,
            "language": language,
            "languages": [(one, urlencode([*kept, *reveal, (_LANGUAGE, one.id)])) for one in LANGUAGES],
            "colours": highlight,
            "values": [(name, each) for name, each in kept if name not in (_PROJECT, _AUTH)],
            "listing": listing,
            "auth": auth.value,
            "masked_key": _masked(listing.api_key) if listing else "",
            "is_revealed": is_revealed,
            "reveal_query": urlencode([*kept, (_LANGUAGE, language.id), *([] if is_revealed else [(_REVEAL, _KEY)])]),
        }


def values_of(request: Request, model: Model) -> Mapping[str, Any]:
    """The values of the reader's form among what the address asks for: a parameter that comes several times is a list."""
    names = {parameter.id for parameter in model.parameters}
    names |= {f"{parameter.id}Url" for parameter in model.parameters if parameter.kind.is_file} | {CALLBACK}
    given: dict[str, Any] = {}
    for name in request.query_params:
        if name in names:
            every = request.query_params.getlist(name)
            given[name] = every if len(every) > 1 else every[0]
    return given


def _listing(request: Request, visitor: Visitor) -> Listing | None:
    """The Project that the page asks for, if it is one of the reader's, else the one that they work in."""
    wanted = request.query_params.get(_PROJECT)
    return next((one for one in visitor.listings if one.project.uuid == wanted), visitor.listing)


def _auth(request: Request) -> AuthMethod:
    """For who has no Project yet."""
    return AuthMethod.KEY if request.query_params.get(_AUTH) == AuthMethod.KEY else AuthMethod.SIGNATURE


def _language(request: Request) -> Language:
    chosen = request.query_params.get(_LANGUAGE, ""), request.cookies.get(LANGUAGE_COOKIE, "")
    return next((BY_ID[one] for one in chosen if one in BY_ID), LANGUAGES[0])


def _remembering(request: Request, answer: Response) -> Response:
    """The next guide opens in the language that was chosen here."""
    chosen = request.query_params.get(_LANGUAGE, "")
    if chosen in BY_ID and chosen != request.cookies.get(LANGUAGE_COOKIE):
        answer.set_cookie(LANGUAGE_COOKIE, chosen, _KEPT_S, httponly=True, samesite="lax")
    return answer


def _masked(key: str) -> str:
    return f"{key[:_SHOWN_CHARACTERS]}…{key[-_SHOWN_CHARACTERS:]}"
