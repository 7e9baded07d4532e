"""Domain values as objects of this wire: the task record, its outputs, the answers around it. Source: protocol, sections 2 and 5.

Field order follows the published sample, so that a person can compare the two.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import orjson

from gesso.api.wiro.prices import dynamic_price
from gesso.domain.event import FileInput
from gesso.domain.file import File, public_id
from gesso.domain.limits import KIB
from gesso.domain.model import Model, clean
from gesso.domain.parameter import Kind
from gesso.domain.price import billed_seconds
from gesso.domain.task import Task, TaskState
from gesso.services.catalog import Catalog

STATUS: Mapping[TaskState, str] = {
    TaskState.NEW: "task_queue",
    TaskState.QUEUED: "task_queue",
    TaskState.ACCEPTED: "task_accept",
    TaskState.PREPROCESSING: "task_preprocess_start",
    TaskState.PREPROCESSED: "task_preprocess_end",
    TaskState.ASSIGNED: "task_assign",
    TaskState.RUNNING: "task_start",
    TaskState.ENDED: "task_end",
    TaskState.POSTPROCESSING: "task_postprocess_start",
    TaskState.SUCCEEDED: "task_postprocess_end",
    # A failure is a task that ended with another exit code than 0; official clients keep polling on any other final status.
    TaskState.FAILED: "task_postprocess_end",
    TaskState.CANCELLED: "task_cancel",
}


_KEPT_MAX_COUNT = 1_024
_KEPT_MAX_BYTES = 16 * KIB


@dataclass(frozen=True, slots=True)
class Viewer:
    """For whom a task is written. `base`: origin and prefix of the API's URLs; `uuid`: the owner's id on this wire."""

    base: str
    uuid: str


@dataclass(frozen=True, slots=True)
class _Constant:
    """What all records of one Model share. `model`: None when this server no longer has it."""

    model: Model | None
    cps: str
    modelid: str
    categories: str
    owner: str
    slug: str
    description: str
    dynamicprice: str = ""
    runtype: str = "model"


class Encoder:
    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._constants = {model.name: self._constant(model.name, model) for model in catalog.all()}
        self._answers: dict[int, tuple[Task, Viewer, bytes]] = {}

    def _constant(self, name: str, model: Model | None) -> _Constant:
        owner, _, slug = name.partition("/")
        if model is None:
            return _Constant(None, "0.000000000000", "0", "[]", clean(owner), clean(slug), "")
        categories = orjson.dumps(list(model.categories)).decode()
        number, cps = str(self._catalog.number(model)), f"{model.price.per_second:.12f}"
        runtype = "train" if model.is_trainer else "model"
        return _Constant(model, cps, number, categories, clean(owner), clean(slug), model.description, dynamic_price(model.price), runtype)

    def record(self, task: Task, viewer: Viewer) -> dict[str, Any]:
        """The task record."""
        constant = self._constants.get(task.model) or self._constant(task.model, None)
        folder_id = _folder_id(task)
        return {
            "id": str(task.id),
            "uuid": viewer.uuid,
            "name": "",
            "socketaccesstoken": task.token,
            "parameters": parameters(task, constant.model, viewer.base),
            "debugoutput": task.stdout,
            "debugerror": debug_error(task),
            "starttime": seconds(task.started_at),
            "endtime": seconds(task.ended_at),
            "elapsedseconds": str(billed_seconds(task.billed_us)) if task.billed_us else "0.0000",
            "status": STATUS[task.state],
            "cps": constant.cps,
            "totalcost": f"{task.cost:.12f}" if task.cost and task.exit_code == 0 else "0",
            "guestid": None,
            "projectid": str(task.project_id),
            "modelid": constant.modelid,
            "description": "",
            "basemodelid": "0",
            "runtype": constant.runtype,
            "modelfolderid": "",
            "modelfileid": "",
            "callbackurl": task.callback_url,
            "marketplaceid": None,
            "createtime": seconds(task.created_at),
            "canceltime": seconds(task.cancelled_at),
            "assigntime": seconds(task.assigned_at),
            "accepttime": seconds(task.accepted_at),
            "preprocessstarttime": seconds(task.preprocess_started_at),
            "preprocessendtime": seconds(task.preprocess_ended_at),
            "postprocessstarttime": seconds(task.postprocess_started_at),
            "postprocessendtime": seconds(task.postprocess_ended_at),
            "pexit": "" if task.exit_code is None else str(task.exit_code),
            "categories": constant.categories,
            "outputs": [output(file, folder_id, viewer) for file in task.outputs],
            "size": str(sum(file.size_bytes for file in task.outputs)),
            "modeldescription": constant.description,
            "modelslugowner": constant.owner,
            "modelslugproject": constant.slug,
            "estimatedvram": "0.0000",
            "realvram": "[]",
            "isapp": False,
            "slugapp": "",
            "dynamicprice": constant.dynamicprice,
            "outputfolderid": folder_id or "0",
        }

    def answer(self, task: Task, viewer: Viewer) -> bytes:
        """`detail` as JSON. Clients that poll ask for the same Task again and again, and a Task is immutable: the last ones are kept."""
        kept = self._answers.get(task.id)
        if kept is not None and kept[0] is task and kept[1] == viewer:
            return kept[2]
        body = orjson.dumps(self.detail(task, viewer))
        if len(body) <= _KEPT_MAX_BYTES:
            if len(self._answers) >= _KEPT_MAX_COUNT:
                self._answers.clear()
            self._answers[task.id] = (task, viewer, body)
        return body

    def detail(self, task: Task, viewer: Viewer) -> dict[str, Any]:
        """The answer of Task/Detail, which cancel, kill, a waiting run and the webhook share. Its `total` is a text."""
        return {"total": "1", "errors": [], "tasklist": [self.record(task, viewer)], "result": True}

    def notice(self, task: Task, viewer: Viewer) -> bytes:
        """The body of a webhook: Task/Detail's answer with copies of what a receiver looks for first."""
        copies = {"taskid": str(task.id), "socketaccesstoken": task.token, "status": STATUS[task.state]}
        return orjson.dumps({**self.detail(task, viewer), **copies})


NO_TASK: dict[str, Any] = {"total": "0", "tasklist": []}


def submitted(task: Task) -> dict[str, Any]:
    """The answer of Run. The id is a text: a client takes all-digit text for an id and anything else for a token."""
    return {"errors": [], "taskid": str(task.id), "socketaccesstoken": task.token, "result": True}


def file_url(base: str, access_key: str, name: str) -> str:
    return f"{base}/File/{access_key}/{quote(name)}"


def outputs(task: Task, viewer: Viewer) -> list[dict[str, Any]]:
    folder_id = _folder_id(task)
    return [output(file, folder_id, viewer) for file in task.outputs]


def output(file: File, folder_id: str, viewer: Viewer) -> dict[str, Any]:
    """A stored file. `url` is never empty: clients check that it is one."""
    added = seconds(file.created_at)
    return {
        "id": public_id(file.access_key),
        "name": file.name,
        "contenttype": file.content_type,
        "parentid": folder_id,
        "uuid": viewer.uuid,
        "size": str(file.size_bytes),
        "addedtime": added,
        "modifiedtime": added,
        "accesskey": file.access_key,
        "foldercount": "0",
        "filecount": "0",
        "ispublic": 0,
        "expiretime": None,
        "url": file_url(viewer.base, file.access_key, file.name),
    }


def parameters(task: Task, model: Model | None, base: str) -> dict[str, Any]:
    """The inputs as stored: files as URLs, seeds as text because JavaScript's numbers are too short for them, unset values left out.

    A parameter for one file is a text and one for several is a list, however many came, so that its type does not change between runs.
    """
    written: dict[str, Any] = {}
    by_id = model.by_id if model else {}
    for name in dict.fromkeys((*by_id, *task.values, *task.files)):
        declared = by_id.get(name)
        if name in task.files:
            urls = [_input_url(base, given) for given in task.files[name]]
            is_single = declared.kind is Kind.FILE if declared else len(urls) == 1
            written[name] = urls[0] if is_single and urls else urls
        elif task.values.get(name) is not None:
            value = task.values[name]
            written[name] = str(value) if declared and declared.kind is Kind.SEED else value
    for name, value in task.sent.items():
        written.setdefault(name, value)
    return written


def debug_error(task: Task) -> str:
    """Why the task failed, after what its Engine wrote to stderr and the Attempts that it lost."""
    lines = [lost(f"Attempt {number}", reason) for number, reason in enumerate(task.losses, 1)]
    if task.stderr:
        lines.append(task.stderr)
    if task.error and task.error not in task.stderr:
        lines.append(task.error)
    return "\n".join(lines)


def lost(what: str, reason: str) -> str:
    return f"{what} was lost: {reason.rstrip('.')}; tried again."


def _input_url(base: str, given: FileInput) -> str:
    return file_url(base, given.access_key, given.name) if given.access_key else given.url


def seconds(at_us: int) -> str:
    return str(at_us // 1_000_000)


def _folder_id(task: Task) -> str:
    """Of the folder that its Outputs seem to be in; an empty text where it has none."""
    return public_id(f"outputs of {task.token}") if task.outputs else ""
