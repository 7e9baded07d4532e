"""What the house offers at its doors: all that dialects and pages may use."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Protocol

from gesso.domain.notice import Delivery
from gesso.ports import AccountStore, Blobs, Counters
from gesso.services.acceptance import Acceptance
from gesso.services.accounts import Accounts
from gesso.services.billing import Billing
from gesso.services.borrowing import Borrowing
from gesso.services.catalog import Catalog
from gesso.services.comments import Comments
from gesso.services.departures import Departures
from gesso.services.files import Files
from gesso.services.folders import Folders
from gesso.services.history import History
from gesso.services.identity import Identity
from gesso.services.machine import Machine
from gesso.services.projects import Projects
from gesso.services.reruns import Reruns
from gesso.services.retention import Retention
from gesso.services.sessions import Sessions
from gesso.services.signing import Signing
from gesso.services.submission import Submission
from gesso.services.task_search import TaskSearches
from gesso.services.tasks import Tasks
from gesso.services.thumbnails import Thumbnails
from gesso.services.waiting import Waiting


class DeliveryLog(Protocol):
    async def log(self, task_id: int) -> list[Delivery]:
        """The latest tries to tell of the end of a Task, oldest first."""
        ...


@dataclass(frozen=True, slots=True)
class Records:
    """What pages tell of Tasks besides the Tasks themselves."""

    searches: TaskSearches
    waiting: Waiting
    reruns: Reruns
    thumbnails: Thumbnails
    deliveries: DeliveryLog


@dataclass(frozen=True, slots=True)
class Offices:
    """What people do about their Projects and themselves, and ask for on pages, that no dialect has words for."""

    signing: Signing
    departures: Departures
    borrowing: Borrowing


@dataclass(frozen=True, slots=True)
class Services:
    """Every service by its name.

    `public_url`: the origin of the URLs that clients are given; empty, it is the one that each request was sent to. `own_url`: the
    origin for a webhook, which no request precedes, when `public_url` is empty. `trusted_proxies`: addresses or ranges whose
    X-Forwarded-For is believed. `hung_up`: set when the server stops and running Tasks have had their time: who still waits for one, or
    listens, is sent away.
    """

    identity: Identity
    catalog: Catalog
    comments: Comments
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
    billing: Billing
    offices: Offices
    statistics: Counters
    history: History
    records: Records
    machine: Machine
    acceptance: Acceptance
    public_url: str = ""
    own_url: str = ""
    trusted_proxies: tuple[str, ...] = ()
    hung_up: asyncio.Event = field(default_factory=asyncio.Event)

    def is_accepting(self) -> bool:
        """Whether the server takes Tasks: it neither starts nor stops."""
        return self.acceptance.is_accepting()
