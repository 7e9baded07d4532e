"""`gesso project list` and what changes a project, for whoever has the machine: beside a running server or without one."""

from __future__ import annotations

import asyncio
import dataclasses
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from gesso.cli.accounts import show_key
from gesso.cli.options import read_settings
from gesso.cli.refused import Refused
from gesso.cli.screen import output, print_json, table
from gesso.cli.storage import open_store
from gesso.delivery.doorbell import ring
from gesso.domain.limits import CREDENTIAL_CACHE_S
from gesso.domain.project import Listing, Member, Project, Role, check_addresses, check_name
from gesso.domain.user import normal_email
from gesso.store.projects import SqlProjects
from gesso.wiring import DOORBELL

T = TypeVar("T")
_US = 1_000_000
_SOON = f"A server that runs knows it within {CREDENTIAL_CACHE_S:g} s."


def show_projects(as_json: bool, data: Path | None) -> None:
    """Errors: Refused."""
    listings = _do(data, lambda projects: projects.all())
    if as_json:
        print_json([_record(listing) for listing in listings])
        return
    if not listings:
        output().print("No projects yet: `gesso project create NAME` makes one.")
        return
    shown = table("id", "name", "auth", "requests", "allowed addresses", "created")
    for listing in listings:
        project = listing.project
        addresses = ", ".join(project.allowed_addresses) or "all"
        day = datetime.fromtimestamp(project.created_at / _US, UTC).date().isoformat()
        shown.add_row(str(project.id), project.name, project.auth_method.value, str(listing.request_count), addresses, day)
    output().print(shown, soft_wrap=False)


def rename(project_id: int, name: str, data: Path | None) -> None:
    """Errors: Refused."""

    async def change(projects: SqlProjects) -> None:
        await projects.update(dataclasses.replace((await _find(projects, project_id)).project, name=check_name(name)))

    _do(data, change)
    output().print(f"Project {project_id} is called {name.strip()} now.")


def allow(project_id: int, addresses: list[str], data: Path | None) -> None:
    """Errors: Refused."""
    given = [word for one in addresses for word in re.split(r"[,\s]+", one)]

    async def change(projects: SqlProjects) -> Project:
        changed = dataclasses.replace((await _find(projects, project_id)).project, allowed_addresses=check_addresses(given))
        await projects.update(changed)
        return changed

    allowed = _do(data, change).allowed_addresses
    output().print(f"Project {project_id} may be used from {', '.join(allowed) or 'everywhere'}. {_SOON}")


def regenerate(project_id: int, as_json: bool, data: Path | None) -> None:
    """Errors: Refused."""

    async def change(projects: SqlProjects) -> Any:
        return await projects.replace_key((await _find(projects, project_id)).project)

    show_key(read_settings(data=data), _do(data, change), as_json)


def delete(project_id: int, is_sure: bool, data: Path | None) -> None:
    """Errors: Refused."""
    project = _do(data, lambda projects: _find(projects, project_id)).project
    if not is_sure:
        answer = output().input(f"Delete {project.name}? Its key is refused, its tasks and files are found no more. [y/N] ", markup=False)
        if answer.strip().lower() not in ("y", "yes"):
            raise Refused("Nothing was deleted.")
    _do(data, lambda projects: projects.delete(project_id))
    output().print(f"Deleted {project.name}. {_SOON}")


def show_members(project_id: int, as_json: bool, data: Path | None) -> None:
    """Errors: Refused."""

    async def read(projects: SqlProjects) -> list[Member]:
        await _find(projects, project_id)
        return await projects.members(project_id)

    _tell_members(project_id, _do(data, read), as_json)


def set_member(project_id: int, email: str, role: str, data: Path | None) -> None:
    """Errors: Refused."""

    async def change(projects: SqlProjects) -> list[Member]:
        await projects.set_member(project_id, normal_email(email), Role(role))
        return await projects.members(project_id)

    _tell_members(project_id, _do(data, change), as_json=False)


def remove_member(project_id: int, email: str, data: Path | None) -> None:
    """Errors: Refused."""

    async def change(projects: SqlProjects) -> list[Member]:
        await _find(projects, project_id)
        await projects.remove_member(project_id, normal_email(email))
        return await projects.members(project_id)

    _tell_members(project_id, _do(data, change), as_json=False)


def _tell_members(project_id: int, members: list[Member], as_json: bool) -> None:
    if as_json:
        print_json([{"uuid": one.user_uuid, "email": one.email, "role": one.role.value} for one in members])
        return
    if not members:
        output().print(f"Project {project_id} has no members: administrators manage it.")
        return
    shown = table("email", "role")
    for one in members:
        shown.add_row(one.email, one.role.value)
    output().print(shown, soft_wrap=False)


def _record(listing: Listing) -> dict[str, Any]:
    project = listing.project
    return {
        "id": str(project.id),
        "uuid": project.uuid,
        "name": project.name,
        "authmethod": project.auth_method.value,
        "apikey": listing.api_key,
        "addresses": list(project.allowed_addresses),
        "requests": listing.request_count,
    }


async def _find(projects: SqlProjects, project_id: int) -> Listing:
    listing = await projects.listing(project_id)
    if listing is None:
        raise Refused(f"There is no project {project_id}: `gesso project list` shows those that there are.")
    return listing


def _do(data: Path | None, work: Callable[[SqlProjects], Awaitable[T]]) -> T:
    settings = read_settings(data=data)

    async def run() -> T:
        with open_store(settings) as store:
            return await work(store.projects)

    result = asyncio.run(run())
    ring(settings.data.resolve() / DOORBELL)
    return result
