"""Calls about projects, with the token of an account; the list also with the headers of a project. Source: protocol, section 2.11.

Decided here: a project is named by `projectid` (its id or its uuid) or by `apikey`; who may not see it is told that it is not there. The
secret is in the answers to Create and Regenerate only. The routes beside Project/List are in the style of the protocol.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gesso.api.dialect import Answer, Services
from gesso.api.request import Request
from gesso.api.wiro import asking
from gesso.api.wiro.auth import has_project_headers, token_of
from gesso.api.wiro.calls import Calls, Route, told
from gesso.api.wiro.encode import seconds
from gesso.domain.errors import KeyUnknown, ParameterMissing, ParameterNotAllowed, TokenInvalid
from gesso.domain.limits import PROJECT_DESCRIPTION_MAX_CHARACTERS
from gesso.domain.project import AuthMethod, Key, Listing, Member, Role
from gesso.domain.user import User

_METHODS = {"signature": AuthMethod.SIGNATURE, "apikey-only": AuthMethod.KEY, "key": AuthMethod.KEY}
_METHOD_WORDS = {AuthMethod.SIGNATURE: "signature", AuthMethod.KEY: "apikey-only"}
_REFERENCES = ("projectid", "id", "apikey")


class ProjectCalls:
    def __init__(self, services: Services, calls: Calls) -> None:
        self._services = services
        self._projects = services.projects
        self._calls = calls
        self.routes: Mapping[tuple[str, ...], Route] = {
            ("Project", "List"): self._list,
            ("Project", "Create"): self._create,
            ("Project", "Update"): self._update,
            ("Project", "Regenerate"): self._regenerate,
            ("Project", "Delete"): self._delete,
            ("Project", "MemberList"): self._members,
            ("Project", "MemberAdd"): self._add_member,
            ("Project", "MemberRemove"): self._remove_member,
        }

    async def _list(self, request: Request) -> Answer:
        listings = await self._listings(request)
        wanted = asking.word(await self._calls.fields(request), "apikey")
        shown = [project_record(listing) for listing in listings if wanted in ("", listing.api_key)]
        return told({"result": True, "errors": [], "project": shown})

    async def _listings(self, request: Request) -> list[Listing]:
        if not has_project_headers(request.headers):
            return await self._projects.all(await self._user(request))
        try:
            return [await self._projects.own(await self._calls.project(request))]
        except KeyUnknown:
            if b"x-api-key" in request.headers:
                raise
            # A bearer token that is neither a session nor a key: account calls speak of tokens.
            raise TokenInvalid from None

    async def _create(self, request: Request) -> Answer:
        user, fields = await self._asked(request)
        method = asking.choice(fields, "authmethod", tuple(_METHODS), "signature")
        key = await self._projects.create(user, _long(fields, "name") or "", _METHODS[method], _long(fields, "description") or "")
        return await self._tell_key(user, key)

    async def _update(self, request: Request) -> Answer:
        user, fields = await self._asked(request)
        addresses = sorted(asking.words(fields, "ipwhitelist")) if fields.get("ipwhitelist") is not None else None
        reference = _reference(fields)
        try:
            changed = await self._projects.change(user, reference, _long(fields, "name"), _long(fields, "description"), addresses)
        except ParameterNotAllowed as error:
            # Told by the name under which the client has sent it.
            raise ParameterNotAllowed("ipwhitelist" if error.name == "addresses" else error.name, error.reason) from None
        listing = await self._projects.own(changed)
        return told({"result": True, "errors": [], "project": [project_record(listing)]})

    async def _regenerate(self, request: Request) -> Answer:
        user, fields = await self._asked(request)
        return await self._tell_key(user, await self._projects.regenerate(user, _reference(fields)))

    async def _delete(self, request: Request) -> Answer:
        user, fields = await self._asked(request)
        await self._projects.delete(user, _reference(fields))
        return told({"result": True, "errors": []})

    async def _members(self, request: Request) -> Answer:
        user, fields = await self._asked(request)
        return _tell_members(await self._projects.members(user, _reference(fields)))

    async def _add_member(self, request: Request) -> Answer:
        user, fields = await self._asked(request)
        role = Role(asking.choice(fields, "role", tuple(Role), Role.MEMBER.value))
        return _tell_members(await self._projects.set_member(user, _reference(fields), asking.word(fields, "email"), role))

    async def _remove_member(self, request: Request) -> Answer:
        user, fields = await self._asked(request)
        return _tell_members(await self._projects.remove_member(user, _reference(fields), asking.word(fields, "email")))

    async def _asked(self, request: Request) -> tuple[User, dict[str, Any]]:
        user = await self._user(request)
        return user, await self._calls.fields(request)

    async def _user(self, request: Request) -> User:
        return await self._services.sessions.user(token_of(request.headers), request.address(self._services.trusted_proxies))

    async def _tell_key(self, user: User, key: Key) -> Answer:
        listing = await self._projects.own(key.project)
        shown = {**project_record(listing), "apikey": key.api_key, "apisecret": key.api_secret}
        return told({"result": True, "errors": [], "project": [shown]})


def project_record(listing: Listing) -> dict[str, Any]:
    project = listing.project
    return {
        "id": str(project.id),
        "uuid": project.uuid,
        "name": project.name,
        "description": project.description,
        "slug": None,
        "apikey": listing.api_key,
        "ipwhitelist": list(project.allowed_addresses),
        "time": seconds(project.created_at),
        "authmethod": _METHOD_WORDS[project.auth_method],
        "requestCount": str(listing.request_count),
    }


def _tell_members(members: list[Member]) -> Answer:
    shown = [{"uuid": one.user_uuid, "email": one.email, "role": one.role.value, "time": seconds(one.since)} for one in members]
    return told({"result": True, "errors": [], "total": str(len(shown)), "list": shown})


def _reference(fields: Mapping[str, Any]) -> str:
    """Errors: ParameterMissing, ParameterNotAllowed."""
    for name in _REFERENCES:
        given = fields.get(name)
        word = str(given) if isinstance(given, int) and not isinstance(given, bool) else asking.word(fields, name)
        if word:
            return word
    raise ParameterMissing(_REFERENCES[0])


def _long(fields: Mapping[str, Any], name: str) -> str | None:
    """A text as it was sent, None where none was. Errors: ParameterNotAllowed."""
    given = fields.get(name)
    if given is None:
        return None
    if not isinstance(given, str) or len(given) > PROJECT_DESCRIPTION_MAX_CHARACTERS:
        raise ParameterNotAllowed(name, f"a text of {PROJECT_DESCRIPTION_MAX_CHARACTERS} characters at most was expected")
    return given
