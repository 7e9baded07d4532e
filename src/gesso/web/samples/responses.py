"""What the server answers to each call of the guide: the very keys and types of its answers, with values of an invented task."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gesso.domain.model import Model, clean
from gesso.web.samples.inputs import Inputs
from gesso.web.samples.languages import json_text

TASK_ID = "2221"
TASK_TOKEN = "eDcCm5yyUfIvMFspTwww49OUfgXkQt"  # noqa: S105
_OWNER = "fce942f4-6a32-4b8c-8f5d-5a1b2c3d4e5f"
_FOLDER = "9c1fc1c8e6a24dbc9d1a4f0f4e8b7a61"
_FILE = "5f0d8e1b7c2a4e6f9b3d1c0a8e7f6d52"
_FILE_KEY = "K7mQ2xZ9rT4vW8yB3nL6pJ1sH5dG0f"
_OUTPUT = "1b9e3f7a5c2d4806b7e9d1f3a5c7e902"
_OUTPUT_KEY = "tR8wE2yU6iO1pA5sD9fG3hJ7kL4zX0"
_OUTPUTS = "7d3c9a1e5b804f62a8c4e6b2d0f19573"
_AT = 1_734_513_807


def responses(model: Model, base: str, inputs: Inputs) -> Mapping[str, str]:
    """JSON by the id of the block that shows it."""
    submitted = {"errors": [], "taskid": TASK_ID, "socketaccesstoken": TASK_TOKEN, "result": True}
    name = inputs.upload.replace("\\", "/").rpartition("/")[2] or "photo.png"
    stopped = _detail(_task(model, base, inputs, "task_cancel"))
    answers: Mapping[str, Any] = {
        "folder": {"result": True, "errors": [], "list": [_folder("my-pictures")]},
        "upload": {"result": True, "errors": [], "list": [_file(base, _FILE, _FILE_KEY, name, _FOLDER)]},
        "run-multipart": submitted,
        "run-json": submitted,
        "detail": _detail(_task(model, base, inputs, "task_postprocess_end")),
        "kill": stopped,
        "cancel": stopped,
        "socket": _frame(),
    }
    return {block: json_text(answer) for block, answer in answers.items()}


def _folder(name: str) -> dict[str, Any]:
    added = str(_AT)
    return {
        "id": _FOLDER,
        "name": name,
        "contenttype": "",
        "parentid": "0",
        "uuid": _OWNER,
        "size": "0",
        "addedtime": added,
        "modifiedtime": added,
        "foldercount": "0",
        "filecount": "0",
        "ispublic": 0,
        "expiretime": None,
    }


def _file(base: str, file_id: str, access_key: str, name: str, folder: str) -> dict[str, Any]:
    added = str(_AT)
    return {
        "id": file_id,
        "name": name,
        "contenttype": "image/png",
        "parentid": folder,
        "uuid": _OWNER,
        "size": "202472",
        "addedtime": added,
        "modifiedtime": added,
        "accesskey": access_key,
        "foldercount": "0",
        "filecount": "0",
        "ispublic": 0,
        "expiretime": None,
        "url": f"{base}/File/{access_key}/0.png" if name == "0.png" else f"{base}/File/{access_key}/{_plain(name)}",
    }


def _plain(name: str) -> str:
    return name if name.isascii() and all(each.isalnum() or each in "._-" for each in name) else "photo.png"


def _detail(task: dict[str, Any]) -> dict[str, Any]:
    return {"total": "1", "errors": [], "tasklist": [task], "result": True}


def _task(model: Model, base: str, inputs: Inputs, status: str) -> dict[str, Any]:
    """A task record, in the order of the server's own."""
    has_ended = status == "task_postprocess_end"
    at = [str(_AT + s) for s in range(8)]
    times = ("createtime", "canceltime", "assigntime", "accepttime", "preprocessstarttime", "preprocessendtime")
    seconds = (at[0], "0", at[1], at[1], at[1], at[1]) if has_ended else (at[0], at[2], "0", "0", "0", "0")
    uploads = dict(inputs.uploads)
    parameters = {
        name: f"{base}/File/{_FILE_KEY}/{name}-6060136.png" if name in uploads else value for name, value in inputs.stored.items()
    }
    return {
        "id": TASK_ID,
        "uuid": _OWNER,
        "name": "",
        "socketaccesstoken": TASK_TOKEN,
        "parameters": parameters,
        "debugoutput": "",
        "debugerror": "",
        "starttime": at[1] if has_ended else "0",
        "endtime": at[7] if has_ended else "0",
        "elapsedseconds": "6.0000" if has_ended else "0.0000",
        "status": status,
        "cps": f"{model.price.per_second:.12f}",
        "totalcost": f"{model.price.per_second * 6:.12f}" if has_ended and model.price.per_second else "0",
        "guestid": None,
        "projectid": "1",
        "modelid": "1",
        "description": "",
        "basemodelid": "0",
        "runtype": "model",
        "modelfolderid": "",
        "modelfileid": "",
        "callbackurl": "",
        "marketplaceid": None,
        **dict(zip(times, seconds, strict=True)),
        "postprocessstarttime": at[7] if has_ended else "0",
        "postprocessendtime": at[7] if has_ended else "0",
        "pexit": "0" if has_ended else "1",
        "categories": "[" + ",".join(f'"{category}"' for category in model.categories) + "]",
        "outputs": [_file(base, _OUTPUT, _OUTPUT_KEY, "0.png", _OUTPUTS)] if has_ended else [],
        "size": "202472" if has_ended else "0",
        "modeldescription": model.description,
        "modelslugowner": clean(model.owner),
        "modelslugproject": clean(model.slug),
        "estimatedvram": "0.0000",
        "realvram": "[]",
        "isapp": False,
        "slugapp": "",
        "dynamicprice": "",
        "outputfolderid": _OUTPUTS if has_ended else "0",
    }


def _frame() -> dict[str, Any]:
    """One of the messages of the socket: how far the task is."""
    progress = {
        "type": "progressGenerate",
        "task": "Generate",
        "percentage": "56",
        "stepCurrent": "14",
        "stepTotal": "25",
        "speed": "4.20",
        "speedType": "it/s",
        "elapsedTime": "3s",
        "remainingTime": "3s",
    }
    return {
        "type": "task_output",
        "id": TASK_ID,
        "tasktoken": TASK_TOKEN,
        "message": progress,
        "result": True,
        "success": None,
        "terminal": False,
        "exitCode": None,
    }
