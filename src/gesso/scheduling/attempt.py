"""One Attempt, from its acceptance to its end: stage the inputs, run, store the Outputs, settle."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from gesso.domain.errors import GessoError, Unavailable
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
from gesso.domain.limits import ATTEMPTS_MAX_COUNT, COMMIT_RETRY_S, INTERRUPTIONS_MAX_COUNT
from gesso.domain.model import Model
from gesso.domain.price import FREE
from gesso.domain.task import Task, TaskState
from gesso.ports import Blobs, Clock, Executor, RunKilled, RunResult, WorkerLost
from gesso.services.lifecycle import Lifecycle, has_ended
from gesso.services.staging import Staging

log = structlog.get_logger(__name__)


def requeue_or_fail(task: Task, reason: str, is_counted: bool) -> Event:
    """What becomes of a Task whose Attempt was lost: it waits again, unless that happened too often."""
    if is_counted and task.counted_losses + 1 >= ATTEMPTS_MAX_COUNT:
        return Failed(f"The model process was lost in {ATTEMPTS_MAX_COUNT} attempts; the last time: {reason}")
    if len(task.losses) + 1 >= INTERRUPTIONS_MAX_COUNT:
        return Failed(f"The task was interrupted {INTERRUPTIONS_MAX_COUNT} times; the last time: {reason}")
    return Requeued(reason, is_counted)


class Attempts:
    """Carries Tasks through one Attempt each. A Task that its owner withdraws meanwhile refuses the next step, which ends its Attempt."""

    def __init__(self, lifecycle: Lifecycle, staging: Staging, blobs: Blobs, clock: Clock) -> None:
        self._lifecycle = lifecycle
        self._staging = staging
        self._blobs = blobs
        self._clock = clock

    async def carry(self, task_id: int, model: Model, executor: Executor, release: Callable[[Executor], None]) -> bool:
        """Begin and finish one Attempt of a queued Task on a claimed Worker, which is given back through `release` as soon as it is free.

        It returns when the Task has ended or waits again; False when it could not even begin because the store is out of reach, and the
        Task must be placed again. Cancelling it puts the Task back in the queue.
        """
        is_held = True

        def give_back() -> None:
            nonlocal is_held
            if is_held:
                is_held = False
                release(executor)

        attempt = 0
        try:
            try:
                task = await self._lifecycle.load(task_id)
            except Unavailable:
                return False
            attempt = task.attempt + 1
            await self._carry(task, attempt, model, executor, give_back)
        except WorkerLost as error:
            self._lose(task_id, attempt, str(error), is_counted=True)
        except RunKilled:
            pass
        except asyncio.CancelledError:
            self._lose(task_id, attempt, "the server stopped", is_counted=False)
            raise
        except GessoError as error:
            if not has_ended(error):
                self._fail(task_id, attempt, str(error))
        except Exception:
            log.exception("an attempt broke", task_id=task_id)
            self._fail(task_id, attempt, "Something went wrong in the server; its log has the details.")
        finally:
            give_back()
        return True

    async def _carry(self, task: Task, attempt: int, model: Model, executor: Executor, give_back: Callable[[], None]) -> None:
        record = self._lifecycle.record
        fetches = any(given.url for inputs in task.files.values() for given in inputs)
        if fetches:
            record(task.id, None, Accepted(attempt), PreprocessStarted())
            staged = await self._staging.fetch_inputs(task, model)
            assert staged is not None
            files, new_files = staged
            try:
                record(task.id, attempt, PreprocessEnded(files), Assigned(executor.name), files=new_files)
            except GessoError:
                await self._blobs.delete([file.access_key for file in new_files])
                raise
        else:
            record(task.id, None, Accepted(attempt), PreprocessStarted(), PreprocessEnded(), Assigned(executor.name))
        task = await self._lifecycle.load(task.id)
        order = await self._staging.order(task)
        now = self._lifecycle.current(task.id)
        if now is None or now.attempt != attempt or now.state is not TaskState.ASSIGNED:
            # Withdrawn between its assignment and its run: there was nothing to kill yet.
            return
        result = await executor.run(
            order,
            on_started=lambda: self._started(task.id, attempt),
            on_live=lambda event: self._lifecycle.tell(task.id, event),
        )
        ended_at = self._clock.now()
        give_back()
        await self._settle(await self._lifecycle.load(task.id), model, result, ended_at - task.assigned_at)

    def _started(self, task_id: int, attempt: int) -> None:
        try:
            self._lifecycle.record(task_id, attempt, Started())
        except GessoError as error:
            if not has_ended(error):
                raise

    async def _settle(self, task: Task, model: Model, result: RunResult, billed_us: int) -> None:
        """Record the end. All of it is one change, so Outputs, exit code and cost are to be seen before anyone is told of the end."""
        if result.failure:
            ended = Ended(1, (), billed_us, FREE, result.stdout, result.stderr)
            await self._lifecycle.record(task.id, task.attempt, ended, PostprocessStarted(), Failed(result.text))
            return
        while True:
            try:
                outputs = await self._staging.outputs(task, result)
                break
            except Unavailable as error:
                # The result is made; only the disk refuses it. It is worth waiting for.
                log.error("outputs cannot be stored", task_id=task.id, reason=str(error))
                await asyncio.sleep(COMMIT_RETRY_S)
        cost = model.price.charge(billed_us)
        ended = Ended(0, outputs, billed_us, cost, result.stdout, result.stderr)
        try:
            await self._lifecycle.record(
                task.id,
                task.attempt,
                ended,
                PostprocessStarted(),
                Succeeded(),
                files=outputs,
                charge=cost if cost > 0 else None,
            )
        except GessoError:
            await self._blobs.delete([file.access_key for file in outputs])
            raise

    def _lose(self, task_id: int, attempt: int, reason: str, is_counted: bool) -> None:
        self._close(task_id, attempt, lambda task: requeue_or_fail(task, reason, is_counted))

    def _fail(self, task_id: int, attempt: int, reason: str) -> None:
        self._close(task_id, attempt, lambda task: Failed(reason))

    def _close(self, task_id: int, attempt: int, event_of: Callable[[Task], Event]) -> None:
        task = self._lifecycle.current(task_id)
        if task is None or task.attempt != attempt or not task.state.is_attempted:
            return
        self._lifecycle.record(task_id, attempt, event_of(task))
