"""Signing in, up and out, and the two choices that every page keeps: the theme, and the Project that is worked in."""

from __future__ import annotations

import datetime
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute

from gesso.api.request import Request as Call
from gesso.domain.errors import AccessRefused, GessoError, InputRefused, SigninRefused, TooManyAttempts
from gesso.domain.limits import SESSION_MAX_S, SIGNIN_PENDING_S
from gesso.domain.project import AuthMethod
from gesso.services.accounts import SignedIn
from gesso.services.sessions import COOKIE
from gesso.web.forms import Form, local_path, read_form
from gesso.web.render import HEADERS
from gesso.web.site import Site
from gesso.web.visitor import PROJECT_COOKIE, THEME_COOKIE, THEMES, Visitor

_PENDING_COOKIE = "gesso_signin"
_FIRST_PROJECT = "My project"
_CHOICE_MAX_S = int(datetime.timedelta(days=365).total_seconds())


class EntryPages:
    def __init__(self, site: Site) -> None:
        self._site = site
        self._users = site.services.users

    def routes(self) -> list[BaseRoute]:
        route = self._site.route
        return [
            route("/sign-in", self._show_sign_in),
            route("/sign-in", self._sign_in, ("POST",)),
            route("/sign-in/code", self._show_code),
            route("/sign-in/code", self._verify, ("POST",)),
            route("/sign-up", self._show_sign_up),
            route("/sign-up", self._sign_up, ("POST",)),
            route("/sign-out", self._sign_out, ("POST",)),
            route("/forgot", self._show_forgot),
            route("/theme", self._choose_theme, ("POST",)),
            route("/project", self._choose_project, ("POST",)),
        ]

    async def _show_sign_in(self, request: Request) -> Response:
        visitor = await self._site.visitor(request)
        if visitor.user is not None:
            return self._go(_next(request))
        return await self._sign_in_page(request, visitor, _next(request))

    async def _sign_in(self, request: Request) -> Response:
        visitor = await self._site.visitor(request)
        form = await read_form(request, visitor)
        there = local_path(form.word("next"))
        try:
            signed = await self._users.sign_in(form.word("email"), form.get("password", ""), visitor.sender)
        except (SigninRefused, InputRefused) as error:
            return await self._sign_in_page(request, visitor, there, form, str(error), 400)
        except AccessRefused as error:
            return await self._sign_in_page(request, visitor, there, form, str(error), 429)
        if signed.is_pending:
            answer = self._go(f"/sign-in/code?next={quote(there, safe='/')}")
            self._keep(request, answer, _PENDING_COOKIE, signed.token, SIGNIN_PENDING_S)
            return answer
        return self._let_in(request, signed, there)

    async def _sign_in_page(
        self, request: Request, visitor: Visitor, there: str, form: Form | None = None, problem: str = "", status: int = 200
    ) -> Response:
        may_sign_up = await self._users.may_sign_up()
        if may_sign_up and form is None and not visitor.has_expired and await self._is_fresh():
            return self._go(f"/sign-up?next={quote(there, safe='/')}")
        email = form.word("email") if form else ""
        return self._site.page(
            request, visitor, "entry/sign_in.html", status, next=there, email=email, problem=problem, may_sign_up=may_sign_up
        )

    async def _show_code(self, request: Request) -> Response:
        visitor = await self._site.visitor(request)
        return self._site.page(request, visitor, "entry/code.html", next=_next(request), problem="")

    async def _verify(self, request: Request) -> Response:
        visitor = await self._site.visitor(request)
        form = await read_form(request, visitor)
        there = local_path(form.word("next"))
        try:
            signed = await self._users.verify(request.cookies.get(_PENDING_COOKIE, ""), form.word("code"), visitor.sender)
        except AccessRefused as error:
            return self._site.page(request, visitor, "entry/code.html", 400, next=there, problem=str(error))
        answer = self._let_in(request, signed, there)
        answer.delete_cookie(_PENDING_COOKIE)
        return answer

    async def _show_sign_up(self, request: Request) -> Response:
        visitor = await self._site.visitor(request)
        if visitor.user is not None:
            return self._go(_next(request))
        return await self._sign_up_page(request, visitor, _next(request))

    async def _sign_up(self, request: Request) -> Response:
        visitor = await self._site.visitor(request)
        form = await read_form(request, visitor)
        there = local_path(form.word("next"))
        try:
            signed = await self._users.sign_up(form.word("email"), form.get("password", ""), visitor.sender)
        except GessoError as error:
            status = 429 if isinstance(error, TooManyAttempts) else 400
            return await self._sign_up_page(request, visitor, there, form, str(error), status)
        # Nobody should have to know what a Project is before the first picture.
        await self._site.services.projects.create(signed.user, _FIRST_PROJECT, AuthMethod.KEY)
        return self._let_in(request, signed, there)

    async def _sign_up_page(
        self, request: Request, visitor: Visitor, there: str, form: Form | None = None, problem: str = "", status: int = 200
    ) -> Response:
        return self._site.page(
            request,
            visitor,
            "entry/sign_up.html",
            status,
            next=there,
            email=form.word("email") if form else "",
            problem=problem,
            may_sign_up=await self._users.may_sign_up(),
            is_first=await self._is_fresh(),
        )

    async def _is_fresh(self) -> bool:
        """Whether nobody has signed up yet: who comes first owns the server."""
        return not await self._users.all()

    async def _sign_out(self, request: Request) -> Response:
        visitor = await self._site.visitor(request)
        await read_form(request, visitor)
        if visitor.session is not None:
            await self._site.services.sessions.end(visitor.session)
        answer = self._go("/")
        answer.delete_cookie(COOKIE)
        return answer

    async def _show_forgot(self, request: Request) -> Response:
        return self._site.page(request, await self._site.visitor(request), "entry/forgot.html")

    async def _choose_theme(self, request: Request) -> Response:
        form = await read_form(request, await self._site.visitor(request))
        theme = form.word("theme")
        answer = self._go(local_path(form.word("next")))
        if theme in THEMES:
            # A script changes it too, without a new page.
            answer.set_cookie(THEME_COOKIE, theme, _CHOICE_MAX_S, samesite="lax")
        return answer

    async def _choose_project(self, request: Request) -> Response:
        visitor = await self._site.member(request)
        form = await read_form(request, visitor)
        project = await self._site.services.projects.find(visitor.signed_in, form.word("project"))
        answer = self._go(local_path(form.word("next")))
        self._keep(request, answer, PROJECT_COOKIE, project.uuid, _CHOICE_MAX_S)
        return answer

    def _let_in(self, request: Request, signed: SignedIn, there: str) -> Response:
        answer = self._go(there)
        self._keep(request, answer, COOKIE, signed.token, SESSION_MAX_S)
        return answer

    def _go(self, there: str) -> Response:
        return RedirectResponse(there, 303, HEADERS)

    def _keep(self, request: Request, answer: Response, name: str, value: str, max_age_s: float) -> None:
        is_secure = Call(request.scope, request.receive).origin().startswith("https:")
        answer.set_cookie(name, value, int(max_age_s), secure=is_secure, httponly=True, samesite="lax")


def _next(request: Request) -> str:
    return local_path(request.query_params.get("next", "/"))
