"""Inputs in, Outputs out: what an Attempt needs on disk before it runs, and what it leaves there."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress

from gesso.domain.errors import GessoError
from gesso.domain.event import FileInput
from gesso.domain.file import File, extension_of, extension_of_type, output_key, type_of_name
from gesso.domain.ids import new_access_key, new_digits
from gesso.domain.limits import OUTPUTS_MAX_COUNT
from gesso.domain.model import Model
from gesso.domain.task import Task
from gesso.ports import Blobs, Clock, Fetch, LocalFile, RunOrder, RunResult
from gesso.services.files import Files
from gesso.services.submission import check_type

_FETCHES_AT_ONCE = 4
FileInputs = Mapping[str, tuple[FileInput, ...]]


class Staging:
    def __init__(self, blobs: Blobs, fetch: Fetch, files: Files, clock: Clock) -> None:
        self._blobs = blobs
        self._fetch = fetch
        self._files = files
        self._clock = clock

    async def fetch_inputs(self, task: Task, model: Model) -> tuple[FileInputs, tuple[File, ...]]:
        """Fetch the addresses among the inputs: the file inputs as they are then, and the new Files.

        Errors: FetchRefused, FileRefused, BodyTooLarge, Unavailable. Then, and when it is cancelled, nothing is left on disk.
        """
        places = [(name, index, given) for name, inputs in task.files.items() for index, given in enumerate(inputs)]
        gate = asyncio.Semaphore(_FETCHES_AT_ONCE)
        fetches = [asyncio.ensure_future(self._fetch_one(gate, task, model, name, given)) for name, _, given in places if given.url]
        try:
            # The first that breaks is told; what the others bring is not wanted any more.
            made = await asyncio.gather(*fetches)
        except BaseException:
            for fetch in fetches:
                fetch.cancel()
            brought = await asyncio.gather(*fetches, return_exceptions=True)
            await self._blobs.delete([file.access_key for file in brought if isinstance(file, File)])
            raise
        for file in made:
            # The Attempt goes on before they are committed, and asks for them.
            self._files.remember(file)
        fetched = iter(made)
        files = {name: list(inputs) for name, inputs in task.files.items()}
        for name, index, given in places:
            if given.url:
                file = next(fetched)
                files[name][index] = FileInput(file.name, file.access_key, content_type=file.content_type)
        return {name: tuple(inputs) for name, inputs in files.items()}, tuple(made)

    async def _fetch_one(self, gate: asyncio.Semaphore, task: Task, model: Model, name: str, given: FileInput) -> File:
        async with gate:
            writer = self._blobs.receive()
            try:
                suggested = await self._fetch.fetch(given.url, writer)
                received = await writer.finish(suggested)
            except BaseException:
                await writer.discard()
                raise
        try:
            check_type(model.by_id[name], received)
        except GessoError:
            await self._blobs.delete([received.access_key])
            raise
        extension = extension_of(suggested) or extension_of_type(received.content_type)
        if type_of_name(f"x.{extension}") != received.content_type:
            extension = extension_of_type(received.content_type)
        return File(
            received.access_key,
            task.project_id,
            f"{name}-{new_digits(7)}.{extension}",
            received.content_type,
            received.size_bytes,
            received.sha256,
            self._clock.now(),
        )

    async def order(self, task: Task) -> RunOrder:
        """What the Worker is given, all inputs being stored. Errors: FileUnknown when one was deleted meanwhile."""
        files: dict[str, tuple[LocalFile, ...]] = {}
        for name, inputs in task.files.items():
            found = [await self._files.open(given.access_key) for given in inputs]
            files[name] = tuple(LocalFile(path, file.name, file.content_type, file.sha256) for file, path in found)
        stem = new_access_key()
        return RunOrder(task.id, task.attempt, task.values, files, self._blobs.folder(stem), stem)

    def outputs(self, task: Task, result: RunResult) -> tuple[File, ...]:
        """What a run made, as Files."""
        now = self._clock.now()
        files = tuple(
            File(
                made.access_key,
                task.project_id,
                f"{index}.{made.extension}",
                type_of_name(f"{index}.{made.extension}"),
                made.size_bytes,
                made.sha256,
                now,
            )
            for index, made in enumerate(result.outputs)
        )
        for file in files:
            self._files.remember(file)
        return files

    async def clear(self, order: RunOrder) -> None:
        """Delete what an Attempt that did not succeed wrote. What cannot be deleted now is left to the sweep of orphans."""
        with suppress(GessoError):
            await self._blobs.delete([output_key(order.stem, index) for index in range(OUTPUTS_MAX_COUNT)])
