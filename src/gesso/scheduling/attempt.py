"""One Attempt, from its acceptance to its end: stage the inputs, run, store the Outputs, settle."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal
from enum import Enum

import structlog

from gesso.domain.batch import ALONE, Fit
from gesso.domain.errors import GessoError, StaleAttempt, Unavailable
from gesso.domain.event import (
    Accepted,
    Assigned,
    Ended,
    Event,
    Failed,
    PostprocessStarted,
    PreprocessEnded,
    PreprocessStarted,
    Requeued,
    Started,
    Succeeded,
)
from gesso.domain.file import Carried, File
from gesso.domain.ledger import Charge
from gesso.domain.limits import ATTEMPTS_MAX_COUNT, INTERRUPTIONS_MAX_COUNT
from gesso.domain.model import Model
from gesso.domain.price import FREE
from gesso.domain.provenance import MadeWith, Provenance
from gesso.domain.task import Task, TaskState
from gesso.ports import Blobs, Clock, Executor, RunKilled, RunOrder, RunResult, WorkerLost
from gesso.scheduling.table import Seat
from gesso.services.lifecycle import Lifecycle, has_ended
from gesso.services.staging import Staging

log = structlog.get_logger(__name__)
Runner = Executor | Seat


class Carrying(Enum):
    """What came of giving a queued Task to a Worker. OVER: it has ended, or waits again. UNBEGUN: the store was out of reach, so it must be
    placed again. TO_FETCH: its inputs must be fetched first, and the Worker was given back."""

    OVER = "over"
    UNBEGUN = "unbegun"
    TO_FETCH = "to fetch"


ChargeFor = Callable[[Task, Model, Sequence[File], int, Decimal | None], Awaitable[Charge]]


async def charge_by_time(task: Task, model: Model, outputs: Sequence[File], billed_us: int, reported: Decimal | None) -> Charge:
    """The Charge of a Model that is priced by the second alone, taken in full."""
    cost = model.price.charge(billed_us)
    return Charge(cost, cost if cost > 0 else None)


def requeue_or_fail(task: Task, reason: str, is_counted: bool) -> Event:
    """What becomes of a Task whose Attempt was lost: it waits again, unless that happened too often."""
    if is_counted and task.counted_losses + 1 >= ATTEMPTS_MAX_COUNT:
        return Failed(f"{ATTEMPTS_MAX_COUNT} attempts were lost; the last time: {reason}")
    if len(task.losses) + 1 >= INTERRUPTIONS_MAX_COUNT:
        return Failed(f"The task was interrupted {INTERRUPTIONS_MAX_COUNT} times; the last time: {reason}")
    return Requeued(reason, is_counted)


def must_fetch(task: Task) -> bool:
    """Whether the Task waits in the queue with inputs that are addresses."""
    return task.state is TaskState.QUEUED and any(given.url for inputs in task.files.values() for given in inputs)


def _provenance(made_with: MadeWith, order: RunOrder, result: RunResult) -> Provenance:
    inputs = {name: tuple(file.sha256 for file in files) for name, files in order.files.items()}
    return Provenance(made_with, inputs, tuple(made.sha256 for made in result.outputs))


class Attempts:
    """Carries Tasks through one Attempt each. A Task that its owner withdraws meanwhile refuses the next step, which ends its Attempt."""

    def __init__(self, lifecycle: Lifecycle, staging: Staging, blobs: Blobs, clock: Clock, charge_for: ChargeFor = charge_by_time) -> None:
        self._lifecycle = lifecycle
        self._staging = staging
        self._blobs = blobs
        self._clock = clock
        self._charge_for = charge_for

    async def fit(self, task_id: int, executor: Executor) -> Fit | None:
        """With whom a waiting Task could share a Batch on a claimed Worker; None for nobody.

        So it is for those whose inputs must be fetched first, which the others would wait for, and for those that were lost with a Worker
        once: who is beside them must not be lost with them again.
        """
        try:
            task = await self._lifecycle.load(task_id)
            if task.counted_losses or must_fetch(task) or ALONE in task.sent:
                return None
            return await executor.fit(await self._staging.order(task))
        except (WorkerLost, GessoError):
            return None

    async def fetch(self, task_id: int, model: Model) -> bool:
        """Begin an Attempt of a queued Task by fetching its inputs, which takes no Worker: an address that answers slowly holds nobody up.

        True when the Task must be placed now, with its inputs there or because the store was out of reach; False when it has ended, or
        waits in the queue again. Cancelling it puts the Task back in the queue, unless its owner has withdrawn it.
        """
        attempt = 0
        try:
            try:
                task = await self._lifecycle.load(task_id)
            except Unavailable:
                return True
            attempt = task.attempt + 1
            self._lifecycle.note(task_id, None, Accepted(attempt), PreprocessStarted())
            files, new_files = await self._staging.fetch_inputs(task, model)
            try:
                self._lifecycle.note(task_id, attempt, PreprocessEnded(files), files=new_files)
            except GessoError:
                await self._blobs.delete([file.access_key for file in new_files])
                raise
        except asyncio.CancelledError:
            self._lose(task_id, attempt, "the server stopped", is_counted=False)
            raise
        except Exception as error:
            self._break(task_id, attempt, error)
            return False
        return True

    async def carry(self, task_id: int, model: Model, executor: Runner, release: Callable[[], None]) -> Carrying:
        """Begin and finish one Attempt of a queued Task on a claimed Worker, or finish one whose inputs were fetched. The Worker is given
        back through `release` as soon as it is free. Cancelling it puts the Task back in the queue.
        """
        is_held = True

        def give_back() -> None:
            nonlocal is_held
            if is_held:
                is_held = False
                release()

        attempt = 0
        try:
            try:
                task = await self._lifecycle.load(task_id)
            except Unavailable:
                return Carrying.UNBEGUN
            if must_fetch(task):
                return Carrying.TO_FETCH
            attempt = task.attempt + (task.state is not TaskState.PREPROCESSED)
            await self._carry(task, attempt, model, executor, give_back)
        except asyncio.CancelledError:
            self._lose(task_id, attempt, "the server stopped", is_counted=False)
            raise
        except Exception as error:
            self._break(task_id, attempt, error)
        finally:
            give_back()
        return Carrying.OVER

    def _break(self, task_id: int, attempt: int, error: Exception) -> None:
        """What becomes of the Task whose Attempt was broken off by `error`."""
        match error:
            case WorkerLost():
                self._lose(task_id, attempt, str(error), is_counted=True)
            case RunKilled():
                # Its owner withdrew the Task, which has ended; then nothing is lost here.
                self._lose(task_id, attempt, "the run was killed", is_counted=True)
            case Unavailable():
                # The machine's fault, and that of no model: it is tried again, ever later.
                self._lose(task_id, attempt, error.reason, is_counted=False)
            case GessoError():
                # A refused step mostly means that the Task went another way; then there is nothing left to fail.
                self._fail(task_id, attempt, str(error))
            case _:
                log.error("an attempt broke", task_id=task_id, exc_info=error)
                self._fail(task_id, attempt, "Something went wrong in the server; its log has the details.")

    async def _carry(self, task: Task, attempt: int, model: Model, executor: Runner, give_back: Callable[[], None]) -> None:
        note = self._lifecycle.note
        if task.state is TaskState.PREPROCESSED:
            note(task.id, attempt, Assigned(executor.name))
        else:
            note(task.id, None, Accepted(attempt), PreprocessStarted(), PreprocessEnded(), Assigned(executor.name))
        task = await self._lifecycle.load(task.id)
        order = await self._staging.order(task)
        now = self._lifecycle.current(task.id)
        if now is None or now.attempt != attempt or now.state is not TaskState.ASSIGNED:
            # Withdrawn between its assignment and its run: there was nothing to kill yet.
            return
        # Money is counted on a clock that never steps.
        assigned_at = self._clock.monotonic()
        is_kept = False
        try:
            result = await executor.run(
                order,
                on_started=lambda: self._started(task.id, attempt),
                on_live=lambda event: self._lifecycle.tell(task.id, event),
            )
            if result.failure == "disk":
                raise Unavailable(result.text)
            billed_us = round((self._clock.monotonic() - assigned_at - result.waited_s) * result.share * 1_000_000)
            give_back()
            commit = await self._settle(task.id, attempt, model, order, result, billed_us)
            # The change is in line: from here on only the store knows whether the Outputs are wanted.
            is_kept = not result.failure
            try:
                await commit
            except Unavailable:
                # The Task itself was in that change, and has never been.
                is_kept = False
                raise
        finally:
            if not is_kept:
                await self._staging.clear(order)

    def _started(self, task_id: int, attempt: int) -> None:
        try:
            self._lifecycle.note(task_id, attempt, Started())
        except GessoError as error:
            if not has_ended(error):
                raise

    async def _settle(
        self, task_id: int, attempt: int, model: Model, order: RunOrder, result: RunResult, billed_us: int
    ) -> Awaitable[None]:
        """Put the end in line for the disk. All of it is one change, so Outputs, exit code and cost are to be seen before anyone is told of
        the end."""
        task = self._present(task_id, attempt)
        # An order that its Worker refuses, or that ran out of time before it began, was never started.
        start = (Started(),) if task.state is TaskState.ASSIGNED else ()
        if result.failure:
            ended = Ended(1, (), billed_us, FREE, result.stdout, result.stderr)
            return self._lifecycle.record(task_id, attempt, *start, ended, PostprocessStarted(), Failed(result.text))
        outputs = self._staging.outputs(task, result)
        charge = await self._charge_for(task, model, outputs, billed_us, result.reported)
        ended = Ended(0, outputs, billed_us, charge.cost, result.stdout, result.stderr)
        steps = (*start, ended, PostprocessStarted(), Succeeded())
        provenance = None if result.made_with is None else _provenance(result.made_with, order, result)
        carried = tuple(Carried(made.access_key, made.carried) for made in result.outputs if made.carried)
        return self._lifecycle.record(task_id, attempt, *steps, files=outputs, charge=charge.taken, provenance=provenance, carried=carried)

    def _present(self, task_id: int, attempt: int) -> Task:
        """The Task while this Attempt is under way. Errors: StaleAttempt."""
        task = self._lifecycle.current(task_id)
        if task is None or task.attempt != attempt or not task.state.is_attempted:
            raise StaleAttempt(task_id, attempt)
        return task

    def _lose(self, task_id: int, attempt: int, reason: str, is_counted: bool) -> None:
        self._close(task_id, attempt, lambda task: requeue_or_fail(task, reason, is_counted))

    def _fail(self, task_id: int, attempt: int, reason: str) -> None:
        self._close(task_id, attempt, lambda task: Failed(reason))

    def _close(self, task_id: int, attempt: int, event_of: Callable[[Task], Event]) -> None:
        try:
            self._lifecycle.record(task_id, attempt, event_of(self._present(task_id, attempt)))
        except StaleAttempt:
            # Withdrawn, or ended: there is nothing to close.
            return
