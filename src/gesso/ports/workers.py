"""Model processes, as those who give them work see them."""

from __future__ import annotations

from asyncio import Future
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from gesso.domain.batch import Fit
from gesso.domain.event import LiveEvent
from gesso.domain.model import Model
from gesso.domain.run import RunOrder, RunResult


class WorkerLost(Exception):
    """The model process died or broke the protocol under a run; the text names the exit code or signal."""


class RunKilled(Exception):
    """The run was killed as asked."""


class SetupFailed(Exception):
    """The Engine could not be set up; the text is its error."""


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
