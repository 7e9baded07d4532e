"""Administration: models, users, webhooks, reports and settings, for who owns the server."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute

from gesso.domain.errors import GessoError, ModelUnknown, ParameterNotAllowed
from gesso.domain.model import Model, always_ready
from gesso.web.forms import Form, read_form
from gesso.web.render import HEADERS
from gesso.web.site import Site
from gesso.web.visitor import Visitor

_NOTICES_SHOWN = 100
_ID_MAX_DIGITS = 18


class AdminPages:
    def __init__(self, site: Site) -> None:
        self._site = site

    def routes(self) -> list[BaseRoute]:
        route = self._site.route
        return [
            route("/admin", self._models),
            route("/admin/models", self._change_model, ("POST",)),
            route("/admin/models/rows", self._model_rows),
            route("/admin/users", self._users),
            route("/admin/users", self._change_user, ("POST",)),
            route("/admin/webhooks", self._webhooks),
            route("/admin/webhooks", self._redeliver, ("POST",)),
            route("/admin/reports", self._reports),
            route("/admin/reports", self._close_report, ("POST",)),
            route("/admin/settings", self._settings),
        ]

    async def _models(self, request: Request) -> Response:
        return await self._models_page(request, await self._site.administrator(request))

    async def _model_rows(self, request: Request) -> Response:
        return await self._models_page(request, await self._site.administrator(request), template="admin/model_rows.html")

    async def _models_page(
        self, request: Request, visitor: Visitor, problem: str = "", status: int = 200, template: str = "admin/models.html"
    ) -> Response:
        services = self._site.services
        machine, models = services.machine, services.catalog.all()
        readiness = await asyncio.to_thread(lambda: {model.name: services.catalog.readiness(model) for model in models})
        crews = {crew.model: crew for crew in await asyncio.to_thread(machine.station.crews)}
        pulls = {model.name: await machine.pull(model.name) for model in models}
        rows = [
            (model, readiness[model.name], crews[model.name], pulls[model.name], model.readiness is not always_ready) for model in models
        ]
        return self._site.page(
            request,
            visitor,
            template,
            status,
            room="models",
            rows=rows,
            devices=machine.station.devices(),
            problem=problem,
            is_busy=any(crew.starting for crew in crews.values()) or any(pull and pull.exit_code is None for pull in pulls.values()),
        )

    async def _change_model(self, request: Request) -> Response:
        visitor, form = await self._asked(request)
        machine = self._site.services.machine
        try:
            model = self._named(form)
            match form.word("do"):
                case "load":
                    if not machine.station.load(model.name):
                        return await self._models_page(request, visitor, f"There is no room for {model.name} just now.", 409)
                case "unload":
                    machine.station.unload(model.name)
                case "pull":
                    if model.licence and form.word("licence") != "accepted":
                        return await self._models_page(request, visitor, f"Accept the licence of {model.name} first.", 400)
                    await machine.puller.start(model.name)
                case "stop":
                    await machine.puller.stop(model.name)
        except GessoError as error:
            return await self._models_page(request, visitor, str(error), 400)
        return RedirectResponse("/admin", 303, HEADERS)

    def _named(self, form: Form) -> Model:
        """Errors: ModelUnknown."""
        model = self._site.services.catalog.named(form.word("model"))
        if model is None:
            raise ModelUnknown(form.word("model"))
        return model

    async def _users(self, request: Request) -> Response:
        return await self._users_page(request, await self._site.administrator(request))

    async def _users_page(self, request: Request, visitor: Visitor, problem: str = "", form: Form | None = None) -> Response:
        users = await self._site.services.users.all()
        email = form.word("email") if form else ""
        status = 400 if problem else 200
        return self._site.page(request, visitor, "admin/users.html", status, room="users", users=users, problem=problem, email=email)

    async def _change_user(self, request: Request) -> Response:
        visitor, form = await self._asked(request)
        users, email = self._site.services.users, form.word("email")
        tasks: dict[str, Callable[[], Awaitable[object]]] = {
            "create": lambda: users.create_user(email, form.get("password", ""), form.word("admin") == "yes"),
            "reset": lambda: users.reset(email, form.get("password", "")),
            "delete": lambda: users.delete(email),
        }
        try:
            if form.word("do") == "delete" and email == visitor.signed_in.email:
                raise ParameterNotAllowed("email", "this is you: another administrator can delete you, or you in your settings")
            if form.word("do") in tasks:
                await tasks[form.word("do")]()
        except GessoError as error:
            return await self._users_page(request, visitor, str(error), form)
        return RedirectResponse("/admin/users", 303, HEADERS)

    async def _webhooks(self, request: Request) -> Response:
        visitor = await self._site.administrator(request)
        notices = self._site.services.machine.notices
        found = await notices.latest(_NOTICES_SHOWN)
        chosen = _number(request.query_params.get("task", ""))
        tries = await notices.log(chosen) if chosen else []
        return self._site.page(request, visitor, "admin/webhooks.html", room="webhooks", found=found, chosen=chosen, tries=tries)

    async def _redeliver(self, request: Request) -> Response:
        _, form = await self._asked(request)
        task_id = _number(form.word("task"))
        await self._site.services.machine.redeliver(task_id)
        return RedirectResponse(f"/admin/webhooks?task={task_id}", 303, HEADERS)

    async def _reports(self, request: Request) -> Response:
        visitor = await self._site.administrator(request)
        reports = await self._site.services.comments.open_reports()
        return self._site.page(request, visitor, "admin/reports.html", room="reports", reports=reports)

    async def _close_report(self, request: Request) -> Response:
        _, form = await self._asked(request)
        await self._site.services.comments.close_report(_number(form.word("id")))
        return RedirectResponse("/admin/reports", 303, HEADERS)

    async def _settings(self, request: Request) -> Response:
        visitor = await self._site.administrator(request)
        machine = self._site.services.machine
        return self._site.page(
            request,
            visitor,
            "admin/settings.html",
            room="settings",
            settings=machine.settings,
            data=machine.data,
            mode=self._site.services.billing.mode.value,
        )

    async def _asked(self, request: Request) -> tuple[Visitor, Form]:
        visitor = await self._site.administrator(request)
        return visitor, await read_form(request, visitor)


def _number(given: str) -> int:
    """An id; 0, which nothing has, for what is none."""
    return int(given) if given.isascii() and given.isdigit() and len(given) <= _ID_MAX_DIGITS else 0
