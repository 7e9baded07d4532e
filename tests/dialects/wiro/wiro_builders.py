"""Tasks in any state, and a model with one parameter of each kind."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

from gesso.domain.event import (
    Accepted,
    Assigned,
    Ended,
    Event,
    FileInput,
    PostprocessStarted,
    PreprocessEnded,
    PreprocessStarted,
    Queued,
    Started,
    Succeeded,
)
from gesso.domain.file import File, Received
from gesso.domain.model import Group, Model
from gesso.domain.parameter import Kind, Option, Parameter
from gesso.domain.price import Price
from gesso.domain.project import AuthMethod, Project
from gesso.domain.task import Task, apply
from gesso.services.catalog import Catalog

MODEL = Model(
    owner="Some Lab",
    slug="Try-On 1.5",
    title="Try on",
    description="Tries on.",
    engine="nowhere:Engine",
    groups=(
        Group(
            "Inputs",
            (
                Parameter("inputImage", Kind.FILE, required=True, label="Picture", help="The picture."),
                Parameter("inputDocumentMultiple", Kind.FILES, maximum=4),
                Parameter("prompt", Kind.TEXTAREA, required=True, max_length=500),
            ),
        ),
        Group(
            "Course",
            (
                Parameter("steps", Kind.INTEGER, default=25, minimum=1, maximum=500, step=1),
                Parameter("scale", Kind.NUMBER, default=3.5, minimum=0, maximum=20, advanced=True),
                Parameter("seed", Kind.SEED, default=2415100471),
                Parameter("style", Kind.SELECT, default="plain", options=(Option("plain", "Plain"), Option("wild"))),
                Parameter("tags", Kind.MULTISELECT, default=["a"], options=(Option("a"), Option("b"))),
                Parameter("upscale", Kind.CHECKBOX, default=False),
                Parameter("note", Kind.TEXT),
            ),
        ),
    ),
    categories=("tool", "image-to-image"),
    price=Price(Decimal("0.000585")),
)
CATALOG = Catalog([MODEL], Path("nowhere"))
PROJECT = Project(3, "437a81aa-a0ee-4a5f-8d83-ee6de3f1dfeb", "a project", AuthMethod.KEY, 0)
AT_US = 1_734_513_807_000_000
PNG_KEY = "aB3" * 10
OUTPUT = File(PNG_KEY, PROJECT.id, "0.png", "image/png", 1234, "0" * 64, AT_US + 6_000_000)
LIFE: tuple[Event, ...] = (
    Queued(),
    Accepted(1),
    PreprocessStarted(),
    PreprocessEnded(),
    Assigned("worker-1"),
    Started(),
    Ended(0, (OUTPUT,), 6_000_000, Decimal("0.003510000000"), "said", ""),
    PostprocessStarted(),
    Succeeded(),
)


def new_task(**fields: Any) -> Task:
    given: dict[str, Any] = {
        "id": 2221,
        "token": "eDcCm5yyUfIvMFspTwww49OUfgXkQt",
        "project_id": PROJECT.id,
        "model": MODEL.name,
        "dialect": "wiro",
        "values": {"prompt": "a red scarf", "steps": 25, "seed": 2**63, "scale": 3.5, "upscale": False, "note": None},
        "files": {"inputImage": (FileInput("inputImage-6060136.png", "cD4" * 10, content_type="image/png"),)},
    }
    return Task(**(given | fields))


def after(*events: Event, task: Task | None = None) -> Task:
    """The Task after `events`, one second between each."""
    task = task or new_task()
    for number, event in enumerate(events):
        task = apply(task, event, AT_US + number * 1_000_000)
    return task


def received(content_type: str = "image/png", file_name: str = "photo.png", size_bytes: int = 10, key: str = PNG_KEY) -> Received:
    return Received(key, file_name, content_type, size_bytes, "0" * 64)
