"""A Task as a command for a terminal: the same values and files, with a placeholder where the key goes."""

from __future__ import annotations

import shlex
from typing import Any

import orjson

from gesso.domain.event import FileInput
from gesso.domain.model import Model
from gesso.domain.parameter import Kind
from gesso.domain.project import AuthMethod, Project
from gesso.domain.task import Task
from gesso.web.task_panel import file_path

_KEY = "YOUR_API_KEY"
_SIGNING = """\
NONCE=$(date +%s)
SIGNATURE=$(printf '%s%s' "$API_SECRET" "$NONCE" | openssl dgst -sha256 -hmac "$API_KEY" -r | cut -d' ' -f1)
"""


def curl(task: Task, model: Model | None, project: Project, origin: str) -> str:
    """The command; empty when this server no longer has the Model."""
    if model is None:
        return ""
    signs = project.auth_method is AuthMethod.SIGNATURE
    proof = [("x-api-key", '"$API_KEY"')]
    if signs:
        proof += [("x-nonce", '"$NONCE"'), ("x-signature", '"$SIGNATURE"')]
    begin = f"API_KEY={_KEY}\n" + ("API_SECRET=YOUR_API_SECRET\n" + _SIGNING if signs else "")
    parts = [
        f"curl -sS {shlex.quote(f'{origin}/v1/Run/{model.clean_name}')}",
        *(f'-H "{name}: {value[1:-1]}"' for name, value in proof),
        "-H 'content-type: application/json'",
        f"-d {shlex.quote(orjson.dumps(_fields(task, model, origin)).decode())}",
    ]
    return begin + " \\\n  ".join(parts)


def _fields(task: Task, model: Model, origin: str) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for parameter in model.parameters:
        value = task.values.get(parameter.id)
        if task.files.get(parameter.id):
            addresses = [_address(given, origin) for given in task.files[parameter.id]]
            fields[parameter.id] = addresses[0] if parameter.kind is Kind.FILE else addresses
        elif value not in (None, ""):
            # Seeds are longer than what programs read of a number in JSON.
            fields[parameter.id] = str(value) if parameter.kind is Kind.SEED else value
    return fields


def _address(given: FileInput, origin: str) -> str:
    return f"{origin}{file_path(given.access_key, given.name)}" if given.access_key else given.url
