"""People for tests of pages, signed in without going through the form each time."""

from __future__ import annotations

from dataclasses import dataclass

from browser_server import LiveServer

from gesso.domain.project import AuthMethod, Project
from gesso.domain.user import User
from gesso.services.accounts import Sender

PASSWORD = "a long pass phrase"


@dataclass(frozen=True, slots=True)
class Owner:
    """`token`: of a session, as the cookie holds it. `project`: where the person works."""

    user: User
    token: str
    project: Project


def sign_up(server: LiveServer, email: str) -> Owner:
    services = server.house.services
    signed = server.call(lambda: services.users.sign_up(email, PASSWORD, Sender("127.0.0.1")))
    key = server.call(lambda: services.projects.create(signed.user, "studio", AuthMethod.KEY))
    return Owner(signed.user, signed.token, key.project)
