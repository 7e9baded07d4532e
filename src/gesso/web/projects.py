"""Projects and their Keys: the list, a new one, the page of one, and the one time that a Key is shown."""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Mapping
from decimal import Decimal

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from gesso.domain.errors import BodyUnreadable, GessoError, ProjectUnknown
from gesso.domain.ledger import UsageDay, plain
from gesso.domain.model import Model
from gesso.domain.price import FREE
from gesso.domain.project import AuthMethod, Key, Listing, Role
from gesso.web.forms import read_form
from gesso.web.render import HEADERS
from gesso.web.samples.guide import guide
from gesso.web.samples.languages import BY_ID
from gesso.web.site import Site
from gesso.web.visitor import Visitor

_PAGE_COUNT = 50
_SHOWN_CHARACTERS = 4
_CURL = "curl"
_PROGRAM = ("auth", "run-multipart")
# Categories whose Models show nothing to a newcomer.
_DULL = {"test"}
DONE = {
    "details": "Saved.",
    "addresses": "Saved. Requests from elsewhere are refused from now on.",
    "budget": "Saved. It holds for the calendar month, UTC.",
    "member": "Saved.",
    "removed": "They are no member any more.",
    "replaced": "That key has been replaced already. A page that is loaded again makes no second one.",
}


class ProjectPages:
    """Also what the pages that change a Project show when something is wrong: `page`."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def routes(self) -> list[BaseRoute]:
        route = self._site.route
        return [
            route("/projects", self._list),
            route("/projects", self._create, ("POST",)),
            route("/projects/env", self._env, ("POST",)),
            route("/projects/{uuid}", self._show),
        ]

    async def _list(self, request: Request) -> Response:
        return await self._list_page(request, await self._site.member(request))

    async def _list_page(
        self, request: Request, visitor: Visitor, given: Mapping[str, str] | None = None, problem: str = "", status: int = 200
    ) -> Response:
        number = request.query_params.get("page", "")
        page = int(number) if number.isdecimal() and len(number) < 5 else 1
        # Own ones before those that an administrator only looks after.
        listings = sorted(visitor.listings, key=lambda listing: listing.role is None)
        pages = max(1, -(-len(listings) // _PAGE_COUNT))
        page = min(max(1, page), pages)
        return self._site.page(
            request,
            visitor,
            "projects/list.html",
            status,
            listings=[(one, masked(one.api_key)) for one in listings[(page - 1) * _PAGE_COUNT : page * _PAGE_COUNT]],
            number=page,
            pages=pages,
            given=given or {},
            problem=problem,
        )

    async def _create(self, request: Request) -> Response:
        visitor = await self._site.member(request)
        form = await read_form(request, visitor)
        method = AuthMethod.SIGNATURE if form.word("auth") == AuthMethod.SIGNATURE else AuthMethod.KEY
        try:
            key = await self._site.services.projects.create(visitor.signed_in, form.word("name"), method)
        except GessoError as error:
            return await self._list_page(request, visitor, {"name": form.word("name"), "auth": method.value}, str(error), 400)
        return await self.key_page(request, visitor, key, is_new=True)

    async def key_page(self, request: Request, visitor: Visitor, key: Key, is_new: bool) -> Response:
        """The one page that shows a Key."""
        model = await self._model_to_try(key.project.id)
        origin = self._site.origin(request)
        program = ""
        if model is not None:
            language = BY_ID[_CURL]
            blocks = guide(model, origin, key.project.auth_method, {}, key.api_key, key.api_secret, languages=(language,))
            program = "\n".join(block.code[_CURL].text for block in blocks if block.id in _PROGRAM)
        return self._site.page(
            request,
            visitor,
            "projects/key.html",
            key=key,
            project=key.project,
            signs=key.project.auth_method is AuthMethod.SIGNATURE,
            is_new=is_new,
            model=model,
            program=program,
        )

    async def _model_to_try(self, project_id: int) -> Model | None:
        """The Model that the Project used last, else the first one that can run here."""
        services = self._site.services
        used = await services.billing.project_statistics(project_id)
        for name, _ in sorted(used.items(), key=lambda each: -each[1].last_at):
            model = services.catalog.named(name)
            if model is not None:
                return model
        models = [model for model in services.catalog.all() if not _DULL & set(model.categories)]
        return await asyncio.to_thread(lambda: next((one for one in models if services.catalog.readiness(one).is_ready), None))

    async def _env(self, request: Request) -> Response:
        """The Key as a file that programs read their environment from: what the page of the Key holds, given back."""
        visitor = await self._site.member(request)
        form = await read_form(request, visitor)
        key, secret = form.word("key"), form.word("secret")
        if not (key.isascii() and key.isalnum()) or not (not secret or (secret.isascii() and secret.isalnum())):
            raise BodyUnreadable("it holds no key")
        lines = [f"GESSO_URL={self._site.origin(request)}", f"GESSO_API_KEY={key}"]
        lines += [f"GESSO_API_SECRET={secret}"] if secret else []
        headers = {**HEADERS, "content-disposition": 'attachment; filename="gesso.env"'}
        return Response("\n".join(lines) + "\n", headers=headers, media_type="text/plain; charset=utf-8")

    async def _show(self, request: Request) -> Response:
        visitor = await self._site.member(request)
        return await self.page(request, visitor, listing_of(visitor, request))

    async def page(
        self,
        request: Request,
        visitor: Visitor,
        listing: Listing,
        problems: Mapping[str, str] | None = None,
        given: Mapping[str, str] | None = None,
        secret: str = "",
    ) -> Response:
        """`problems`: a sentence by the form that it belongs to; `given`: what was typed there. `secret`: what signs webhooks."""
        services = self._site.services
        project = listing.project
        members, account, counts, used = await asyncio.gather(
            services.projects.members(visitor.signed_in, str(project.id)),
            services.billing.account(project.id),
            services.billing.task_counts(project.id),
            services.billing.usage(project.id, first_day=month_began()),
        )
        return self._site.page(
            request,
            visitor,
            "projects/project.html",
            400 if problems else 200,
            project=project,
            listing=listing,
            masked_key=masked(listing.api_key),
            signs=project.auth_method is AuthMethod.SIGNATURE,
            may_change=listing.role is Role.OWNER or visitor.signed_in.is_admin,
            members=members,
            owners_count=sum(each.role is Role.OWNER for each in members),
            account=account,
            # As it can be typed again: exact, and without commas.
            budget="" if account.budget is None else plain(account.budget),
            counts=counts,
            spent=spent(used),
            mode=services.billing.mode.value,
            problems=problems or {},
            given=given or {},
            secret=secret,
            done=DONE.get(request.query_params.get("done", ""), ""),
        )


def listing_of(visitor: Visitor, request: Request) -> Listing:
    """The Project that the address names. Errors: ProjectUnknown."""
    uuid = request.path_params["uuid"]
    listing = next((one for one in visitor.listings if one.project.uuid == uuid), None)
    if listing is None:
        raise ProjectUnknown
    return listing


def masked(key: str) -> str:
    return f"{key[:_SHOWN_CHARACTERS]}…{key[-_SHOWN_CHARACTERS:]}"


def spent(used: list[UsageDay]) -> Decimal:
    return sum((each.counts.amount for each in used), FREE)


def month_began() -> int:
    """The first day of this month, UTC, in days since 1970."""
    return (datetime.datetime.now(datetime.UTC).date().replace(day=1) - datetime.date(1970, 1, 1)).days
