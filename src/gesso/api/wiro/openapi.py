"""A Model as an OpenAPI 3.0.3 document, once for projects that sign and once for those that do not. Source: protocol, section 2.9."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from gesso.api.wiro.encode import STATUS
from gesso.api.wiro.tools import ITEM_TYPE
from gesso.domain.model import Model
from gesso.domain.parameter import Kind, Parameter
from gesso.domain.task import TaskState

Json = dict[str, Any]

_KEY: Json = {"ApiKeyAuth": ("x-api-key", "The API key of a project.")}
_SIGNED: Json = {
    **_KEY,
    "NonceAuth": ("x-nonce", "Any text of up to 128 characters, such as the time in seconds."),
    "SignatureAuth": ("x-signature", "Lower-case hex HMAC-SHA256 of the API secret followed by the nonce; the HMAC's key is the API key."),
}
_STRING: Json = {"type": "string"}
_TASK_TEXTS = (
    "id uuid name description socketaccesstoken debugoutput debugerror starttime endtime elapsedseconds status cps totalcost projectid"
    " modelid basemodelid runtype modelfolderid modelfileid callbackurl createtime canceltime assigntime accepttime preprocessstarttime"
    " preprocessendtime postprocessstarttime postprocessendtime pexit categories size modeldescription modelslugowner modelslugproject"
    " estimatedvram realvram slugapp dynamicprice outputfolderid"
)
_OUTPUT_TEXTS = "id name contenttype parentid uuid size addedtime modifiedtime accesskey foldercount filecount"


def documents(model: Model, base: str) -> list[Json]:
    """Both documents. `base`: origin and prefix of the API."""
    return [
        {"type": "apikey", "spec": _document(model, base, "API Key Auth", _KEY)},
        {"type": "signature", "spec": _document(model, base, "Signature Auth", _SIGNED)},
    ]


def _document(model: Model, base: str, auth: str, headers: Json) -> Json:
    finished = sorted({STATUS[state] for state in TaskState if state.is_terminal})
    running = [status for status in dict.fromkeys(STATUS.values()) if status not in finished]
    return {
        "openapi": "3.0.3",
        "info": {"title": f"{model.name} API ({auth})", "description": model.description, "version": "1.0.0"},
        "servers": [{"url": base}],
        "tags": [{"name": "Run Task"}, {"name": "Task Management"}],
        "security": [{name: [] for name in headers}],
        "paths": _paths(model),
        "components": {
            "securitySchemes": {
                name: {"type": "apiKey", "in": "header", "name": header, "description": about} for name, (header, about) in headers.items()
            },
            "schemas": _schemas(model),
        },
        "x-task-status-info": {"completed_statuses": finished, "running_statuses": running},
    }


def _paths(model: Model) -> Json:
    owner, slug = quote(model.owner), quote(model.slug)
    return {
        f"/Run/{owner}/{slug}": _call("Run Task", "runTask", f"Run {model.title}", "RunToolSchema", "RunTaskResponse"),
        "/Task/Detail": _call("Task Management", "taskDetail", "Get a task", "TaskDetailRequest", "TaskDetailResponse"),
        "/Task/Kill": _call("Task Management", "taskKill", "Kill a running task", "TaskKillRequest", "TaskDetailResponse"),
        "/Task/Cancel": _call("Task Management", "taskCancel", "Cancel a queued task", "TaskCancelRequest", "TaskDetailResponse"),
    }


def _call(tag: str, name: str, summary: str, request: str, response: str) -> Json:
    kinds = ("application/json", "multipart/form-data")
    refused = {"description": "Who asks may not", "content": {"application/json": {"schema": _ref("Refusal")}}}
    return {
        "post": {
            "tags": [tag],
            "operationId": name,
            "summary": summary,
            "requestBody": {"required": True, "content": {kind: {"schema": _ref(request)} for kind in kinds}},
            "responses": {
                "200": {
                    "description": "The answer, or a refusal with `result` false",
                    "content": {"application/json": {"schema": {"anyOf": [_ref(response), _ref("Refusal")]}}},
                },
                "401": refused,
                "503": {**refused, "description": "Not now; try again"},
            },
        }
    }


def _schemas(model: Model) -> Json:
    required = [parameter.id for parameter in model.parameters if parameter.required]
    run: Json = {
        "type": "object",
        "properties": {
            **{parameter.id: _property(parameter) for parameter in model.parameters},
            "callbackUrl": {"type": "string", "format": "uri", "description": "Told once, by POST, when the task has ended."},
        },
        **({"required": required} if required else {}),
    }
    errors = {"type": "array", "items": _object({"code": {"type": "integer"}, "message": _STRING})}
    return {
        "RunToolSchema": run,
        "RunTaskResponse": _object({"errors": errors, "taskid": _STRING, "socketaccesstoken": _STRING, "result": {"type": "boolean"}}),
        "TaskDetailRequest": _reference(),
        "TaskKillRequest": _reference(),
        "TaskCancelRequest": _reference(),
        "TaskDetailResponse": _object(
            {"total": _STRING, "errors": errors, "tasklist": {"type": "array", "items": _ref("TaskObject")}, "result": {"type": "boolean"}}
        ),
        "TaskObject": _task(),
        "OutputFile": _object(
            {
                **_texts(_OUTPUT_TEXTS),
                "ispublic": {"type": "integer"},
                "expiretime": {"type": "string", "nullable": True},
                "url": {"type": "string", "format": "uri"},
            },
            required=("id", "name", "contenttype"),
        ),
        "Refusal": _object({"result": {"type": "boolean"}, "errors": errors}),
    }


def _task() -> Json:
    return _object(
        {
            **_texts(_TASK_TEXTS),
            "status": {"type": "string", "enum": list(dict.fromkeys(STATUS.values()))},
            "parameters": {"type": "object", "additionalProperties": True},
            "outputs": {"type": "array", "items": _ref("OutputFile")},
            "guestid": {"type": "string", "nullable": True},
            "marketplaceid": {"type": "string", "nullable": True},
            "isapp": {"type": "boolean"},
        }
    )


def _reference() -> Json:
    return {
        "type": "object",
        "description": "One of the names of a task. A token wins over an id.",
        "properties": {
            "taskid": {"type": "string", "description": "As Run answered it."},
            "tasktoken": {"type": "string", "description": "The `socketaccesstoken` of Run's answer."},
            "socketaccesstoken": _STRING,
        },
    }


def _property(parameter: Parameter) -> Json:
    """The schema of one parameter. Vendor keys say what JSON Schema cannot."""
    shown: Json = {"title": parameter.label or parameter.id, **_TYPES[parameter.kind](parameter)}
    if parameter.help:
        shown["description"] = parameter.help
    if parameter.default is not None and not parameter.kind.is_file:
        shown["default"] = str(parameter.default) if parameter.kind is Kind.SEED else parameter.default
    return shown


def _text(parameter: Parameter) -> Json:
    return {"type": "string", "maxLength": parameter.max_length}


def _number(parameter: Parameter) -> Json:
    shown: Json = {"type": "integer" if parameter.kind is Kind.INTEGER else "number"}
    bounds = {"minimum": parameter.minimum, "maximum": parameter.maximum, "multipleOf": parameter.step}
    return shown | {name: value for name, value in bounds.items() if value is not None}


def _seed(parameter: Parameter) -> Json:
    return {"type": "string", "pattern": r"^\d{1,20}$"}


def _select(parameter: Parameter) -> Json:
    values = [option.value for option in parameter.options]
    options = [{"value": option.value, "label": option.label or option.value} for option in parameter.options]
    vendor = {"x-input-type": ITEM_TYPE[parameter.kind], "x-options": options}
    one = {"type": "string", "enum": values}
    return vendor | ({"type": "array", "items": one} if parameter.kind is Kind.MULTISELECT else one)


def _checkbox(parameter: Parameter) -> Json:
    return {"type": "boolean"}


def _file(parameter: Parameter) -> Json:
    address = {"type": "string", "format": "uri", "description": "An address, or in a multipart form the file itself."}
    vendor = {"x-input-type": ITEM_TYPE[parameter.kind], "x-label": parameter.label or parameter.id, "x-help": parameter.help}
    return vendor | ({"type": "array", "items": address} if parameter.kind is Kind.FILES else address)


_TYPES = {
    Kind.TEXT: _text,
    Kind.TEXTAREA: _text,
    Kind.INTEGER: _number,
    Kind.NUMBER: _number,
    Kind.SEED: _seed,
    Kind.SELECT: _select,
    Kind.MULTISELECT: _select,
    Kind.CHECKBOX: _checkbox,
    Kind.FILE: _file,
    Kind.FILES: _file,
}


def _texts(names: str) -> Json:
    return dict.fromkeys(names.split(), _STRING)


def _object(properties: Json, required: tuple[str, ...] | None = None) -> Json:
    return {"type": "object", "properties": properties, "required": list(properties if required is None else required)}


def _ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}
