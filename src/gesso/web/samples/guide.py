"""The API integration guide of a Model: each call as a block, with its code in every language, the request it makes and what comes back.

The blocks of one language follow one another: later ones use what earlier ones define, so together they are a program.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jinja2

from gesso.domain.model import Model, clean
from gesso.domain.project import AuthMethod
from gesso.web.samples import literals
from gesso.web.samples.inputs import Inputs, Values, inputs_of
from gesso.web.samples.languages import LANGUAGES, Language, json_text
from gesso.web.samples.responses import responses

PREFIX = "/v1"
KEY_PLACEHOLDER = "YOUR_API_KEY"
SECRET_PLACEHOLDER = "YOUR_API_SECRET"  # noqa: S105
_TEMPLATES = Path(__file__).parent / "templates"
_PLAIN_PATH = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/")


@dataclass(frozen=True, slots=True)
class Snippet:
    """A piece of code. `syntax`: how it is coloured; a language's id, `html` or `json`."""

    text: str
    syntax: str


@dataclass(frozen=True, slots=True)
class Block:
    """One step. `endpoint`: the call that it makes, empty if none; `code`: by language; `response`: JSON, empty if none."""

    id: str
    title: str
    explanation: str
    endpoint: str
    code: Mapping[str, Snippet]
    response: str


@dataclass(frozen=True, slots=True)
class _Step:
    id: str
    title: str
    explanation: str
    endpoint: str = ""


_SIGNED = _Step(
    "auth",
    "Prepare authentication",
    "This project signs its requests: HMAC-SHA256 over the API secret followed by a nonce, with the API key as its key. Keep both on your "
    "server: who has them runs models at your cost.",
)
_KEYED = _Step(
    "auth",
    "Prepare authentication",
    "This project sends its API key alone. Keep it on your server: who has it runs models at your cost.",
)
_STEPS = (
    _Step(
        "folder",
        "Create a folder",
        "Only if you like your files in order. A name has letters, digits, hyphens and underscores.",
        "POST /v1/File/FolderCreate",
    ),
    _Step(
        "upload",
        "Upload a file",
        "Once for many runs. What comes back has a url, which every file parameter takes.",
        "POST /v1/File/Upload",
    ),
    _Step(
        "run-multipart",
        "Run, with files in the request",
        "One form with everything. The answer comes as soon as the task is on disk.",
        "run",
    ),
    _Step("run-json", "Run, with URLs", "The same as JSON, with files as addresses: of the web, or of an upload.", "run"),
    _Step(
        "detail",
        "Get the task and its outputs",
        "A task has ended when its status is task_postprocess_end or task_cancel, and went well when its pexit is 0.",
        "POST /v1/Task/Detail",
    ),
    _Step("kill", "Kill a running task", "It stops at its next step and costs nothing.", "POST /v1/Task/Kill"),
    _Step("cancel", "Cancel a waiting task", "Only while it is in the queue; a running one is killed.", "POST /v1/Task/Cancel"),
    _Step(
        "socket",
        "Live progress",
        "The token of a task is all that is needed to follow it. Whoever comes late is told first what happened so far.",
        "WebSocket /v1",
    ),
    _Step("ui", "Show it", "The inputs, the progress and the outputs, in a page or an app of yours."),
)


def guide(
    model: Model,
    origin: str,
    auth: AuthMethod,
    values: Values,
    key: str = "",
    secret: str = "",
    languages: Iterable[Language] = LANGUAGES,
) -> list[Block]:
    """`origin`: of this server, such as https://gesso.example. `values`: of the reader's form, by parameter; files as names or addresses.
    `key`, `secret`: shown as they are; without them stand placeholders."""
    inputs = inputs_of(model, values)
    base = origin.rstrip("/") + PREFIX
    run_path = f"/Run/{clean(model.owner)}/{clean(model.slug)}"
    context = _context(model, base, run_path, auth, inputs) | {"key": key or KEY_PLACEHOLDER, "secret": secret or SECRET_PLACEHOLDER}
    code = {language.id: _written(language, context) for language in languages}
    answers = responses(model, base, inputs)
    steps = (_SIGNED if auth is AuthMethod.SIGNATURE else _KEYED, *_STEPS)
    return [
        Block(
            step.id,
            step.title,
            step.explanation,
            f"POST {PREFIX}{run_path}" if step.endpoint == "run" else step.endpoint,
            {language: written[step.id] for language, written in code.items()},
            answers.get(step.id, ""),
        )
        for step in steps
    ]


def _context(model: Model, base: str, run_path: str, auth: AuthMethod, inputs: Inputs) -> dict[str, Any]:
    return {
        "base": base,
        "socket_url": "ws" + base.removeprefix("http") if base.startswith("http") else base,
        "run_path": run_path,
        "signed": auth is AuthMethod.SIGNATURE,
        "title": model.title,
        "body": inputs.body,
        "texts": inputs.texts,
        "uploads": inputs.uploads,
        "upload": inputs.upload,
    }


def _written(language: Language, context: Mapping[str, Any]) -> dict[str, Snippet]:
    template = _environment(language).get_template(f"{language.id}.jinja")
    written = {}
    for name, block in template.blocks.items():
        text = "".join(block(template.new_context(dict(context)))).strip("\n") + "\n"
        step = name.replace("_", "-")
        written[step] = Snippet(text, language.ui if step == "ui" else language.id)
    return written


@cache
def _environment(language: Language) -> jinja2.Environment:
    """Templates of plain text, where every value passes a filter: `q` and `v` make literals, `js` one inside of a page.

    What comes out is a program. It is escaped when it is coloured for a page.
    """
    environment = jinja2.Environment(  # noqa: S701
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters.update(
        q=language.literal,
        v=language.value,
        js=literals.javascript,
        form=literals.form_value,
        json=json_text,
        name=_file_name,
        curl_file=_curl_file,
    )
    return environment


def _file_name(path: str) -> str:
    return path.replace("\\", "/").rpartition("/")[2] or "file"


def _curl_file(path: str) -> str:
    """What follows the name in curl's -F: in quotes where the path has characters that curl reads otherwise."""
    if path and set(path) <= _PLAIN_PATH and not path.startswith("-"):
        return f"@{path}"
    escaped = path.replace("\\", "\\\\").replace('"', '\\"')
    return f'@"{"./" if path.startswith("-") else ""}{escaped}"'
