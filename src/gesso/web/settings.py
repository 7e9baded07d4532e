"""What people see and change of their own account: password, sessions, looks, and how they leave."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute

from gesso.domain.errors import GessoError, LastOwner, TooManyAttempts, Unavailable
from gesso.domain.limits import PASSWORD_MIN_CHARACTERS
from gesso.domain.user import Session
from gesso.services.sessions import COOKIE
from gesso.web.forms import read_form
from gesso.web.render import HEADERS
from gesso.web.site import Site
from gesso.web.visitor import Visitor

_DONE = {
    "password": "Your password is changed, and all your other sessions are ended.",
    "session": "That session is ended.",
    "sessions": "All your other sessions are ended.",
    "factor-set": "From now on a sign-in asks for a code too.",
    "factor-dropped": "Your password alone signs you in again.",
}
# As they call themselves; the first that is named in what a browser sends, because each pretends to be the ones before it.
_PROGRAMS = (("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"), ("curl/", "curl"))
_SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS", "macOS"),
    ("Linux", "Linux"),
)
SHORTCUTS = (
    (
        "Everywhere",
        (("Ctrl K", "Search"), ("Esc", "Close what is open")),
    ),
    (
        "Picture",
        (
            ("B", "Brush; with Shift a straight line"),
            ("E", "Eraser; or hold Alt, or the right button"),
            ("L", "Lasso; click for corners, Enter closes, Alt takes away"),
            ("R", "Rectangle; Shift for a square, Alt takes away"),
            ("X", "Extend the picture"),
            ("H", "Move the picture; or hold Space"),
            ("[ ]", "Smaller or larger brush"),
            ("+ −", "Zoom; 0 fits, 1 is 100 %"),
            ("I", "Invert the mask"),
            ("M", "Hide or show the mask"),
            ("Delete", "Clear the mask"),
            ("\\", "Hold to see the picture without the mask"),
            ("Ctrl Z", "Undo; Ctrl Shift Z or Ctrl Y redoes"),
            ("Ctrl Enter", "Run"),
            ("?", "All keys of the picture"),
        ),
    ),
    (
        "Tasks",
        (("/", "Search tasks"), ("↑ ↓", "Move from task to task"), ("Esc", "Close the task beside the list")),
    ),
)


@dataclass(frozen=True, slots=True)
class Seat:
    """A session as its owner is shown it."""

    session: Session
    program: str
    is_here: bool


class SettingsPages:
    def __init__(self, site: Site) -> None:
        self._site = site
        self._users = site.services.users

    def routes(self) -> list[BaseRoute]:
        route = self._site.route
        return [
            route("/settings", self._show),
            route("/settings/password", self._change_password, ("POST",)),
            route("/settings/sessions", self._end_sessions, ("POST",)),
            route("/settings/delete", self._ask_delete),
            route("/settings/delete", self._delete, ("POST",)),
        ]

    async def _show(self, request: Request) -> Response:
        return await self._page(request, await self._site.member(request))

    async def _page(self, request: Request, visitor: Visitor, problem: str = "", status: int = 200) -> Response:
        sessions = await self._site.services.sessions.all(visitor.signed_in)
        here = visitor.session.id if visitor.session else 0
        return self._site.page(
            request,
            visitor,
            "settings/settings.html",
            status,
            seats=[Seat(one, program(one.agent), one.id == here) for one in sessions],
            shortcuts=SHORTCUTS,
            password_min=PASSWORD_MIN_CHARACTERS,
            problem=problem,
            done=_DONE.get(request.query_params.get("done", ""), ""),
        )

    async def _change_password(self, request: Request) -> Response:
        visitor = await self._site.member(request)
        form = await read_form(request, visitor)
        assert visitor.session is not None, "members have one"
        password, new_password = form.get("password", ""), form.get("new_password", "")
        try:
            await self._users.change_password(visitor.signed_in, password, new_password, visitor.session, visitor.sender)
        except GessoError as error:
            return await self._page(request, visitor, str(error), refused(error))
        return go("/settings?done=password")

    async def _end_sessions(self, request: Request) -> Response:
        visitor = await self._site.member(request)
        form = await read_form(request, visitor)
        sessions, given = self._site.services.sessions, form.word("id")
        if form.word("action") == "others":
            await sessions.end_all(visitor.signed_in, visitor.session)
            return go("/settings?done=sessions")
        if given.isdecimal() and len(given) < 19:
            await sessions.end_by_id(visitor.signed_in, int(given))
        return go("/settings?done=session")

    async def _ask_delete(self, request: Request) -> Response:
        return await self._delete_page(request, await self._site.member(request))

    async def _delete_page(self, request: Request, visitor: Visitor, problem: str = "", status: int = 200) -> Response:
        plan = await self._site.services.offices.departures.plan(visitor.signed_in)
        if not plan.is_possible:
            return self._site.page(request, visitor, "settings/stay.html", plan=plan)
        names = ", ".join(project.name for project in plan.goes)
        gone = f"With it go your own projects ({names}), with their keys, tasks and files. " if names else ""
        return self._site.page(
            request,
            visitor,
            "sure.html",
            status,
            heading="Delete your account?",
            text=f"{gone}You are no member of any project any more. It does not come back.",
            fields=[],
            word="Delete my account",
            icon="trash",
            is_danger=True,
            there="/settings",
            typed=visitor.signed_in.email,
            asks_password=True,
            problem=problem,
        )

    async def _delete(self, request: Request) -> Response:
        visitor = await self._site.member(request)
        form = await read_form(request, visitor)
        if form.word("typed") != visitor.signed_in.email:
            return await self._delete_page(request, visitor, "That is not your e-mail address.", 400)
        try:
            await self._site.services.offices.departures.leave(visitor.signed_in, form.get("password", ""), visitor.sender)
        except LastOwner:
            return await self._delete_page(request, visitor)
        except GessoError as error:
            return await self._delete_page(request, visitor, str(error), refused(error))
        answer = go("/")
        answer.delete_cookie(COOKIE)
        return answer


def program(agent: str) -> str:
    """The browser and the system that what it calls itself means: Firefox on Linux."""
    name = next((word for mark, word in _PROGRAMS if mark in agent), "")
    system = next((word for mark, word in _SYSTEMS if mark in agent), "")
    return f"{name} on {system}" if name and system else name or agent[:60] or "An unknown program"


def refused(error: GessoError) -> int:
    if isinstance(error, TooManyAttempts):
        return 429
    return 503 if isinstance(error, Unavailable) else 400


def go(there: str) -> Response:
    return RedirectResponse(there, 303, HEADERS)
