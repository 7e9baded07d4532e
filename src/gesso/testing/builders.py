"""Builders of domain values for tests: everything has a default, and what matters is named."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from gesso.domain.event import (
    Accepted,
    Assigned,
    Cancelled,
    Ended,
    Event,
    Failed,
    FileInput,
    PostprocessStarted,
    PreprocessEnded,
    PreprocessStarted,
    Queued,
    Started,
    Succeeded,
)
from gesso.domain.file import File, Received, type_of_name
from gesso.domain.ids import new_access_key, new_secret, new_token, new_uuid
from gesso.domain.model import Group, Model, Needs
from gesso.domain.parameter import Kind, Parameter
from gesso.domain.price import Price
from gesso.domain.project import AuthMethod, Key, Project
from gesso.domain.task import Task, TaskState, apply
from gesso.services.submission import Order
from gesso.testing.clock import EPOCH_US

_TEXT = Parameter("text", Kind.TEXT, default="")
_FILE = Parameter("picture", Kind.FILE, accepts=("image/",))

_WAY: Sequence[tuple[TaskState, Event]] = (
    (TaskState.QUEUED, Queued()),
    (TaskState.ACCEPTED, Accepted(1)),
    (TaskState.PREPROCESSING, PreprocessStarted()),
    (TaskState.PREPROCESSED, PreprocessEnded()),
    (TaskState.ASSIGNED, Assigned("thing-1")),
    (TaskState.RUNNING, Started()),
    (TaskState.ENDED, Ended(0, (), 1_000_000, Decimal(0), "", "")),
    (TaskState.POSTPROCESSING, PostprocessStarted()),
    (TaskState.SUCCEEDED, Succeeded()),
)


def steps_to(state: TaskState) -> list[Event]:
    """The shortest way of Events to a state."""
    if state is TaskState.NEW:
        return []
    if state in (TaskState.FAILED, TaskState.CANCELLED):
        return [Queued(), Failed("It failed.") if state is TaskState.FAILED else Cancelled()]
    index = next(index for index, (reached, _) in enumerate(_WAY) if reached is state)
    return [event for _, event in _WAY[: index + 1]]


def make_task(state: TaskState = TaskState.NEW, at: int = EPOCH_US, **fields: Any) -> Task:
    """A Task that came to `state` by legal steps, all at one time. `fields`: those of a new Task."""
    given: dict[str, Any] = {
        "id": 1,
        "token": new_token(),
        "project_id": 1,
        "model": "lab/thing",
        "dialect": "wiro",
        "values": {"text": "hello"},
        "files": {},
    }
    task = Task(**(given | fields))
    for event in steps_to(state):
        task = apply(task, event, at)
    return task


def make_model(
    name: str = "lab/thing",
    parameters: tuple[Parameter, ...] = (_TEXT, _FILE),
    per_second: str = "0",
    memory_bytes: int = 2**28,
    **fields: Any,
) -> Model:
    owner, _, slug = name.partition("/")
    return Model(
        owner=owner,
        slug=slug,
        title=slug.title(),
        description="A model for tests.",
        engine="nowhere:Engine",
        groups=(Group("All", parameters),),
        price=Price(Decimal(per_second)),
        needs=Needs(memory_bytes=memory_bytes),
        **fields,
    )


def make_project(project_id: int = 1, auth_method: AuthMethod = AuthMethod.KEY, allowed_addresses: tuple[str, ...] = ()) -> Project:
    return Project(project_id, new_uuid(), f"project {project_id}", auth_method, EPOCH_US, allowed_addresses)


def make_key(project: Project | None = None) -> Key:
    return Key(new_secret(), new_secret(), project or make_project())


def make_file(data: bytes = b"bytes", name: str = "a.txt", project_id: int = 1) -> File:
    return File(new_access_key(), project_id, name, type_of_name(name), len(data), hashlib.sha256(data).hexdigest(), EPOCH_US)


def make_received(access_key: str = "", name: str = "a.png", data: bytes = b"bytes") -> Received:
    return Received(access_key or new_access_key(), name, type_of_name(name), len(data), hashlib.sha256(data).hexdigest())


def make_order(
    model: Model | None = None,
    project: Project | None = None,
    values: Mapping[str, Any] | None = None,
    files: Mapping[str, tuple[FileInput, ...]] | None = None,
    received: tuple[Received, ...] = (),
    callback_url: str = "",
) -> Order:
    return Order(project or make_project(), model or make_model(), "wiro", values or {}, files or {}, received, {}, callback_url)
