"""The pages of a model for machines."""

from __future__ import annotations

import re
from typing import Any

import httpx
import orjson
import pytest
from requirements import proves
from wiro_builders import MODEL
from wiro_server import LiveServer

from gesso.api.wiro.pages_txt import page, prompt

BASE = "https://gesso.example/v1"
CALLS = [
    "## Integration Header Prepare",
    "## Run Command - Make HTTP Post Request",
    "## Run Command - Response",
    "## Get Task Detail - Make HTTP Post Request with Task ID",
    "## Get Task Detail - Make HTTP Post Request with Socket Access Token",
    "## Get Task Detail - Response",
    "## Kill Task - Make HTTP Post Request with Task ID",
    "## Kill Task - Make HTTP Post Request with Socket Access Token",
    "## Kill Task - Response",
    "## Cancel Task - Make HTTP Post Request (For tasks on queue)",
    "## Cancel Task - Response",
    "## Task Status Information",
]


def parsed(text: str) -> list[dict[str, Any]]:
    """The inputs of a page, read as a client in the wild reads them: by lines, from the heading to the next one."""
    inputs: list[dict[str, Any]] = []
    is_inside = is_in_options = False
    for line in text.split("\n"):
        if line.startswith("## Model Inputs:"):
            is_inside = True
        elif line.startswith("## "):
            is_inside = False
        elif is_inside and (match := re.fullmatch(r"  - name: (\S+)", line)):
            inputs.append({"name": match[1], "options": []})
            is_in_options = False
        elif is_inside and line.strip() == "options:":
            is_in_options = True
        elif is_inside and is_in_options and (match := re.fullmatch(r'      - value: "(.*)"', line)):
            inputs[-1]["options"].append(match[1])
        elif is_inside and not is_in_options and (match := re.fullmatch(r"    (label|help|type|default):(?: (.*))?", line)):
            inputs[-1][match[1]] = match[2] or ""
    return inputs


@proves("txt.prompt")
def test_the_prompt_says_what_to_do_and_then_gives_the_page(server: LiveServer) -> None:
    said, _, described = prompt(MODEL, BASE).partition("\n\n")
    assert described == page(MODEL, BASE, is_full=False)
    assert len(re.findall(r"[.](?: |$)", said)) == 2
    assert "Guess nothing" in said
    served = httpx.get(f"{server.url}/models/gesso/echo/llms-prompt.txt")
    assert served.headers["content-type"] == "text/plain; charset=utf-8"
    assert served.text.startswith(said)


@proves("txt.layout")
@pytest.mark.parametrize("is_full", [False, True])
def test_the_sections_come_in_their_order(is_full: bool) -> None:
    text = page(MODEL, BASE, is_full)
    inspires = ["## Model Parameter Inspires:"] if is_full else []
    headings = [line for line in text.split("\n") if line.startswith("## ")]
    assert headings == ["## Basic tool info", "## Model Inputs: ", *inspires, *CALLS]
    assert text.startswith(
        "## Basic tool info\n\nModel name: Some Lab/Try-On 1.5\nModel description: Tries on.\nModel cover:\n"
        "Model categories:\n  - tool\n  - image-to-image\n\nRun Task Endpoint (POST):\n"
        "https://gesso.example/v1/Run/some-lab/try-on-1-5\n\nGet Task Detail Endpoint (POST):\nhttps://gesso.example/v1/Task/Detail\n\n"
        "## Model Inputs: \n\n  - name: inputImage\n    label: Picture\n    help: The picture.\n    type: fileinput\n    default:\n\n"
    )
    assert '    options:\n      - value: "plain"\n        label: Plain\n\n      - value: "wild"\n        label: wild\n\n' in text
    assert "Model tags:" not in text


@proves("txt.parsed")
def test_a_parser_reads_every_input() -> None:
    inputs = parsed(page(MODEL, BASE, is_full=False))
    assert [one["name"] for one in inputs] == list(MODEL.by_id)
    steps, style = (next(one for one in inputs if one["name"] == name) for name in ("steps", "style"))
    assert (steps["type"], steps["default"], steps["options"]) == ("number", "25", [])
    assert (style["type"], style["default"], style["options"]) == ("select", "plain", ["plain", "wild"])


@proves("txt.places", "txt.layout")
@pytest.mark.parametrize(
    "place",
    ["models/gesso/echo", "tools/Gesso/ECHO", "models/black-forest-labs/flux-1-fill-dev", "tools/black-forest-labs/FLUX++1-Fill-dev"],
)
def test_pages_are_public_and_plain(server: LiveServer, place: str) -> None:
    for name in ("llms.txt", "llms-full.txt"):
        answer = httpx.get(f"{server.url}/{place}/{name}")
        assert (answer.status_code, answer.headers["content-type"]) == (200, "text/plain; charset=utf-8")
        assert answer.headers["access-control-allow-origin"] == "*"
        assert f"{server.url}/v1/Task/Detail" in answer.text
        assert ("## Model Parameter Inspires:" in answer.text) == (name == "llms-full.txt")
        assert parsed(answer.text)


@proves("txt.places")
def test_an_unknown_page_is_told_as_text(server: LiveServer) -> None:
    for path in ("/models/gesso/none/llms.txt", "/tools/a/b%2Fc/llms-full.txt", "/models/%00/..%2f/llms.txt"):
        answer = httpx.get(server.url + path)
        assert answer.status_code == 404
        assert answer.headers["content-type"].startswith("text/plain")


@proves("txt.runnable", "txt.layout")
def test_what_stands_on_a_page_works(server: LiveServer, client: httpx.Client) -> None:
    text = httpx.get(f"{server.url}/models/gesso/echo/llms-full.txt").text
    for block in re.findall(r"```json\n(.*?)\n```", text, re.DOTALL):
        assert orjson.loads(block)["result"] is True
    url, body = re.findall(r"curl -X POST \"(\S+)\".*?-d '(.*?)'\n```", text, re.DOTALL)[0]
    assert client.post(url, content=body, headers={"content-type": "application/json"}).json()["result"], body
    assert "  - text: Hello, gesso\n  - steps: 5\n  - delay: 2\n" in text
