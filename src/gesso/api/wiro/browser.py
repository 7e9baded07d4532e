"""Calls from this server's own pages: a session in a cookie, and the Project that it acts for in a header.

A page of another site can send neither: browsers keep the cookie from requests of other sites (SameSite), name the page a request comes
from in headers that scripts cannot set, and ask before they send a header like this one. Programs that are no browsers use a Key.
"""

from __future__ import annotations

from http.cookies import CookieError, SimpleCookie

from gesso.api.request import Request
from gesso.domain.errors import TokenInvalid, TokenMissing
from gesso.domain.project import Project
from gesso.domain.user import User
from gesso.services.offer import Services
from gesso.services.sessions import COOKIE

PROJECT_HEADER = b"x-gesso-project"


async def asker(request: Request, services: Services) -> tuple[Project, User]:
    """The Project that the header names by its uuid, and who is signed in.

    Errors: TokenMissing, TokenInvalid, TokenExpired, TooManyAttempts, ProjectUnknown.
    """
    if not request.is_from_own_page():
        raise TokenInvalid
    user = await services.sessions.user(_token(request), request.address(services.trusted_proxies))
    return await services.projects.find(user, request.headers[PROJECT_HEADER].decode("latin-1").strip()), user


def _token(request: Request) -> str:
    """Errors: TokenMissing."""
    try:
        cookies = SimpleCookie(request.headers.get(b"cookie", b"").decode("latin-1"))
    except CookieError:
        raise TokenMissing from None
    if COOKIE not in cookies:
        raise TokenMissing
    return cookies[COOKIE].value
