"""The one way in: an order is checked, stored and queued."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import structlog

from gesso.domain.errors import FileRefused, FileUnknown, GessoError, ModelNotReady, Unavailable
from gesso.domain.event import FileInput
from gesso.domain.file import OCTETS, SAFETENSORS, SVG, File, Received
from gesso.domain.ids import new_token
from gesso.domain.limits import FILES_MAX_COUNT
from gesso.domain.model import Model
from gesso.domain.once import Once
from gesso.domain.parameter import Kind, Parameter
from gesso.domain.project import Project
from gesso.domain.task import Task
from gesso.ports import Blobs, Clock, TaskStore
from gesso.services.catalog import Catalog
from gesso.services.files import Files
from gesso.services.lifecycle import Lifecycle
from gesso.services.repeats import Repeats

log = structlog.get_logger(__name__)
_KINDS = {"image/": "a picture", SAFETENSORS: "a safetensors file"}
# Lets a Project submit a Task of a Model within the block, or raises a leaf of PaymentRefused.
Admit = Callable[[Project, Model, int], AbstractAsyncContextManager[None]]


def admit_all(project: Project, model: Model, task_id: int) -> AbstractAsyncContextManager[None]:
    """Where nobody reckons what Tasks cost."""
    return nullcontext()


@dataclass(frozen=True, slots=True)
class Order:
    """What a client asks for. `values`: fields as sent, by parameter. `received`: all files that came with the request, whether `files`
    names them or not. `sent`: fields that the Model does not know. `once`: the key under which it may be sent again. `author`: uuid of the
    User who asks from a page. `is_awaited`: whether the client is told of nothing before the Task's end."""

    project: Project
    model: Model
    dialect: str
    values: Mapping[str, Any]
    files: Mapping[str, tuple[FileInput, ...]]
    received: tuple[Received, ...]
    sent: Mapping[str, Any]
    callback_url: str = ""
    once: Once | None = None
    author: str = ""
    is_awaited: bool = False


class Submission:
    def __init__(
        self,
        lifecycle: Lifecycle,
        store: TaskStore,
        catalog: Catalog,
        files: Files,
        blobs: Blobs,
        clock: Clock,
        is_accepting: Callable[[], bool],
        admit: Admit = admit_all,
    ) -> None:
        self._lifecycle = lifecycle
        self._store = store
        self._catalog = catalog
        self._files = files
        self._blobs = blobs
        self._clock = clock
        self._is_accepting = is_accepting
        self._repeats = Repeats(store, clock)
        self._admit = admit

    async def submit(self, order: Order, on_new: Callable[[int], None] | None = None) -> Task:
        """A Task that is on disk and queued, or the one that the same order made before. Files of the request that it does not use, or all
        of them on refusal, are deleted.

        `on_new`: called with the id of a new Task before anything can happen to it.

        Errors: InputRefused and PaymentRefused leaves, ModelNotReady, Unavailable.
        """
        if order.once is None:
            return await self._accept(order, on_new)
        is_new = False
        try:
            async with self._repeats.turn(order.project.id, order.once) as task_id:
                is_new = task_id is None
                return await self._accept(order, on_new) if task_id is None else await self._lifecycle.see(task_id)
        finally:
            if not is_new:
                await self._delete([received.access_key for received in order.received])

    async def _accept(self, order: Order, on_new: Callable[[int], None] | None) -> Task:
        try:
            values = await self._check(order)
            used = {given.access_key: given for inputs in order.files.values() for given in inputs}
            task = self._task(order, values)
            files = self._new_files(order, used)
            for file in files:
                # An idle Worker begins before they are committed, and asks for them.
                self._files.remember(file)
            if on_new is not None:
                on_new(task.id)
            async with self._admit(order.project, order.model, task.id):
                task = await self._lifecycle.create(task, files, order.once, may_wait=order.is_awaited and order.once is None)
        except GessoError:
            self._files.forget([received.access_key for received in order.received])
            await self._delete([received.access_key for received in order.received])
            raise
        await self._delete([received.access_key for received in order.received if received.access_key not in used])
        return task

    async def _check(self, order: Order) -> dict[str, Any]:
        if not self._is_accepting():
            raise Unavailable("the server is stopping")
        model = order.model
        values = model.check(order.values, {name: len(given) for name, given in order.files.items()})
        readiness = self._catalog.readiness(model)
        if not readiness.is_ready:
            raise ModelNotReady(model.name, readiness.state)
        sent = {received.access_key: received for received in order.received}
        for name, given in order.files.items():
            parameter = model.by_id[name]
            most = 1 if parameter.kind is Kind.FILE else int(parameter.maximum or FILES_MAX_COUNT)
            if len(given) > most:
                raise FileRefused(name, f"{len(given)} were sent, and it takes {most} at most")
            for one in given:
                if one.access_key:
                    check_type(parameter, sent.get(one.access_key) or await self._stored(name, one))
        return values

    async def _stored(self, name: str, given: FileInput) -> File:
        try:
            return await self._files.find(given.access_key)
        except FileUnknown:
            raise FileRefused(name, f"{given.name} is not on this server, or was deleted") from None

    def _task(self, order: Order, values: Mapping[str, Any]) -> Task:
        return Task(
            id=self._store.next_id(),
            token=new_token(),
            project_id=order.project.id,
            model=order.model.name,
            dialect=order.dialect,
            values=values,
            files=order.files,
            sent=order.sent,
            callback_url=order.callback_url,
            author=order.author,
        )

    def _new_files(self, order: Order, used: Mapping[str, FileInput]) -> tuple[File, ...]:
        now = self._clock.now()
        return tuple(
            File(
                received.access_key,
                order.project.id,
                used[received.access_key].name,
                received.content_type,
                received.size_bytes,
                received.sha256,
                now,
            )
            for received in order.received
            if received.access_key in used
        )

    async def _delete(self, access_keys: list[str]) -> None:
        """Bytes that cannot be deleted now are left: that must neither hide why an order was refused nor undo one that is on disk."""
        if access_keys:
            try:
                await self._blobs.delete(access_keys)
            except GessoError as error:
                log.warning("files could not be deleted", count=len(access_keys), reason=str(error))


def check_type(parameter: Parameter, given: File | Received) -> None:
    """Errors: FileRefused when the parameter does not take files of that type."""
    # A drawing in SVG is a program that draws, and no picture to who asks for any.
    is_drawing = given.content_type == SVG and SVG not in parameter.accepts
    if parameter.accepts and (is_drawing or not given.content_type.startswith(parameter.accepts)):
        wanted = " or ".join(_KINDS.get(accepted, accepted) for accepted in parameter.accepts)
        raise FileRefused(parameter.id, f"it is {_in_words(given)}, and {wanted} is needed")


def _in_words(given: File | Received) -> str:
    """What a file is, as well as can be told."""
    if not given.size_bytes:
        return "empty"
    if isinstance(given, Received) and given.likeness:
        return given.likeness
    return "of no type that is known here" if given.content_type == OCTETS else given.content_type
