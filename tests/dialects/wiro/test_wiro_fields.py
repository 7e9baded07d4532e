"""Every field of a task, of an output and of a frame against one table: its form on the wire, and what it is before it is set."""

from __future__ import annotations

import re
from typing import Any

import orjson
import pytest
from requirements import proves
from wiro_builders import CATALOG, LIFE, PROJECT, after

from gesso.api.wiro.encode import Encoder, Viewer
from gesso.api.wiro.frames import frames
from gesso.domain.event import Cancelled, Ended, Failed, LogLine, Preview, Progress, Recorded, Requeued
from gesso.domain.price import FREE

VIEWER = Viewer("https://gesso.example/v1", PROJECT.uuid)
DIGITS, TEXT, HEX, TOKEN = r"\d+", r"(?s).*", r"[0-9a-f]{32}", r"[A-Za-z0-9]{30}"
DECIMALS = r"0|\d+\.\d{12}"
UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
SLUG = r"[a-z0-9]+(-[a-z0-9]+)*"
STATUS = r"task_(queue|accept|preprocess_start|preprocess_end|assign|start|end|postprocess_start|postprocess_end|cancel)"
# A pattern is a text of that form; a type is a value of it; None is null always. Then: what the field is in a queued task.
ANY = object()
TASK: dict[str, tuple[Any, Any]] = {
    "id": (DIGITS, "2221"),
    "uuid": (UUID, PROJECT.uuid),
    "name": (TEXT, ""),
    "socketaccesstoken": (TOKEN, ANY),
    "parameters": (dict, ANY),
    "debugoutput": (TEXT, ""),
    "debugerror": (TEXT, ""),
    "starttime": (DIGITS, "0"),
    "endtime": (DIGITS, "0"),
    "elapsedseconds": (r"\d+\.\d{4}", "0.0000"),
    "status": (STATUS, "task_queue"),
    "cps": (r"\d+\.\d{12}", "0.000585000000"),
    "totalcost": (DECIMALS, "0"),
    "guestid": (None, None),
    "projectid": (DIGITS, "3"),
    "modelid": (DIGITS, "1"),
    "description": (TEXT, ""),
    "basemodelid": (DIGITS, "0"),
    "runtype": ("model|train", "model"),
    "modelfolderid": (TEXT, ""),
    "modelfileid": (TEXT, ""),
    "callbackurl": (TEXT, ""),
    "marketplaceid": (None, None),
    "createtime": (DIGITS, "1734513807"),
    "canceltime": (DIGITS, "0"),
    "assigntime": (DIGITS, "0"),
    "accepttime": (DIGITS, "0"),
    "preprocessstarttime": (DIGITS, "0"),
    "preprocessendtime": (DIGITS, "0"),
    "postprocessstarttime": (DIGITS, "0"),
    "postprocessendtime": (DIGITS, "0"),
    "pexit": (r"\d*", ""),
    "categories": (r'\["tool","image-to-image"\]', ANY),
    "outputs": (list, []),
    "size": (DIGITS, "0"),
    "modeldescription": (TEXT, "Tries on."),
    "modelslugowner": (SLUG, "some-lab"),
    "modelslugproject": (SLUG, "try-on-1-5"),
    "estimatedvram": (r"\d+\.\d{4}", "0.0000"),
    "realvram": (r"\[\]", "[]"),
    "isapp": (bool, False),
    "slugapp": (TEXT, ""),
    "dynamicprice": (r"|\[.*\]", ""),
    "outputfolderid": (rf"0|{HEX}", "0"),
}
OUTPUT: dict[str, Any] = {
    "id": HEX,
    "name": r"\d+\.png",
    "contenttype": "image/png",
    "parentid": HEX,
    "uuid": UUID,
    "size": DIGITS,
    "addedtime": DIGITS,
    "modifiedtime": DIGITS,
    "accesskey": TOKEN,
    "foldercount": "0",
    "filecount": "0",
    "ispublic": int,
    "expiretime": None,
    "url": r"https://gesso\.example/v1/File/[A-Za-z0-9]{30}/\d+\.png",
}
FRAME: dict[str, Any] = {
    "type": r"task_\w+",
    "id": DIGITS,
    "tasktoken": TOKEN,
    "message": ANY,
    "result": True,
    "success": (bool, type(None)),
    "terminal": bool,
    "exitCode": (int, type(None)),
}
# What a frame has besides, by its place: the numbers of stored events, and at the end what one client reads instead of `message`.
STORED, LAST = {"seq": int}, {"outputs": list, "error": str}
MESSAGES: dict[str, Any] = {
    "task_output": (str, dict),
    "task_error": str,
    "task_preview": dict,
    "task_output_full": dict,
    "task_error_full": dict,
    "task_postprocess_end": list,
}
STOPPED = LIFE[:6]
LIVES = {
    "succeeded": LIFE,
    "failed": (*STOPPED, Ended(1, (), 5, FREE, "said", "boom"), LIFE[7], Failed("It cannot be read.")),
    "killed": (*STOPPED, Cancelled()),
    "cancelled": (LIFE[0], Cancelled()),
    "lost": (*STOPPED, Requeued("the worker died", True)),
}


def _is(value: Any, form: Any) -> bool:
    if form is ANY:
        return True
    if form is None or isinstance(form, bool):
        return value is form
    if isinstance(form, str):
        return isinstance(value, str) and re.fullmatch(form, value) is not None
    # To Python a truth is a number; on the wire it is none.
    return isinstance(value, form) and not (form is int and isinstance(value, bool))


@proves("record.fields", "record.times", "record.outputs")
@pytest.mark.parametrize("name", LIVES)
def test_every_field_of_a_task_has_its_form_in_every_state(name: str) -> None:
    life = LIVES[name]
    encoder = Encoder(CATALOG)
    for count in range(1, len(life) + 1):
        record = orjson.loads(encoder.answer(after(*life[:count]), VIEWER))["tasklist"][0]
        assert record.keys() == TASK.keys()
        wrong = {field: record[field] for field, (form, _) in TASK.items() if not _is(record[field], form)}
        assert not wrong
        if count == 1:
            assert not {field: record[field] for field, (_, unset) in TASK.items() if unset is not ANY and record[field] != unset}
        for made in record["outputs"]:
            assert made.keys() == OUTPUT.keys()
            assert not {field: made[field] for field, form in OUTPUT.items() if not _is(made[field], form)}


@proves("socket.frames", "socket.seq", "socket.last")
@pytest.mark.parametrize("name", LIVES)
def test_every_field_of_a_frame_has_its_form(name: str) -> None:
    life = LIVES[name]
    task = after(*life)
    live = (Progress(1, 2, 3), LogLine("stdout", "a"), LogLine("stderr", "b"), Preview("AAAA"))
    told = [*(Recorded(seq, 0, event) for seq, event in enumerate(life, 1)), *live]
    for event in told:
        for frame in frames(task, event, VIEWER):
            form = FRAME | (STORED if isinstance(event, Recorded) else {}) | (LAST if frame["terminal"] else {})
            assert frame.keys() == form.keys()
            assert not {field: frame[field] for field in form if not _is(frame[field], form[field])}
            assert isinstance(frame["message"], MESSAGES.get(frame["type"], type(None)))
