"""What owners do to a Project, each as a form of its page. The services decide who may; what is wrong is told beside the form."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from decimal import Decimal

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute

from gesso.domain.errors import GessoError, ProjectUnknown, RoleTooLow, Unavailable
from gesso.domain.ledger import read_amount
from gesso.domain.price import FREE
from gesso.domain.project import Listing, Role
from gesso.web.forms import Form, read_form
from gesso.web.projects import ProjectPages, listing_of
from gesso.web.render import HEADERS
from gesso.web.site import Site
from gesso.web.visitor import Visitor

# These are no mistakes in a form: they have pages of their own.
_PAGES = (ProjectUnknown, RoleTooLow, Unavailable)
Change = Callable[[Visitor, Listing, Form], Awaitable[str]]


class ProjectChanges:
    def __init__(self, site: Site, pages: ProjectPages) -> None:
        self._site = site
        self._pages = pages

    def routes(self) -> list[BaseRoute]:
        route, place = self._site.route, "/projects/{uuid}"
        forms: dict[str, Change] = {
            "details": self._details,
            "addresses": self._addresses,
            "budget": self._budget,
            "members": self._set_member,
            "members/remove": self._remove_member,
        }
        return [
            *(route(f"{place}/{name}", self._form(name.partition("/")[0], change), ("POST",)) for name, change in forms.items()),
            route(f"{place}/key", self._ask_regenerate),
            route(f"{place}/key", self._regenerate, ("POST",)),
            route(f"{place}/webhook", self._ask_renew),
            route(f"{place}/webhook", self._webhook, ("POST",)),
            route(f"{place}/delete", self._ask_delete),
            route(f"{place}/delete", self._delete, ("POST",)),
        ]

    def _form(self, name: str, change: Change) -> Callable[[Request], Awaitable[Response]]:
        """An endpoint that carries out `change`, which answers where to go on."""

        async def answer(request: Request) -> Response:
            visitor = await self._site.member(request)
            form = await read_form(request, visitor)
            listing = listing_of(visitor, request)
            try:
                return _go(await change(visitor, listing, form))
            except GessoError as error:
                if isinstance(error, _PAGES):
                    raise
                given = {f"{name}.{field}": value for field, value in form.items()}
                return await self._pages.page(request, visitor, listing, {name: str(error)}, given)

        return answer

    async def _details(self, visitor: Visitor, listing: Listing, form: Form) -> str:
        name, description = form.get("name", ""), form.get("description", "")
        await self._site.services.projects.change(visitor.signed_in, listing.project.uuid, name=name, description=description)
        return _place(listing, "details")

    async def _addresses(self, visitor: Visitor, listing: Listing, form: Form) -> str:
        given = form.get("addresses", "").replace(",", " ").split()
        await self._site.services.projects.change(visitor.signed_in, listing.project.uuid, addresses=given)
        return _place(listing, "addresses")

    async def _budget(self, visitor: Visitor, listing: Listing, form: Form) -> str:
        services, text = self._site.services, form.word("budget")
        project = await services.projects.owned(visitor.signed_in, listing.project.uuid)
        await services.billing.set_budget(project.id, _budget_of(text) if text else None)
        return _place(listing, "budget")

    async def _set_member(self, visitor: Visitor, listing: Listing, form: Form) -> str:
        role = Role.OWNER if form.word("role") == Role.OWNER else Role.MEMBER
        await self._site.services.projects.set_member(visitor.signed_in, listing.project.uuid, form.word("email"), role)
        return _place(listing, "member")

    async def _remove_member(self, visitor: Visitor, listing: Listing, form: Form) -> str:
        email = form.word("email")
        await self._site.services.projects.remove_member(visitor.signed_in, listing.project.uuid, email)
        return "/projects" if email == visitor.signed_in.email and not visitor.signed_in.is_admin else _place(listing, "removed")

    async def _ask_regenerate(self, request: Request) -> Response:
        visitor, listing = await self._owned(request)
        return self._sure(
            request,
            visitor,
            heading="Make a new key?",
            text=f"The key of {listing.project.name} that ends in {listing.api_key[-4:]} is refused from then on: programs that use "
            "it need the new one. It is shown once.",
            fields=[("instead_of", _mark(listing))],
            word="Make a new key",
            icon="key",
            is_danger=False,
            there=_place(listing),
        )

    async def _regenerate(self, request: Request) -> Response:
        visitor, listing = await self._owned(request)
        form = await read_form(request, visitor)
        # Loading the page of the new Key again sends the form again: that must not take away the Key that was just copied.
        if form.word("instead_of") != _mark(listing):
            return _go(_place(listing, "replaced"))
        key = await self._site.services.projects.regenerate(visitor.signed_in, listing.project.uuid)
        return await self._pages.key_page(request, visitor, key, is_new=False)

    async def _ask_renew(self, request: Request) -> Response:
        visitor, listing = await self._owned(request)
        return self._sure(
            request,
            visitor,
            heading="Replace the webhook secret?",
            text="All webhooks are signed with the new one at once. Receivers that know the old one only refuse them until they are told.",
            fields=[("action", "renew")],
            word="Replace the secret",
            icon="rerun",
            is_danger=True,
            there=_place(listing),
        )

    async def _webhook(self, request: Request) -> Response:
        visitor, listing = await self._owned(request)
        form = await read_form(request, visitor)
        signing, uuid = self._site.services.offices.signing, listing.project.uuid
        asked = signing.renew if form.word("action") == "renew" else signing.secret
        return await self._pages.page(request, visitor, listing, secret=await asked(visitor.signed_in, uuid))

    async def _ask_delete(self, request: Request) -> Response:
        visitor, listing = await self._owned(request)
        return self._delete_page(request, visitor, listing)

    async def _delete(self, request: Request) -> Response:
        visitor, listing = await self._owned(request)
        form = await read_form(request, visitor)
        if form.word("typed") != listing.project.name:
            return self._delete_page(request, visitor, listing, "That is not the name of this project.", 400)
        await self._site.services.projects.delete(visitor.signed_in, listing.project.uuid)
        return _go("/projects")

    def _delete_page(self, request: Request, visitor: Visitor, listing: Listing, problem: str = "", status: int = 200) -> Response:
        return self._sure(
            request,
            visitor,
            status,
            heading=f"Delete {listing.project.name}?",
            text="Its key is refused, its tasks and files are read by nobody any more, and what is running is withdrawn. "
            "It does not come back.",
            fields=[],
            word="Delete the project",
            icon="trash",
            is_danger=True,
            there=_place(listing),
            typed=listing.project.name,
            problem=problem,
        )

    def _sure(self, request: Request, visitor: Visitor, status: int = 200, **context: object) -> Response:
        return self._site.page(request, visitor, "sure.html", status, **{"typed": "", "asks_password": False, "problem": "", **context})

    async def _owned(self, request: Request) -> tuple[Visitor, Listing]:
        """Errors: ProjectUnknown, RoleTooLow."""
        visitor = await self._site.member(request)
        listing = listing_of(visitor, request)
        await self._site.services.projects.owned(visitor.signed_in, listing.project.uuid)
        return visitor, listing


def _budget_of(text: str) -> Decimal:
    """An amount, which may be nothing here: then nothing may be spent. Errors: ParameterNotAllowed."""
    return FREE if text.strip("0.") == "" else read_amount(text)


def _mark(listing: Listing) -> str:
    """Which Key a form is about, without telling it."""
    return hashlib.sha256(listing.api_key.encode()).hexdigest()[:16]


def _place(listing: Listing, done: str = "") -> str:
    return f"/projects/{listing.project.uuid}" + (f"?done={done}" if done else "")


def _go(there: str) -> Response:
    return RedirectResponse(there, 303, HEADERS)
