"""Builds every part from Settings, starts and stops them in order. With `cli`, the only place that names concrete adapters."""

from __future__ import annotations

import asyncio
import fcntl
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import structlog
from starlette.types import ASGIApp

from gesso.api.app import build_app, build_dialects
from gesso.api.dialect import Services
from gesso.config import Settings, environment, shown
from gesso.delivery.bus import Bus
from gesso.delivery.doorbell import Doorbell
from gesso.delivery.outbox import Outbox
from gesso.delivery.webhooks import Sender
from gesso.domain.event import LogLine
from gesso.domain.limits import WEBHOOK_STOP_GRACE_S
from gesso.domain.model import Model
from gesso.execution.devices import find_accelerators
from gesso.execution.executor import ProcessExecutor
from gesso.execution.pulls import CommandPuller
from gesso.execution.thumbnailer import Thumbnailer
from gesso.models import registry
from gesso.models.contract import Device
from gesso.observe import Metrics, SystemClock
from gesso.ports import Clock, Executor
from gesso.scheduling.attempt import Attempts
from gesso.scheduling.fleet import Fleet, Hire
from gesso.scheduling.scheduler import Scheduler
from gesso.scheduling.station import FleetStation
from gesso.services.acceptance import Acceptance
from gesso.services.accounts import Accounts
from gesso.services.billing import Billing
from gesso.services.borrowing import Borrowing
from gesso.services.carrying import Carrying
from gesso.services.catalog import Catalog
from gesso.services.comments import Comments
from gesso.services.costs import Costs
from gesso.services.departures import Departures
from gesso.services.files import Files
from gesso.services.folders import Folders
from gesso.services.history import History
from gesso.services.identity import Identity
from gesso.services.lifecycle import Lifecycle
from gesso.services.machine import Machine, Setting
from gesso.services.offer import Offices, Records
from gesso.services.projects import Projects
from gesso.services.reruns import Reruns
from gesso.services.retention import Retention
from gesso.services.sessions import Sessions
from gesso.services.signing import Signing
from gesso.services.staging import Staging
from gesso.services.submission import Submission
from gesso.services.task_search import TaskSearches
from gesso.services.tasks import Tasks
from gesso.services.thumbnails import Thumbnails
from gesso.services.upkeep import Upkeep
from gesso.services.waiting import Waiting
from gesso.store.accounts import SqlAccounts
from gesso.store.archive import ZipArchives
from gesso.store.billing import SqlBilling
from gesso.store.blobs import FolderBlobs
from gesso.store.carried import SqlCarried
from gesso.store.comments import SqlComments
from gesso.store.database import Database, is_current, make_engine, sqlite_url
from gesso.store.fetch import HttpFetch, guarded_client
from gesso.store.files import SqlFiles
from gesso.store.folders import SqlFolders
from gesso.store.history import SqlHistory
from gesso.store.notices import SqlNotices
from gesso.store.private import make_data_folder, make_database_file
from gesso.store.projects import SqlProjects
from gesso.store.sessions import SqlSessions
from gesso.store.task_search import SqlTaskSearch
from gesso.store.tasks import SqlTasks, write_changes
from gesso.store.users import SqlUsers
from gesso.store.vault import Vault, load_secret_key
from gesso.web.pages import build_pages

log = structlog.get_logger(__name__)
DOORBELL = "server.bell"


class DataInUse(Exception):
    """Another server has the data folder."""


class Store:
    """The part of the house that commands share with the server: settings, database, accounts. Safe beside a running server."""

    def __init__(self, settings: Settings) -> None:
        """Errors: OSError, sqlalchemy's errors, ValueError for a damaged secret key."""
        self.settings = settings
        self.clock = SystemClock()
        data = settings.data.resolve()
        make_data_folder(data)
        for folder in (data / "logs", data / "weights"):
            folder.mkdir(mode=0o700, exist_ok=True)
        if not settings.database_url:
            make_database_file(data / "gesso.db")
        engine = make_engine(settings.database_url or sqlite_url(data / "gesso.db"))
        if not is_current(engine):
            # Alembic takes as long to import as all the rest, and is needed once.
            from gesso.store.migrate import upgrade

            upgrade(engine)
        self.database = Database(engine, write_changes)
        vault = Vault(load_secret_key(data / "secret.key"))
        self.accounts = SqlAccounts(self.database, vault, self.clock, settings.opening_credit)
        self.projects = SqlProjects(self.database, vault, self.clock, settings.opening_credit)
        self.users = SqlUsers(self.database, vault, self.clock)
        self.sessions = SqlSessions(self.database, vault)
        self.notices = SqlNotices(self.database, vault, self.clock)

    @property
    def data(self) -> Path:
        return self.settings.data.resolve()

    def close(self) -> None:
        self.database.close()


class _People:
    """Who may ask for what. `hidden`: the ids of deleted Projects, whose Tasks and Files nobody is shown."""

    def __init__(self, store: Store) -> None:
        self.hidden: set[int] = set()
        self.identity = Identity(store.accounts, store.clock)
        self.sessions = Sessions(store.sessions, store.clock)
        self.users = Accounts(store.users, self.sessions, store.clock, store.settings.signup)


class _Engines:
    """What Engines find here: devices, the options that the operator gave them, folders. Errors: ModelBroken."""

    def __init__(self, settings: Settings, catalog: Catalog) -> None:
        self._settings = settings
        self._catalog = catalog
        self._devices = [Device("cpu", settings.memory, 1), *find_accelerators()]
        self.options = registry.options(catalog.all(), settings.engines)

    def fleet(self, hire: Hire, clock: Clock) -> Fleet:
        settings = self._settings
        return Fleet(self._catalog.all(), self._devices, settings.workers, self._demand, hire, clock, settings.idle_unload_s)

    def environment(self, model: Model) -> dict[str, str]:
        """Also where torch keeps what it compiles, so that the next Worker of the Model finds it."""
        compiled = self._settings.data.resolve() / "weights" / "cache" / model.owner / model.slug
        return {"TORCHINDUCTOR_CACHE_DIR": str(compiled)} | dict(environment())

    def _demand(self, model: Model) -> int:
        """Bytes that a Worker of the Model takes: what its plan for the largest of its devices says, where it makes one."""
        wants_accelerator = model.needs.device != "cpu" and len(self._devices) > 1
        largest = max(self._devices[1:] if wants_accelerator else self._devices[:1], key=lambda device: device.memory_bytes)
        if model.outlook is not None:
            try:
                weights = self._catalog.weights_of(model)
                return model.outlook(weights, largest.name, largest.memory_bytes, self.options[model.name]).memory_bytes
            except (ValueError, OSError):
                # It fits in no way: what is declared says how much is missing.
                pass
        return self._catalog.memory_bytes(model)


class House:
    """A whole server without its sockets: `app` serves HTTP and WebSockets between `start` and `stop`."""

    def __init__(self, settings: Settings, models: tuple[Model, ...] | None = None, own_url: str = "") -> None:
        """`models`: other Models than the registry's, for tests. `own_url`: the origin that it listens on, for URLs in webhooks.

        Errors: DataInUse, and those of Store.
        """
        self.settings = settings
        data = settings.data.resolve()
        make_data_folder(data)
        self._lock = _lock(data / "server.lock")
        self.store = Store(settings)
        clock = self.store.clock
        self._scratch = data / "scratch"
        # Left by Workers of an earlier server.
        shutil.rmtree(self._scratch, ignore_errors=True)
        self._blobs = FolderBlobs(data / "blobs")
        self._tasks_store = SqlTasks(self.store.database)
        self.catalog = Catalog(models or registry.load(settings.models, data), data / "weights")
        bus = Bus()
        self._archives = ZipArchives(self._scratch / "archives")
        file_store = SqlFiles(self.store.database)
        self._people = people = _People(self.store)
        files = Files(file_store, self._blobs, people.hidden)
        self.lifecycle = Lifecycle(self._tasks_store, bus, clock)
        self._retention = Retention(self.lifecycle, self._tasks_store, file_store, files, self._blobs, clock, settings.retention_days)
        self._fetch = HttpFetch(settings.fetch_ranges)
        staging = Staging(self._blobs, self._fetch, files, clock)
        self._engines = _Engines(settings, self.catalog)
        self.fleet = self._engines.fleet(self._hire, clock)
        self.billing = Billing(SqlBilling(self.store.database, clock), clock, settings.billing)
        self.lifecycle.observe(self.billing.observe)
        self._carrying = self._carried()
        attempts = Attempts(self.lifecycle, staging, self._blobs, clock, Costs(self._blobs, settings.billing).charge)
        self.scheduler = Scheduler(self.lifecycle, self._tasks_store, self.catalog, self.fleet, attempts)
        tasks = Tasks(self.lifecycle, bus, people.hidden)
        self._upkeep = Upkeep(self.store.projects, self._tasks_store, self.lifecycle, tasks, people.identity, clock, people.hidden)
        submission = Submission(
            self.lifecycle, self._tasks_store, self.catalog, files, self._blobs, clock, self._is_accepting, self.billing.admit
        )
        projects = Projects(self.store.projects, people.identity, self._upkeep.bury)
        self.services = Services(
            identity=people.identity,
            catalog=self.catalog,
            comments=Comments(SqlComments(self.store.database), clock),
            submission=submission,
            tasks=tasks,
            files=files,
            folders=Folders(SqlFolders(self.store.database), files, self._blobs, self._archives, clock),
            retention=self._retention,
            blobs=self._blobs,
            accounts=self.store.accounts,
            users=people.users,
            sessions=people.sessions,
            projects=projects,
            billing=self.billing,
            offices=Offices(Signing(self.store.notices, projects), Departures(people.users, projects), Borrowing(self._fetch)),
            statistics=self.billing,
            history=History(SqlHistory(self.store.database), self.billing, self.catalog),
            records=self._records(files, submission),
            machine=self._machine(data),
            acceptance=Acceptance(self._is_accepting, self.store.database),
            public_url=settings.public_url.rstrip("/"),
            own_url=own_url,
            trusted_proxies=tuple(str(network) for network in settings.proxy_ranges),
        )
        dialects = build_dialects(self.services)
        self.app: ASGIApp = build_app(self.services, dialects, self._metrics(), *build_pages(self.services, data / "blog"))
        encoders = {dialect.name: dialect.notice for dialect in dialects}
        self._outbox = Outbox(self.store.notices, self.lifecycle.see, encoders, Sender(guarded_client(settings.fetch_ranges)), clock)
        self._doorbell = Doorbell(data / DOORBELL, self._look_around)
        self.lifecycle.observe(self._outbox.observe)

    async def start(self) -> None:
        """Recover what an earlier server left, and accept Tasks."""
        await self._carrying.start()
        await self.billing.start()
        await self.scheduler.start()
        await self._upkeep.start()
        self._retention.start()
        self._outbox.start()
        self._doorbell.open()

    async def drain(self) -> None:
        """Refuse new Tasks, let running ones finish within the grace time, put the others back in the queue, end all Workers. `hang_up`
        meanwhile cuts the grace time short."""
        hung_up = asyncio.ensure_future(self.services.hung_up.wait())
        stopping = asyncio.ensure_future(self.scheduler.stop(self.settings.stop_grace_s))
        await asyncio.wait({hung_up, stopping}, return_when=asyncio.FIRST_COMPLETED)
        grace_s = 0 if hung_up.done() else self.settings.stop_grace_s
        if not stopping.done():
            await self.scheduler.stop(grace_s)
        await stopping
        hung_up.cancel()
        self.hang_up()
        self._doorbell.close()
        await self._retention.stop()
        await self._outbox.stop(min(grace_s, WEBHOOK_STOP_GRACE_S))

    def hang_up(self) -> None:
        """Send away who waits for a Task or listens to one: what has not ended by now goes on in the next server."""
        self.services.hung_up.set()

    async def stop(self) -> None:
        """After `drain`: write what is in line, close everything."""
        await self._upkeep.stop()
        await self._puller.close()
        self._people.users.close()
        await self._fetch.close()
        await self._thumbnailer.close()
        self._archives.close()
        await self._carrying.stop()
        self._blobs.close()
        self.store.close()
        os.close(self._lock)

    def _carried(self) -> Carrying:
        carrying = Carrying(SqlCarried(self.store.database), self._blobs)
        self.lifecycle.observe(carrying.observe)
        return carrying

    def _records(self, files: Files, submission: Submission) -> Records:
        self._thumbnailer = Thumbnailer(environment())
        return Records(
            searches=TaskSearches(SqlTaskSearch(self.store.database), self.billing),
            waiting=Waiting(self.scheduler, self.billing, self.store.clock),
            reruns=Reruns(submission, self.catalog),
            thumbnails=Thumbnails(files, self._thumbnailer, self._scratch / "thumbnails"),
            deliveries=self.store.notices,
        )

    def _look_around(self) -> None:
        """What commands beside the server may have changed."""
        self._outbox.wake()
        self._upkeep.wake()

    def _machine(self, data: Path) -> Machine:
        self._puller = CommandPuller(data, environment())
        return Machine(
            FleetStation(self.fleet, self.scheduler),
            self._puller,
            self.store.notices,
            self.catalog,
            data,
            self.store.database.engine.dialect.name,
            tuple(Setting(*row) for row in shown(self.settings)),
            self.store.clock.now(),
            self._look_around,
        )

    def _metrics(self) -> Callable[[], bytes]:
        metrics = Metrics(self.scheduler.waiting_count, self.scheduler.running_count, self.fleet.workers)
        self.lifecycle.observe(metrics.observe)
        return metrics.text

    def _is_accepting(self) -> bool:
        return self.scheduler.is_accepting

    def _hire(self, model: Model, name: str, device: Device) -> Executor:
        def write_log(line: LogLine) -> None:
            log.info("worker wrote", worker=name, stream=line.stream, text=line.text)

        return ProcessExecutor(
            name,
            model,
            Device(device.name, device.memory_bytes, model.needs.threads, self._engines.options[model.name]),
            self.catalog.weights_of(model),
            self._scratch / name,
            self._engines.environment(model),
            on_log=write_log,
            kill_grace_s=self.settings.kill_grace_s,
            run_timeout_s=self.settings.run_timeout_s,
        )


def _lock(path: Path) -> int:
    """Hold the data folder for this process. The system drops the lock when the process dies, however it dies. Errors: DataInUse."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise DataInUse(f"Another gesso server uses {path.parent}. Stop it, or choose another folder with --data.") from None
    return descriptor
