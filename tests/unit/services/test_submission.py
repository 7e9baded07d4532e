"""The one way in: what is refused leaves nothing, what is accepted is on disk."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from gesso.delivery.bus import Bus
from gesso.domain.errors import FileMissing, FileRefused, GessoError, ModelNotReady, ParameterNotNumber, Unavailable
from gesso.domain.event import FileInput
from gesso.domain.file import SVG, File, Received
from gesso.domain.model import Readiness
from gesso.domain.parameter import Kind, Parameter
from gesso.domain.task import TaskState
from gesso.services.catalog import Catalog
from gesso.services.files import Files
from gesso.services.lifecycle import Lifecycle
from gesso.services.submission import Order, Submission, check_type
from gesso.testing import (
    Disk,
    FakeClock,
    MemoryBlobs,
    MemoryFiles,
    MemoryTasks,
    make_file,
    make_model,
    make_order,
    make_received,
    simulate,
)

PICTURE = Parameter("picture", Kind.FILE, accepts=("image/",), required=True)
STEPS = Parameter("steps", Kind.INTEGER, default=5)
MODEL = make_model(parameters=(STEPS, PICTURE))


def received(content_type: str, size_bytes: int = 7, likeness: str = "") -> Received:
    return Received("k" * 30, "a", content_type, size_bytes, "0" * 64, likeness)


class Door:
    def __init__(self) -> None:
        self.disk = Disk()
        self.store = MemoryTasks(self.disk)
        self.blobs = MemoryBlobs(self.disk)
        self.lifecycle = Lifecycle(self.store, Bus(), FakeClock())
        self.is_open = True
        files = Files(MemoryFiles(self.disk), self.blobs)
        catalog = Catalog([MODEL], Path("/nowhere"))
        self.submission = Submission(self.lifecycle, self.store, catalog, files, self.blobs, FakeClock(), lambda: self.is_open)

    def order(self, name: str = "a.png", steps: object = 7, copies: int = 1) -> Order:
        """An order with a file that came with it, and another one that it does not use."""
        given, spare = make_received(self.blobs.put(b"bytes"), name), make_received(self.blobs.put(b"spare"))
        inputs = (FileInput(name, given.access_key, content_type=given.content_type),) * copies
        return make_order(MODEL, values={"steps": steps}, files={"picture": inputs} if copies else {}, received=(given, spare))


def test_an_accepted_order_is_on_disk_with_its_file_and_without_the_spare_one() -> None:
    async def scenario() -> None:
        door = Door()
        order = door.order()
        task = await door.submission.submit(order)
        assert door.disk.tasks[task.id].state is TaskState.QUEUED
        assert door.disk.tasks[task.id].values == {"steps": 7}
        used, spare = (received.access_key for received in order.received)
        assert (door.blobs.has(used), door.blobs.has(spare)) == (True, False)
        assert list(door.disk.files) == [used]

    simulate(scenario())


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"steps": "many"}, ParameterNotNumber),
        ({"copies": 0}, FileMissing),
        ({"copies": 2}, FileRefused),
        ({"name": "a.txt"}, FileRefused),
    ],
)
def test_a_refused_order_leaves_no_file_and_no_task(fields: dict[str, object], error: type[GessoError]) -> None:
    async def scenario() -> None:
        door = Door()
        with pytest.raises(error):
            await door.submission.submit(door.order(**fields))  # type: ignore[arg-type]
        assert door.disk == Disk()

    simulate(scenario())


def test_a_stopping_server_and_a_refusing_disk_accept_nothing() -> None:
    async def scenario() -> None:
        door = Door()
        door.is_open = False
        with pytest.raises(Unavailable):
            await door.submission.submit(door.order())
        assert door.disk == Disk()
        door.is_open = True
        order = door.order()
        door.disk.trouble = "the disk is full"
        with pytest.raises(Unavailable):
            await door.submission.submit(order)
        assert not door.disk.tasks

    simulate(scenario())


def test_a_model_that_is_not_ready_says_what_is_missing_and_nothing_of_the_servers_folders() -> None:
    async def scenario() -> None:
        door = Door()
        model = make_model(readiness=lambda weights: Readiness(False, "weights missing", f"Put its weights into {weights}."))
        with pytest.raises(ModelNotReady, match=r"weights missing\. .*`gesso models`") as refused:
            await door.submission.submit(make_order(model))
        assert "Put" not in str(refused.value)

    simulate(scenario())


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (received("application/octet-stream", likeness="a web page"), "it is a web page, and a picture is needed"),
        (received("text/plain", likeness="text"), "it is text, and a picture is needed"),
        (received("image/svg+xml", likeness="an SVG drawing"), "it is an SVG drawing, and a picture is needed"),
        (received("application/octet-stream", size_bytes=0), "it is empty, and a picture is needed"),
        (received("application/octet-stream"), "it is of no type that is known here, and a picture is needed"),
        (make_file(name="bytes"), "it is of no type that is known here, and a picture is needed"),
        (received("application/pdf"), "it is application/pdf, and a picture is needed"),
    ],
)
def test_a_file_of_another_type_is_told_what_it_is(given: File | Received, reason: str) -> None:
    with pytest.raises(FileRefused) as refused:
        check_type(PICTURE, given)
    assert refused.value.reason == reason


def test_a_drawing_is_taken_where_it_is_asked_for_by_name() -> None:
    for accepts in ((), (SVG,), ("image/", SVG)):
        check_type(replace(PICTURE, accepts=accepts), received(SVG))


def test_an_accepted_order_stays_accepted_when_the_spare_file_cannot_be_deleted() -> None:
    async def scenario() -> None:
        door = Door()
        order = door.order()
        door.blobs.trouble = "its disk is read-only"
        task = await door.submission.submit(order)
        assert task.id in door.disk.tasks

    simulate(scenario())


def test_why_an_order_is_refused_is_told_also_when_its_files_cannot_be_deleted() -> None:
    async def scenario() -> None:
        door = Door()
        order = door.order(steps="many")
        door.blobs.trouble = "its disk is read-only"
        with pytest.raises(ParameterNotNumber):
            await door.submission.submit(order)

    simulate(scenario())


def test_a_file_that_was_stored_before_is_checked_and_kept() -> None:
    async def scenario() -> None:
        door = Door()
        stored = make_file(name="a.png")
        door.disk.files[stored.access_key] = stored
        inputs = {"picture": (FileInput("a.png", stored.access_key),)}
        assert await door.submission.submit(make_order(MODEL, files=inputs))
        for access_key in ("unknown", _store_text(door)):
            with pytest.raises(FileRefused):
                await door.submission.submit(make_order(MODEL, files={"picture": (FileInput("a", access_key),)}))

    simulate(scenario())


def _store_text(door: Door) -> str:
    text = make_file(name="a.txt")
    door.disk.files[text.access_key] = text
    return text.access_key


def test_an_order_whose_client_went_away_is_accepted_all_the_same() -> None:
    async def scenario() -> None:
        door = Door()
        door.store.hold()
        order = door.order()
        submitting = asyncio.ensure_future(door.submission.submit(order))
        await asyncio.sleep(1.0)
        submitting.cancel()
        door.store.release()
        await asyncio.sleep(1.0)
        (task,) = door.disk.tasks.values()
        assert task.state is TaskState.QUEUED
        assert door.blobs.has(order.received[0].access_key)

    simulate(scenario())


def test_who_listens_to_an_order_does_so_before_anything_can_happen_to_its_task() -> None:
    async def scenario() -> None:
        door = Door()
        known: list[tuple[int, bool]] = []
        task = await door.submission.submit(door.order(), lambda task_id: known.append((task_id, task_id in door.disk.tasks)))
        assert known == [(task.id, False)]

    simulate(scenario())
