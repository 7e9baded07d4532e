"""Who looks at a page: the signed-in User, their Projects and the one they work in, and how they want pages to look."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass

from starlette.requests import Request

from gesso.api.request import Request as Call
from gesso.domain.errors import AccessRefused, TooManyAttempts
from gesso.domain.project import Listing, Project
from gesso.domain.user import Session, User
from gesso.services.accounts import Sender
from gesso.services.offer import Services
from gesso.services.sessions import COOKIE

PROJECT_COOKIE = "gesso_project"
THEME_COOKIE = "gesso_theme"
THEMES = ("system", "light", "dark")
_MARK = b"a form of this visitor"


@dataclass(frozen=True, slots=True)
class Visitor:
    """`listings`: the Projects that the User may work in; `listing`: the chosen one. `token`: of the session, empty for a stranger.
    `has_expired`: came with a session that is over."""

    sender: Sender
    theme: str = THEMES[0]
    token: str = ""
    session: Session | None = None
    user: User | None = None
    listings: tuple[Listing, ...] = ()
    listing: Listing | None = None
    has_expired: bool = False

    @property
    def project(self) -> Project | None:
        return self.listing.project if self.listing else None

    @property
    def signed_in(self) -> User:
        """The User of a page that is for members only."""
        assert self.user is not None, "asked before the page has made sure of it"
        return self.user

    @property
    def initials(self) -> str:
        return self.user.email[:2].upper() if self.user else ""

    @property
    def csrf(self) -> str:
        """What forms of this session carry, so that no other page can send them."""
        return hmac.new(self.token.encode(), _MARK, hashlib.sha256).hexdigest() if self.token else ""


async def visitor_of(request: Request, services: Services) -> Visitor:
    """Errors: Unavailable, TooManyAttempts."""
    call = Call(request.scope, request.receive)
    sender = Sender(call.address(services.trusted_proxies), request.headers.get("user-agent", ""))
    chosen = request.cookies.get(THEME_COOKIE, "")
    theme = chosen if chosen in THEMES else THEMES[0]
    token = request.cookies.get(COOKIE, "")
    if not token:
        return Visitor(sender, theme)
    try:
        session, user = await services.sessions.find(token, sender.address)
    except TooManyAttempts:
        raise
    except AccessRefused:
        return Visitor(sender, theme, has_expired=True)
    listings = tuple(await services.projects.all(user))
    wanted = request.cookies.get(PROJECT_COOKIE, "")
    listing = next((one for one in listings if one.project.uuid == wanted), _own(listings))
    return Visitor(sender, theme, token, session, user, listings, listing)


def _own(listings: tuple[Listing, ...]) -> Listing | None:
    """An administrator sees all Projects, and works in one that is theirs before all others."""
    return next((one for one in listings if one.role is not None), listings[0] if listings else None)
