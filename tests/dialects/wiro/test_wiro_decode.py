"""Fields and parts to orders."""

from __future__ import annotations

import re
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from requirements import proves
from wiro_builders import MODEL, PNG_KEY, PROJECT, received

from gesso.api.body import Body
from gesso.api.wiro.decode import Form, callback, model_reference, slug, task_reference
from gesso.domain.errors import FileRefused, GessoError
from gesso.domain.event import FileInput
from gesso.services.submission import Order

FORM = Form(MODEL)
HERE = ("http://localhost:8700",)
OWN = f"http://localhost:8700/v1/File/{PNG_KEY}/0.png"
STORED = re.compile(r"inputImage-\d{7}\.png")
REMOTE, OTHER = "https://example.com/a.png", "https://example.com/b,c.jpg?x=1,2"
MANY = "inputDocumentMultiple"


def _json(**fields: Any) -> Order:
    return FORM.order(PROJECT, Body(list(fields.items()), [], is_json=True), HERE)


def _form(*fields: tuple[str, str], parts: Any = ()) -> Order:
    return FORM.order(PROJECT, Body(list(fields), list(parts), is_json=False), HERE)


def _urls(order: Order, name: str) -> list[str]:
    return [given.url for given in order.files.get(name, ())]


@pytest.mark.parametrize(
    ("content_type", "file_name", "extension"),
    [
        ("image/png", "photo.jpg", "png"),
        ("image/jpeg", "", "jpg"),
        ("application/octet-stream", "a.glb", "glb"),
        ("application/octet-stream", "blob", "bin"),
    ],
)
@proves("files.part")
def test_a_part_is_named_after_its_parameter_and_its_true_type(content_type: str, file_name: str, extension: str) -> None:
    part = received(content_type, file_name)
    (stored,) = _form(parts=[("inputImage", part)]).files["inputImage"]
    assert re.fullmatch(rf"inputImage-\d{{7}}\.{extension}", stored.name)
    assert (stored.access_key, stored.url, stored.content_type) == (PNG_KEY, "", content_type)


@pytest.mark.parametrize(
    "order",
    [
        lambda: _json(inputImage=REMOTE),
        lambda: _json(inputImageUrl=REMOTE),
        lambda: _json(inputImage="", inputImageUrl=REMOTE),
        lambda: _json(inputImage=None, inputImageUrl=f" {REMOTE} "),
        lambda: _json(inputImage=[REMOTE]),
        lambda: _json(inputImage=REMOTE, inputImageUrl=REMOTE),
        lambda: _form(("inputImage", ""), ("inputImageUrl", REMOTE)),
        lambda: _form(("inputImage", orjson.dumps([REMOTE]).decode())),
        lambda: _form(("inputImageUrl", REMOTE), parts=[("inputImage", received("application/octet-stream", "", 0))]),
    ],
)
@proves("files.url-key", "files.url-text")
def test_one_address_in_every_spelling(order: Any) -> None:
    made = order()
    assert _urls(made, "inputImage") == [REMOTE]
    assert STORED.fullmatch(made.files["inputImage"][0].name)


@proves("files.url-text")
def test_the_commas_of_an_address_are_its_own() -> None:
    assert _urls(_json(inputImage=OTHER), "inputImage") == [OTHER]


@pytest.mark.parametrize(
    "order",
    [
        lambda: _json(**{MANY: [REMOTE, OTHER]}),
        lambda: _json(**{MANY: f"{REMOTE},{OTHER}"}),
        lambda: _json(**{MANY: orjson.dumps([REMOTE, OTHER]).decode()}),
        lambda: _json(**{f"{MANY}Url": f"{REMOTE}, {OTHER},"}),
        lambda: _json(inputDocumentUrlMultiple=f"{REMOTE}\n{OTHER}"),
        lambda: _form((MANY, REMOTE), (MANY, OTHER)),
        lambda: _form((f"{MANY}[]", REMOTE), (f"{MANY}[]", OTHER)),
        lambda: _form((MANY, REMOTE), (f"{MANY}Url", OTHER)),
        lambda: _form((f"{MANY}Url", REMOTE), ("inputDocumentUrlMultiple", f"{REMOTE},{OTHER}")),
    ],
)
@proves("files.several", "files.n8n")
def test_several_addresses_in_every_spelling(order: Any) -> None:
    assert _urls(order(), MANY) == [REMOTE, OTHER]


@proves("files.several", "files.part")
def test_parts_and_addresses_mix_for_a_parameter_that_takes_several() -> None:
    parts = [(MANY, received(key="x" * 30)), (f"{MANY}[]", received(key="y" * 30)), ("stray", received(key="z" * 30))]
    order = _form((MANY, REMOTE), parts=parts)
    assert [given.access_key or given.url for given in order.files[MANY]] == ["x" * 30, "y" * 30, REMOTE]
    assert len(order.received) == 3, "what no parameter takes is named too, so that it can be deleted"


@pytest.mark.parametrize(
    ("address", "name"),
    [(OWN, "0.png"), (OWN.upper().replace(PNG_KEY.upper(), PNG_KEY), None), (f"/v1/File/{PNG_KEY}/a%20b.png", "a b.png")],
)
@proves("files.own")
def test_an_address_of_this_server_is_its_file(address: str, name: str | None) -> None:
    if name is None:
        # Only scheme and host are the same in any case.
        assert _urls(_json(inputImage=address), "inputImage") == [address]
    else:
        assert _json(inputImage=address).files["inputImage"] == (FileInput(name, PNG_KEY),)


@proves("files.own")
def test_the_same_path_elsewhere_is_not_ours() -> None:
    foreign = OWN.replace("localhost", "example.com")
    assert _urls(_json(inputImage=foreign), "inputImage") == [foreign]


@pytest.mark.parametrize(
    "order",
    [
        lambda: _json(inputImage=REMOTE, inputImageUrl=OTHER),
        lambda: _json(inputImage=[REMOTE, OTHER]),
        lambda: _form(("inputImageUrl", REMOTE), parts=[("inputImage", received())]),
        lambda: _form(parts=[("inputImage", received()), ("inputImage", received(key="q" * 30))]),
    ],
)
@proves("files.both")
def test_two_files_for_one_are_refused(order: Any) -> None:
    with pytest.raises(FileRefused, match="takes one"):
        order()


@pytest.mark.parametrize(
    "value",
    [
        "data:image/png;base64,AAAA",
        "https://me:secret@a.example/x.png",
        "DATA:image/png;base64,AAAA",
        "input-man-3.jpg",
        "file:///etc/passwd",
        "ftp://example.com/a.png",
        "http://",
        "http://[half",
        "https://exa mple.com/a.png",
        "/v1/File/short/a.png",
        "[not json",
        "[[]]",
        "https://example.com/" + "a" * 9000,
        {"url": REMOTE},
        5,
        True,
    ],
)
@proves("files.data-url")
def test_what_is_no_address_is_refused_with_a_sentence(value: Any) -> None:
    with pytest.raises(FileRefused) as refused:
        _json(inputImage=value)
    assert refused.value.name == "inputImage"
    assert len(str(refused.value)) > 30


@proves("run.text-forms")
def test_values_arrive_as_sent_and_lists_as_lists() -> None:
    order = _form(("prompt", "a"), ("steps", "25"), ("tags", '["a","b"]'), ("upscale", "false"), ("upscale", "true"), ("seed", ""))
    assert order.values == {
        "prompt": "a",
        "steps": "25",
        "scale": None,
        "seed": "",
        "style": None,
        "tags": ["a", "b"],
        "upscale": "true",
        "note": None,
    }
    checked = MODEL.check(order.values, {"inputImage": 1})
    assert (checked["steps"], checked["upscale"], checked["seed"], checked["style"]) == (25, True, 2415100471, "plain")


@proves("run.text-forms")
def test_a_field_repeated_with_itself_or_with_blanks_is_one() -> None:
    assert _form(("prompt", ""), ("prompt", "a"), ("prompt", "a")).values["prompt"] == "a"
    assert _form(("prompt", "a"), ("prompt", "b")).values["prompt"] == ["a", "b"], "which one was meant, the service asks"
    assert _form(("tags[]", "a"), ("tags[]", "b")).values["tags"] == ["a", "b"]


@proves("run.unknown-keys", "run.projectid")
def test_unknown_fields_are_kept_and_known_ones_are_not() -> None:
    order = _json(prompt="p", inputImageUrl=REMOTE, callbackUrl="x", projectid="9", image=REMOTE, extra={"a": [1]})
    assert order.sent == {"image": REMOTE, "extra": {"a": [1]}, "projectid": "9"}
    for own in (PROJECT.id, str(PROJECT.id), PROJECT.uuid, ""):
        assert _json(prompt="p", inputImageUrl=REMOTE, projectid=own).sent == {}


@given(st.dictionaries(st.text(max_size=200), st.text(max_size=9000) | st.integers(-(2**53), 2**53) | st.none(), max_size=20))
@proves("run.unknown-keys")
def test_unknown_fields_are_bounded(fields: dict[str, Any]) -> None:
    try:
        sent = FORM.order(PROJECT, Body(list(fields.items()), [], is_json=True), HERE).sent
    except GessoError:
        return
    assert len(orjson.dumps(sent)) < 20_000
    assert sent.items() <= fields.items()


@pytest.mark.parametrize("url", ["http://a.example/x?y=1", "https://127.0.0.1:9000/hook", "HTTPS://a.example", "http://[::1]:80/"])
@proves("run.callback")
def test_a_usable_callback_is_kept_under_both_keys(url: str) -> None:
    assert _json(callbackUrl=url).callback_url == url
    assert _json(callbackurl=f" {url} ").callback_url == url
    assert _json(callbackUrl="", callbackurl=url).callback_url == url


@pytest.mark.parametrize(
    "value",
    [
        "",
        None,
        5,
        "Optional: Webhook URL for task completion notifications",
        "ftp://a.example",
        "http://",
        "http://user:word@a.example/",
        "http://user@a.example/",
        "//a.example/x",
        "http://a.example/a b",
        "http://a.example/\x01",
        "http://a.example:99999/",
        "http://[half",
        "http://a.example/" + "x" * 9000,
    ],
)
@proves("run.callback")
def test_any_other_callback_is_ignored(value: Any) -> None:
    assert callback(value) == ""


@pytest.mark.parametrize(
    ("fields", "reference"),
    [
        ({"taskid": "2221"}, (2221, "")),
        ({"taskid": 2221}, (2221, "")),
        ({"taskid": " 2221 "}, (2221, "")),
        ({"tasktoken": "abc"}, (None, "abc")),
        ({"socketaccesstoken": "abc"}, (None, "abc")),
        ({"taskid": "2221", "tasktoken": "abc"}, (2221, "abc")),
        ({"taskid": "abc"}, (None, "abc")),
        ({"tasktoken": "2221"}, (2221, "")),
        ({"taskid": "", "tasktoken": None, "socketaccesstoken": "abc"}, (None, "abc")),
        ({"taskid": "9" * 30}, (None, "9" * 30)),
        ({"taskid": "²"}, (None, "²")),
        ({"taskid": "-5"}, (None, "-5")),
        ({"taskid": True}, (None, "true")),
        ({"taskid": 1.5, "tasktoken": [], "socketaccesstoken": {}}, (None, "")),
        ({"uuid": "me"}, (None, "")),
        ({}, (None, "")),
    ],
)
@proves("detail.names", "detail.nothing")
def test_a_task_is_named_in_many_ways(fields: dict[str, Any], reference: tuple[int | None, str]) -> None:
    assert task_reference(fields) == reference


@proves("ground.slugs", "tool.detail")
def test_plus_signs_in_a_slug_are_a_dot() -> None:
    assert slug("FLUX++1-Fill-dev") == "FLUX.1-Fill-dev"
    assert model_reference({"slugowner": " Lab ", "slugproject": "X++1"}) == ("Lab", "X.1")
    assert model_reference({"slugproject": ["x"]}) == ("", "")
