"""What the guide shows: the reader's values, no secret that was not given, and answers as the server gives them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from sample_programs import ECHO, HEAL, Reader
from wiro_server import LiveServer, ended, record, run, running, socket_to

from gesso.domain.model import Group, Model
from gesso.domain.parameter import Kind, Option, Parameter
from gesso.domain.project import AuthMethod
from gesso.models.flux_fill.model import MODEL as FLUX_FILL
from gesso.web.samples.guide import Block, guide
from gesso.web.samples.inputs import inputs_of
from gesso.web.samples.languages import BY_ID, LANGUAGES

STEPS = ["auth", "folder", "upload", "run-multipart", "run-json", "detail", "kill", "cancel", "socket", "ui"]
ORIGIN = "https://gesso.example"


def by_id(blocks: list[Block]) -> dict[str, Block]:
    return {block.id: block for block in blocks}


def shape(value: Any) -> Any:
    """Keys in their order, and types; of a list its first element."""
    if isinstance(value, dict):
        return [(key, shape(each)) for key, each in value.items() if key != "seq"]
    if isinstance(value, list):
        return [shape(each) for each in value[:1]]
    return type(value).__name__


@pytest.mark.parametrize("model", [ECHO, HEAL, FLUX_FILL], ids=lambda model: model.slug)
@pytest.mark.parametrize("auth", AuthMethod, ids=str)
def test_every_block_is_there_in_every_language(model: Model, auth: AuthMethod) -> None:
    blocks = guide(model, ORIGIN, auth, {})
    assert [block.id for block in blocks] == STEPS
    assert [language.id for language in LANGUAGES] == ["curl", "nodejs", "csharp", "php", "swift", "dart", "kotlin", "go", "python"]
    for block in blocks:
        assert list(block.code) == list(BY_ID)
        assert all(snippet.text.strip() for snippet in block.code.values())
        assert bool(block.response) == (block.id not in ("auth", "ui"))


def test_only_what_is_asked_for_is_written() -> None:
    blocks = guide(ECHO, ORIGIN, AuthMethod.KEY, {}, languages=[BY_ID["go"]])
    assert {tuple(block.code) for block in blocks} == {("go",)}


@pytest.mark.parametrize("language", BY_ID)
def test_the_reader_finds_their_values_and_their_key(language: str) -> None:
    values = {"prompt": "white tulips", "steps": "17", "inputImage": "https://a.example/kitchen.jpg"}
    blocks = by_id(guide(FLUX_FILL, ORIGIN, AuthMethod.SIGNATURE, values, key="mykeymykeymykeymykey"))
    auth, body = (blocks[step].code[language].text for step in ("auth", "run-json"))
    assert "mykeymykeymykeymykey" in auth
    assert "YOUR_API_SECRET" in auth
    assert f"{ORIGIN}/v1" in auth
    assert "white tulips" in body
    assert "17" in body
    assert "https://a.example/kitchen.jpg" in body
    assert "kitchen.jpg" in blocks["run-multipart"].code[language].text


@pytest.mark.parametrize("language", BY_ID)
def test_a_project_with_a_key_alone_sees_no_signature(language: str) -> None:
    blocks = guide(ECHO, ORIGIN, AuthMethod.KEY, {})
    for block in blocks:
        code = block.code[language].text.lower()
        assert "secret" not in code
        assert "hmac" not in code
        assert "nonce" not in code
    assert "YOUR_API_KEY" in blocks[0].code[language].text


def test_every_kind_of_value_is_sent_as_its_kind() -> None:
    parameters = (
        Parameter("name", Kind.TEXT, required=True, placeholder="Ada"),
        Parameter("count", Kind.INTEGER, default=2, minimum=1, maximum=9),
        Parameter("scale", Kind.NUMBER, default=3.5),
        Parameter("seed", Kind.SEED, default=2**64 - 1),
        Parameter("big", Kind.INTEGER, default=2**60),
        Parameter("size", Kind.SELECT, required=True, options=(Option("s"), Option("m"))),
        Parameter("styles", Kind.MULTISELECT, default=[], options=(Option("a"), Option("b"))),
        Parameter("tile", Kind.CHECKBOX, default=False),
        Parameter("note", Kind.TEXT),
        Parameter("sound", Kind.FILE, required=True, accepts=("audio/",)),
        Parameter("pages", Kind.FILES),
    )
    model = Model("a", "b", "B", "", "x:Y", (Group("", parameters),))
    assert inputs_of(model, {}).body == {
        "name": "Ada",
        "count": 2,
        "scale": 3.5,
        "seed": "18446744073709551615",
        "big": 2**60,
        "size": "s",
        "styles": [],
        "tile": False,
        "sound": "https://example.com/sound.mp3",
    }
    given = {
        "count": "7",
        "styles": "a,b",
        "tile": "true",
        "pages": ["one.pdf", "https://a.example/2.pdf"],
        "soundUrl": "https://a.example/s",
    }
    inputs = inputs_of(model, {**given, "count": "x7"})
    assert inputs.body["count"] == "x7"
    inputs = inputs_of(model, given)
    assert (inputs.body["count"], inputs.body["styles"], inputs.body["tile"]) == (7, ["a", "b"], True)
    assert inputs.body["pages"] == ["https://example.com/one.pdf", "https://a.example/2.pdf"]
    assert inputs.uploads == (("pages", "one.pdf"),)
    assert dict(inputs.texts)["sound"] == "https://a.example/s"
    assert '"1152921504606846976"' in by_id(guide(model, ORIGIN, AuthMethod.KEY, given))["run-json"].code["nodejs"].text


def test_answers_are_as_the_server_gives_them(server: LiveServer, tmp_path: Path, photo: bytes) -> None:
    """The same keys in the same order, with values of the same types."""
    reader = Reader(server.url, server.key, tmp_path)
    shown = {step: orjson.loads(block.response) for step, block in by_id(reader.blocks(ECHO, {"text": "a"})).items() if block.response}
    with server.client(server.key) as client, server.client(server.other) as other:
        assert shape(client.post("/File/FolderCreate", json={"name": "answers"}).json()) == shape(shown["folder"])
        assert shape(client.post("/File/Upload", files={"file": ("a.png", photo)}).json()) == shape(shown["upload"])
        submitted = client.post("/Run/gesso/echo", json={}).json()
        assert shape(submitted) == shape(shown["run-json"]) == shape(shown["run-multipart"])
        defaults = {name: value for name, value in shown["detail"]["tasklist"][0]["parameters"].items() if name != "text"}
        record_of = {"total": "1", "errors": [], "tasklist": [ended(server, client, text="a", **defaults)], "result": True}
        assert shape(record_of) == shape(shown["detail"])
        token = run(client, text="a", delay=50, **{name: value for name, value in defaults.items() if name != "delay"})["socketaccesstoken"]
        killed = client.post("/Task/Kill", json={"tasktoken": token}).json()
        assert shape(killed) == shape(shown["kill"]) == shape(shown["cancel"])
        with running(server, other) as task, socket_to(server) as socket:
            socket.register(task["socketaccesstoken"])
            frame = socket.until("task_output")[-1]
        assert shape(frame) == shape(shown["socket"])
        assert record(client, tasktoken=token)["status"] == shown["kill"]["tasklist"][0]["status"]
