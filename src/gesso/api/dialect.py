"""What the edge gives to a dialect, and what a dialect gives back. It knows HTTP, and no wire language."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from starlette.routing import BaseRoute
from starlette.types import Receive, Scope, Send

from gesso.domain.task import Task
from gesso.ports import AccountStore, Blobs, Counters
from gesso.services.accounts import Accounts
from gesso.services.catalog import Catalog
from gesso.services.files import Files
from gesso.services.folders import Folders
from gesso.services.history import History
from gesso.services.identity import Identity
from gesso.services.projects import Projects
from gesso.services.retention import Retention
from gesso.services.sessions import Sessions
from gesso.services.submission import Submission
from gesso.services.tasks import Tasks

Headers = tuple[tuple[bytes, bytes], ...]


@dataclass(frozen=True, slots=True)
class Services:
    """All that dialects may use.

    `public_url`: the origin of the URLs that clients are given; empty, it is the one that each request was sent to. `own_url`: the
    origin for a webhook, which no request precedes, when `public_url` is empty. `trusted_proxies`: addresses or ranges whose
    X-Forwarded-For is believed.
    """

    identity: Identity
    catalog: Catalog
    submission: Submission
    tasks: Tasks
    files: Files
    folders: Folders
    retention: Retention
    blobs: Blobs
    accounts: AccountStore
    users: Accounts
    sessions: Sessions
    projects: Projects
    statistics: Counters
    history: History
    is_accepting: Callable[[], bool]
    public_url: str = ""
    own_url: str = ""
    trusted_proxies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole HTTP answer."""

    body: bytes
    status: int = 200
    content_type: bytes = b"application/json"
    headers: Headers = ()

    async def send(self, send: Send) -> None:
        """Built by hand: this is on every hot path, and a Response object takes as long as the rest of the edge."""
        await send(
            {
                "type": "http.response.start",
                "status": self.status,
                "headers": [
                    (b"content-type", self.content_type),
                    (b"content-length", b"%d" % len(self.body)),
                    *self.headers,
                ],
            }
        )
        await send({"type": "http.response.body", "body": self.body})


class Dialect(Protocol):
    """A wire language below a path prefix. `headers` go on each of its answers; `preflight` answers every OPTIONS."""

    name: str
    prefix: str
    headers: Headers
    preflight: Answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request or one WebSocket. Errors of the domain are answered here; others are left to the edge."""
        ...

    def pages(self) -> Sequence[BaseRoute]:
        """What it serves outside of its prefix."""
        ...

    def internal(self) -> Answer:
        """The answer to a request in which the server failed."""
        ...

    async def notice(self, task: Task) -> bytes:
        """The body of the webhook that tells of the end of a Task that came in this language, as JSON."""
        ...
