"""The borders of the house: what services ask of the store, of model processes and of live listeners. Adapters implement them, `wiring`
chooses. Each has a suite in tests/contracts and a double in `gesso.testing`."""

from __future__ import annotations

from asyncio import Future
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Protocol

from gesso.domain.batch import Fit
from gesso.domain.event import LiveEvent, Recorded
from gesso.domain.file import File, Folder, Received, Upload
from gesso.domain.ledger import Statistics
from gesso.domain.model import Model
from gesso.domain.notice import Delivery, Notice
from gesso.domain.once import Once
from gesso.domain.project import AuthMethod, Key, Project
from gesso.domain.provenance import Provenance
from gesso.domain.run import LocalFile as LocalFile
from gesso.domain.run import MadeOutput as MadeOutput
from gesso.domain.run import RunOrder as RunOrder
from gesso.domain.run import RunResult as RunResult
from gesso.domain.task import Task


class Clock(Protocol):
    def now(self) -> int:
        """Microseconds since 1970, UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds on a clock that never steps."""
        ...


@dataclass(frozen=True, slots=True)
class TaskChange:
    """One atomic write: the Task as it is after `events`, new Files, the Charge, the webhook notice, the key of its order and what it was
    made with, all or nothing.

    `expected_seq`: the Task's stored seq before it; 0 inserts. `is_refusable`: whether the writer may give it up when the disk
    refuses (a submission), or must repeat it until it is on disk (all that follows).
    """

    task: Task
    expected_seq: int
    events: tuple[Recorded, ...]
    files: tuple[File, ...] = ()
    charge: Decimal | None = None
    notify_url: str = ""
    is_refusable: bool = False
    once: Once | None = None
    provenance: Provenance | None = None


@dataclass(frozen=True, slots=True)
class QueueEntry:
    """What the Scheduler needs to know of a waiting Task."""

    task_id: int
    project_id: int
    model: str
    is_attempted: bool = False


class TaskStore(Protocol):
    def next_id(self) -> int:
        """A new task id, larger than all before."""
        ...

    def write(self, change: TaskChange) -> Future[None]:
        """Put `change` in line now, in call order; the result is done after the commit. Errors: Unavailable if refusable, StaleAttempt."""
        ...

    async def by_id(self, task_id: int) -> Task | None: ...

    async def by_token(self, token: str) -> Task | None: ...

    async def by_once_key(self, project_id: int, key: str, now: int) -> tuple[Once, int] | None:
        """The order of a Project that has the key, and its Task, unless it is ONCE_KEPT_S old at `now`."""
        ...

    async def events(self, task_id: int) -> list[Recorded]: ...

    async def delete_files(self, change: TaskChange, outputs: Sequence[str], inputs: Sequence[str]) -> list[str]:
        """Write `change`, and with it drop the Task's Outputs and those of its own inputs that no other Task of its Project uses;
        the access keys whose bytes are nobody's then. An own input that is used passes to a Task that uses it.

        Errors: Unavailable, StaleAttempt.
        """
        ...

    async def with_old_files(self, before: int, max_count: int) -> list[int]:
        """Tasks that ended before `before` and still have files, oldest first."""
        ...

    async def unfinished(self) -> list[QueueEntry]:
        """All Tasks that have not ended, oldest first. `is_attempted`: an Attempt was under way when they were written."""
        ...


@dataclass(frozen=True, slots=True)
class TaskRange:
    """Which Tasks of a Project: those of `models`, or of all where that is None; `is_open`: only those that have not ended."""

    project_id: int
    models: tuple[str, ...] | None = None
    is_open: bool = False
    is_newest_first: bool = True


class TaskHistory(Protocol):
    async def page(self, wanted: TaskRange, start: int, limit: int) -> list[Task]:
        """At most `limit` Tasks after the first `start`, as they are on disk. Errors: Unavailable."""
        ...


class Counters(Protocol):
    """Counts of Tasks, kept as they go, so that no list counts rows."""

    async def model_statistics(self) -> Mapping[str, Statistics]:
        """Counts of all Projects together, by Model."""
        ...

    async def task_counts(self, project_id: int, model: str | None = None) -> Statistics:
        """A Project's counts, of one Model or of all."""
        ...


class AccountStore(Protocol):
    async def create_project(self, name: str, auth_method: AuthMethod) -> Key: ...

    async def key(self, api_key: str) -> Key | None: ...

    async def project(self, project_id: int) -> Project | None: ...


class FileStore(Protocol):
    async def add(self, file: File) -> None: ...

    async def by_access_key(self, access_key: str) -> File | None: ...

    async def unknown(self, access_keys: Sequence[str]) -> set[str]:
        """Those of `access_keys` that no File has."""
        ...


@dataclass(frozen=True, slots=True)
class FolderCounts:
    """How many Folders and how many uploads are right in a Folder."""

    folders: int
    files: int


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of a Folder: its Folders by name, with what is in each, then its uploads by age. `total`: of all pages."""

    total: int
    folders: tuple[Folder, ...]
    counts: tuple[FolderCounts, ...]
    uploads: tuple[Upload, ...]


class FolderStore(Protocol):
    """What a Project keeps. The ids of another Project's are unknown ones."""

    async def create(self, folder: Folder) -> Folder:
        """Keep `folder`; the one that has its name in its place already. Errors: FolderUnknown (its parent), FolderRefused, Unavailable."""
        ...

    async def folder(self, project_id: int, folder_id: str) -> Folder | None: ...

    async def add(self, uploads: Sequence[Upload], new_folders: Sequence[Folder]) -> None:
        """Keep all at once, each new Folder under the first free name like its own. Errors: FolderUnknown, FolderRefused, Unavailable."""
        ...

    async def page(self, project_id: int, folder_id: str, start: int, max_count: int, is_newest_first: bool = False) -> Listing: ...

    async def remove_upload(self, project_id: int, upload_id: str) -> str | None:
        """The access key of the File that is no more; None when there was none."""
        ...

    async def remove_folder(self, project_id: int, folder_id: str) -> list[str]:
        """A bounded step: the access keys of Files that are no more; none when the Folder and all in it are gone. Errors: FolderUnknown."""
        ...


@dataclass(frozen=True, slots=True)
class Unpacked:
    """A file of an archive, in a scratch folder, flushed to disk."""

    path: Path
    name: str
    content_type: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Contents:
    """What an archive held. `skipped`: names of files that are not kept, each with the reason."""

    folder: Path
    files: tuple[Unpacked, ...]
    skipped: tuple[tuple[str, str], ...]


class Archives(Protocol):
    async def unpack(self, path: Path, name: str) -> Contents:
        """Write what is in the archive at `path`, called `name`, into a scratch folder, which the caller discards. Errors: UploadRefused,
        Unavailable; then nothing is left."""
        ...

    async def discard(self, contents: Contents) -> None: ...


class BlobWriter(Protocol):
    """Bytes on their way to disk. Nothing exists under the access key before `finish`."""

    async def write(self, chunk: bytes) -> None:
        """Add bytes. Errors: BodyTooLarge over FILE_MAX_BYTES, Unavailable when the disk refuses."""
        ...

    async def finish(self, file_name: str) -> Received:
        """Make the bytes durable under a new access key. The content type is sniffed."""
        ...

    async def discard(self) -> None: ...


class Blobs(Protocol):
    def receive(self) -> BlobWriter: ...

    def path(self, access_key: str) -> Path:
        """Where the bytes are on local disk."""
        ...

    def folder(self, access_key: str) -> Path:
        """The folder of `path`, which is there."""
        ...

    async def adopt(self, sources: Sequence[Path]) -> list[str]:
        """Move files of a scratch folder in, durably; their new access keys in order. Errors: Unavailable."""
        ...

    async def delete(self, access_keys: Sequence[str]) -> None: ...

    def aged(self, age_s: float) -> AsyncIterator[list[str]]:
        """The keys of all blobs that are older than `age_s` seconds, some at a time."""
        ...


class Fetch(Protocol):
    async def fetch(self, url: str, writer: BlobWriter) -> str:
        """Download `url` into `writer`; the file name that it suggests. Errors: FetchRefused, BodyTooLarge, Unavailable."""
        ...


class WorkerLost(Exception):
    """The model process died or broke the protocol under a run; the text names the exit code or signal."""


class RunKilled(Exception):
    """The run was killed as asked."""


class SetupFailed(Exception):
    """The Engine could not be set up; the text is its error."""


class AddressForbidden(Exception):
    """An address that only the operator may open; trying again cannot help. The text says what it leads to."""


@dataclass(frozen=True, slots=True)
class Busy:
    """What must not be begun now: the notices of these Tasks, and those to these hosts or of these Projects."""

    task_ids: Sequence[int] = ()
    hosts: Sequence[str] = ()
    project_ids: Sequence[int] = ()


class NoticeStore(Protocol):
    """The outbox: TaskChange fills it, in one transaction with the end of the Task."""

    async def due(self, now: int, limit: int, busy: Busy) -> tuple[list[Notice], int]:
        """At most `limit` notices that are due and not `busy`, longest due first; and when the next one after `now` is due, or 0."""
        ...

    def record(self, notice: Notice, delivery: Delivery, due_at: int) -> Awaitable[None]:
        """Put a try in line for the disk: its line in the log, and when the notice is due again. A notice that was asked for anew
        meanwhile, so that its due time is another, stays due."""
        ...

    async def secret(self, project_id: int) -> str:
        """What a Project's notices are signed with, made at the first call. Errors: Unavailable."""
        ...


@dataclass(frozen=True, slots=True)
class Member:
    """One order of a Batch, with who hears of it."""

    order: RunOrder
    on_started: Callable[[], None]
    on_live: Callable[[LiveEvent], None]


class Executor(Protocol):
    """The server's half of a Worker: one model process, one run or one Batch at a time."""

    model: Model
    name: str

    @property
    def is_ready(self) -> bool:
        """Whether it could take a run now."""
        ...

    @property
    def is_alive(self) -> bool: ...

    @property
    def is_batching(self) -> bool:
        """Whether its Engine may take several orders at once."""
        ...

    async def start(self) -> None:
        """Spawn the process and set the Engine up. Errors: SetupFailed, WorkerLost."""
        ...

    async def run(self, order: RunOrder, on_started: Callable[[], None], on_live: Callable[[LiveEvent], None]) -> RunResult:
        """Carry out one order. Errors: WorkerLost, RunKilled. The Executor is ready again when this returns, or dead."""
        ...

    async def fit(self, order: RunOrder) -> Fit | None:
        """With whom the order could share a Batch; None for nobody. Nothing is carried out. Errors: WorkerLost."""
        ...

    def run_batch(self, members: Sequence[Member]) -> Sequence[Future[RunResult | RunKilled | WorkerLost]]:
        """Begin to carry out orders together; how each ends, errors as values. The Executor is ready again after the last end, or dead."""
        ...

    def kill(self, order: RunOrder | None = None) -> None:
        """Stop a run, or all: a message that the Engine sees at its next step, SIGKILL after the grace time unless others of its Batch
        would die of it. No-op when idle."""
        ...

    async def stop(self) -> None:
        """End the process; what is in flight is lost."""
        ...


class Subscription(Protocol):
    """Events of one Task for one listener, bounded: a listener that falls behind is cut and must load the Task again."""

    async def next(self) -> tuple[Task, Recorded | LiveEvent] | None:
        """The next Event with the Task as it was after it; None when the listener was cut."""
        ...

    def close(self) -> None: ...


class Announcer(Protocol):
    """Tells live listeners what was committed. Losing an announcement is allowed: listeners resume from the store."""

    def publish(self, task: Task, recorded: Sequence[Recorded]) -> None: ...

    def publish_live(self, task: Task, event: LiveEvent) -> None: ...

    def subscribe(self, task_id: int) -> Subscription: ...
