"""People at a live server: they sign up and call with their token."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import httpx
from wiro_server import LiveServer

PASSWORD = "correct horse battery"
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Person:
    email: str
    token: str
    client: httpx.Client

    def call(self, path: str, **fields: Any) -> dict[str, Any]:
        """What a call that succeeds answers."""
        answer = self.client.post(path, json=fields).json()
        assert answer["result"], answer
        return answer

    def refused(self, path: str, **fields: Any) -> str:
        """The text of a refusal."""
        answer = self.client.post(path, json=fields).json()
        assert set(answer) == {"result", "errors"}
        assert answer["result"] is False
        return answer["errors"][0]["message"]

    def project(self, name: str = "a project", method: str = "apikey-only") -> dict[str, Any]:
        """A new project, with its secret."""
        return self.call("/Project/Create", name=name, authmethod=method)["project"][0]


def bearer(server: LiveServer, token: str) -> httpx.Client:
    return server.client(authorization=f"Bearer {token}")


def new_person(server: LiveServer) -> Person:
    email = f"person{next(_numbers)}@example.org"
    with server.client() as client:
        answer = client.post("/Auth/Signup/EmailAndPassword", json={"email": email, "password": PASSWORD}).json()
    assert answer["result"], answer
    return Person(email, answer["token"], bearer(server, answer["token"]))
