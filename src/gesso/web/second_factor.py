"""Codes beside the password: a secret as a picture and as text, taken into use when a code made with it is shown."""

from __future__ import annotations

import segno
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from gesso.domain import second_factor
from gesso.domain.errors import GessoError
from gesso.web.forms import read_form
from gesso.web.settings import go, refused
from gesso.web.site import Site
from gesso.web.visitor import Visitor

# Source: ISO/IEC 18004: four light modules around the symbol.
_QUIET = 4
_GROUP = 4


class SecondFactorPages:
    def __init__(self, site: Site) -> None:
        self._site = site
        self._users = site.services.users

    def routes(self) -> list[BaseRoute]:
        route = self._site.route
        return [route("/settings/second-factor", self._show), route("/settings/second-factor", self._change, ("POST",))]

    async def _show(self, request: Request) -> Response:
        return self._page(request, await self._site.member(request), second_factor.new_secret())

    def _page(self, request: Request, visitor: Visitor, secret: str, problem: str = "", status: int = 200) -> Response:
        address = second_factor.address(secret, visitor.signed_in.email)
        path, side = qr_path(address)
        spaced = " ".join(secret[start : start + _GROUP] for start in range(0, len(secret), _GROUP))
        return self._site.page(
            request,
            visitor,
            "settings/second_factor.html",
            status,
            secret=secret,
            spaced=spaced,
            address=address,
            qr=path,
            side=side,
            problem=problem,
        )

    async def _change(self, request: Request) -> Response:
        visitor = await self._site.member(request)
        form = await read_form(request, visitor)
        password, secret = form.get("password", ""), form.word("secret")
        try:
            if form.word("action") == "drop":
                await self._users.drop_second_factor(visitor.signed_in, password, visitor.sender)
                return go("/settings?done=factor-dropped")
            await self._users.set_second_factor(visitor.signed_in, password, secret, form.word("code"), visitor.sender)
        except GessoError as error:
            # The telephone has this secret already: another one would make its codes wrong.
            kept = secret if second_factor.is_secret(secret) else second_factor.new_secret()
            return self._page(request, visitor, kept, str(error), refused(error))
        return go("/settings?done=factor-set")


def qr_path(text: str) -> tuple[str, int]:
    """The dark modules of a QR code as an SVG path, one unit each, and the side of the whole with its quiet zone."""
    matrix = segno.make(text, error="m", micro=False).matrix
    steps = []
    for y, row in enumerate(matrix):
        x = 0
        while x < len(row):
            length = next((offset for offset, module in enumerate(row[x:]) if not module), len(row) - x)
            if length:
                steps.append(f"M{x + _QUIET} {y + _QUIET}h{length}v1h-{length}z")
            x += max(1, length)
    return "".join(steps), len(matrix) + 2 * _QUIET
