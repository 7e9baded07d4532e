"""The pages of a Model for machines, llms.txt and llms-full.txt, in the layout that this wire's clients parse. Source: protocol, section 9.

Decided here, because no source shows it: the full page has the samples of inputs before the same calls as the short one. llms-prompt.txt
is what people paste into an assistant: the short page after the two sentences that say what to do with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import orjson
from starlette.requests import Request as PageRequest
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from gesso.api.request import Request
from gesso.api.wiro.decode import slug
from gesso.api.wiro.encode import STATUS
from gesso.api.wiro.owners import Owners
from gesso.api.wiro.tools import default_text
from gesso.domain.errors import ModelUnknown
from gesso.domain.model import Model, clean
from gesso.domain.parameter import Kind, Parameter
from gesso.domain.task import TaskState
from gesso.services.catalog import Catalog

_TYPE = {Kind.INTEGER: "number", Kind.NUMBER: "float", Kind.SEED: "text", Kind.FILE: "fileinput", Kind.FILES: "multifileinput"}
_SELECTS = (Kind.SELECT, Kind.MULTISELECT)
_TOKEN = "eDcCm5yyUfIvMFspTwww49OUfgXkQt"  # noqa: S105
_SIGNED = """\
# A project that signs its requests. One that does not sends the x-api-key header alone.
export YOUR_API_KEY="XXXXXXXXX"
export YOUR_API_SECRET="XXXXXXXXX"
export NONCE=$(date +%s)
export SIGNATURE="$(echo -n "${YOUR_API_SECRET}${NONCE}" | openssl dgst -sha256 -hmac "${YOUR_API_KEY}" -r | cut -d' ' -f1)"
"""
_HEADERS = """\
  -H "x-api-key: ${YOUR_API_KEY}" \\
  -H "x-nonce: ${NONCE}" \\
  -H "x-signature: ${SIGNATURE}" \\"""


_PROMPT = (
    "Read the description of this model's API below and write the code that submits a task with the inputs I ask for, polls Get Task "
    "Detail until the task has a completed status, and then takes its outputs. Guess nothing: use only the endpoints, parameters, headers "
    "and statuses that are written here, and ask me for whatever is missing, such as my API key and secret."
)
_FOLDERS = ("models", "tools")
_ANY_ORIGIN = {"access-control-allow-origin": "*"}


def routes(catalog: Catalog, owners: Owners) -> Sequence[BaseRoute]:
    """The pages as routes outside of the API's prefix: below `/models`, and below `/tools` for older clients."""

    def answer(request: PageRequest, write: Callable[[Model, str], str]) -> Response:
        try:
            model = catalog.find(slug(request.path_params["owner"]), slug(request.path_params["slug"]))
        except ModelUnknown as error:
            return PlainTextResponse(f"{error}\n", 404, _ANY_ORIGIN)
        base = owners.base(Request(request.scope, request.receive))
        return PlainTextResponse(write(model, base), headers=_ANY_ORIGIN)

    async def short(request: PageRequest) -> Response:
        return answer(request, lambda model, base: page(model, base, is_full=False))

    async def full(request: PageRequest) -> Response:
        return answer(request, lambda model, base: page(model, base, is_full=True))

    async def for_assistants(request: PageRequest) -> Response:
        return answer(request, prompt)

    # With all that a slug cannot have, so that machines are told in text what is not there, and not with a page for people.
    places = [f"/{folder}/{{owner}}/{{slug:path}}" for folder in _FOLDERS]
    named = (("llms.txt", short), ("llms-full.txt", full), ("llms-prompt.txt", for_assistants))
    return [Route(f"{place}/{name}", endpoint) for place in places for name, endpoint in named]


def prompt(model: Model, base: str) -> str:
    """What "Copy prompt for LLM" copies."""
    return f"{_PROMPT}\n\n{page(model, base, is_full=False)}"


def page(model: Model, base: str, is_full: bool) -> str:
    """The text. `base`: origin and prefix of the API."""
    blocks = [_info(model, base), _inputs(model)]
    if is_full:
        blocks.append(_inspires(model))
    return "\n".join([*blocks, *_calls(model, base)])


def _info(model: Model, base: str) -> str:
    lines = [
        "## Basic tool info",
        "",
        f"Model name: {model.name}",
        _keyed("Model description", model.description),
        _keyed("Model cover", model.samples[0] if model.samples else ""),
        "Model categories:",
        *(f"  - {_one_line(category)}" for category in model.categories),
        "",
    ]
    if model.tags:
        lines += ["Model tags:", *(f"  - {_one_line(tag)}" for tag in model.tags), ""]
    lines += ["Run Task Endpoint (POST):", _run_url(model, base), ""]
    lines += ["Get Task Detail Endpoint (POST):", f"{base}/Task/Detail", ""]
    return "\n".join(lines)


def _run_url(model: Model, base: str) -> str:
    return f"{base}/Run/{clean(model.owner)}/{clean(model.slug)}"


def _inputs(model: Model) -> str:
    # The blank at the end of the heading is the published pages' own.
    lines = ["## Model Inputs: ", ""]
    for parameter in model.parameters:
        lines += [*_input(parameter), ""]
    return "\n".join(lines)


def _input(parameter: Parameter) -> Iterator[str]:
    yield f"  - name: {parameter.id}"
    yield _keyed("    label", parameter.label or parameter.id)
    yield _keyed("    help", parameter.help)
    yield f"    type: {_TYPE.get(parameter.kind, parameter.kind.value)}"
    yield _keyed("    default", default_text(parameter.default))
    if parameter.kind in _SELECTS:
        yield "    options:"
        for option in parameter.options:
            yield f'      - value: "{_one_line(option.value)}"'
            yield _keyed("        label", option.label or option.value)
            yield ""


def _inspires(model: Model) -> str:
    lines = ["## Model Parameter Inspires:", ""]
    for inspire in model.inspires:
        lines += [*(_keyed(f"  - {_one_line(name)}", value) for name, value in inspire.items()), ""]
    return "\n".join(lines)


def _calls(model: Model, base: str) -> Iterator[str]:
    token = orjson.dumps({"tasktoken": _TOKEN}).decode()
    number = orjson.dumps({"taskid": "2221"}).decode()
    run = {parameter.id: _sample(parameter) for parameter in model.parameters if parameter.required or parameter.default is not None}
    submitted = {"errors": [], "taskid": "2221", "socketaccesstoken": _TOKEN, "result": True}
    ended = {"total": "1", "errors": [], "tasklist": [_task(model, "task_postprocess_end", "0")], "result": True}
    stopped = {"total": "1", "errors": [], "tasklist": [_task(model, "task_cancel", "1")], "result": True}
    by_id, by_token = "Make HTTP Post Request with Task ID", "Make HTTP Post Request with Socket Access Token"
    yield _section("Integration Header Prepare", "bash", _SIGNED.rstrip())
    body = orjson.dumps(run, option=orjson.OPT_INDENT_2).decode().replace("'", "'\\''")
    yield _section("Run Command - Make HTTP Post Request", "bash", _post(_run_url(model, base), body))
    yield _section("Run Command - Response", "json", _pretty(submitted))
    yield _section(f"Get Task Detail - {by_id}", "bash", _post(f"{base}/Task/Detail", number))
    yield _section(f"Get Task Detail - {by_token}", "bash", _post(f"{base}/Task/Detail", token))
    yield _section("Get Task Detail - Response", "json", _pretty(ended))
    yield _section(f"Kill Task - {by_id}", "bash", _post(f"{base}/Task/Kill", number))
    yield _section(f"Kill Task - {by_token}", "bash", _post(f"{base}/Task/Kill", token))
    yield _section("Kill Task - Response", "json", _pretty(stopped))
    yield _section("Cancel Task - Make HTTP Post Request (For tasks on queue)", "bash", _post(f"{base}/Task/Cancel", number))
    yield _section("Cancel Task - Response", "json", _pretty(stopped))
    yield _statuses()


def _section(title: str, language: str, code: str) -> str:
    return f"## {title}\n\n```{language}\n{code}\n```\n"


def _post(url: str, body: str) -> str:
    return f'curl -X POST "{url}" \\\n  -H "Content-Type: application/json" \\\n{_HEADERS}\n  -d \'{body}\''


def _sample(parameter: Parameter) -> object:
    if parameter.kind.is_file:
        address = f"https://example.com/{parameter.id}.png"
        return [address] if parameter.kind is Kind.FILES else address
    if parameter.default is None:
        return parameter.placeholder or (parameter.minimum if parameter.minimum is not None else "...")
    return str(parameter.default) if parameter.kind is Kind.SEED else parameter.default


def _task(model: Model, status: str, exit_code: str) -> dict[str, object]:
    """The fields of a task that matter to who waits for it."""
    has_ended = exit_code == "0"
    output = {"name": "0.png", "contenttype": "image/png", "size": "202472", "url": "https://example.com/v1/File/.../0.png"}
    return {
        "id": "2221",
        "socketaccesstoken": _TOKEN,
        "status": status,
        "pexit": exit_code,
        "debugoutput": "",
        "debugerror": "",
        "elapsedseconds": "6.0000" if has_ended else "0.0000",
        "totalcost": f"{model.price.charge(6_000_000):.12f}" if has_ended else "0",
        "modelslugowner": clean(model.owner),
        "modelslugproject": clean(model.slug),
        "outputs": [output] if has_ended else [],
    }


def _statuses() -> str:
    finished = sorted({STATUS[state] for state in TaskState if state.is_terminal})
    running = [status for status in dict.fromkeys(STATUS.values()) if status not in finished]
    lines = ["## Task Status Information", ""]
    lines += ["### Completed Task Statuses", "", *(f"- {status}" for status in finished), ""]
    lines += ["### Running Task Statuses", "", *(f"- {status}" for status in running), ""]
    lines.append('A task succeeded when its status is task_postprocess_end and its `pexit` is "0".')
    return "\n".join(lines) + "\n"


def _keyed(key: str, value: str) -> str:
    """A key with no value keeps its colon."""
    return f"{key}: {_one_line(value)}".rstrip()


def _one_line(text: str) -> str:
    """Clients read these pages by lines."""
    return " ".join(text.split())


def _pretty(content: object) -> str:
    return orjson.dumps(content, option=orjson.OPT_INDENT_2).decode()
