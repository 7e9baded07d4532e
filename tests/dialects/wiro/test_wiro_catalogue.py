"""Tools as lists, as one, as groups, and as OpenAPI documents."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openapi_spec_validator import validate
from requirements import proves
from wiro_builders import CATALOG, MODEL
from wiro_server import LiveServer, ended

from gesso.api.wiro import openapi
from gesso.api.wiro.catalogue import query
from gesso.api.wiro.tools import tool
from gesso.domain.errors import InputRefused
from gesso.domain.ledger import Statistics
from gesso.domain.model import Group, Model
from gesso.services.catalog import Catalog, Query, Sort
from gesso.services.readme import html_of


def _model(name: str, **fields: Any) -> Model:
    owner, _, slug = name.partition("/")
    given = {"title": slug, "description": "", "engine": "nowhere:Engine", "groups": (Group("All", ()),)}
    return Model(owner=owner, slug=slug, **(given | fields))


SHELF = Catalog(
    [
        _model("Lab/Paint.1", title="Painter", description="Paints a house.", categories=("tool", "text-to-image"), tags=("fast",)),
        _model("Lab/Chain", categories=("workflow",), tags=("fast", "long")),
        _model("other/house", title="House", categories=("tool",)),
        _model("other/trainer", categories=("train",), description="Learns."),
    ],
    Path("nowhere"),
)


def _found(**fields: Any) -> list[str]:
    return [model.slug for model in SHELF.search(query(fields))]


def _listed(client: httpx.Client, **fields: Any) -> dict[str, Any]:
    answer = client.post("/Tool/List", json=fields)
    assert answer.status_code == 200
    return answer.json()


@proves("tool.list", "auth.public")
def test_a_list_needs_no_key_and_its_total_is_a_number(server: LiveServer) -> None:
    for headers in ({}, {"x-api-key": "false"}, {"x-api-key": server.signing.api_key}):
        with server.client(**headers) as anyone:
            answer = _listed(anyone, start="0", limit="20", sort="id", order="ASC")
            assert (answer["result"], answer["errors"]) == (True, [])
            assert answer["total"] == len(answer["tool"]) == len(server.house.catalog.all())
            assert type(answer["total"]) is int
            assert answer["tool"][0]["parameters"]


@proves("tool.list", "ground.bodies")
def test_a_list_may_be_asked_for_by_any_form(client: httpx.Client) -> None:
    fields = {"start": "0", "limit": "1", "summary": "true", "categories": '["test"]'}
    for answer in (client.post("/Tool/List", data=fields), client.post("/Tool/List", files={"x": b""}, data=fields)):
        (found,) = answer.json()["tool"]
        assert (found["slugproject"], found["parameters"], found["readme"]) == ("echo", None, "")


@proves("tool.search")
@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("painter", ["Paint.1"]),
        ("PAINT-1", ["Paint.1"]),
        ("text-to-image", ["Paint.1"]),
        ("house", ["house", "Paint.1"]),
        ("lab fast", ["Chain", "Paint.1"]),
        ("paints house", ["Paint.1"]),
        ("nothing of the kind", []),
        ("  ", ["Paint.1", "Chain", "house", "trainer"]),
    ],
)
def test_words_are_looked_for_everywhere(search: str, found: list[str]) -> None:
    assert sorted(_found(search=search)) == sorted(found)
    if search == "house":
        assert _found(search=search) == found, "what has the word in its title comes first"


@proves("tool.search")
def test_nothing_found_is_no_error(client: httpx.Client) -> None:
    assert _listed(client, search="no such thing") == {"result": True, "errors": [], "total": 0, "tool": []}


@proves("tool.filters")
@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ({"categories": ["tool"]}, ["Paint.1", "house"]),
        ({"categories": ["TEXT-to-image", "train"]}, ["Paint.1", "trainer"]),
        ({"categories": "workflow, train"}, ["Chain", "trainer"]),
        ({"categories": []}, ["Paint.1", "Chain", "house", "trainer"]),
        ({"tags": ["long", "none"]}, ["Chain"]),
        ({"tags": '["fast"]', "hideworkflows": "true"}, ["Paint.1"]),
        ({"hideworkflows": True}, ["Paint.1", "house", "trainer"]),
        ({"slugowner": "LAB"}, ["Paint.1", "Chain"]),
        ({"slugowner": "nobody"}, []),
    ],
)
def test_filters_mean_any_of_their_words(fields: dict[str, Any], found: list[str]) -> None:
    assert _found(**fields) == found


@proves("tool.order")
def test_tools_are_ordered() -> None:
    names = [model.slug for model in SHELF.all()]
    assert _found(sort="id", order="DESC") == _found(sort="time") == names[::-1]
    assert _found(sort="ID", order="asc") == _found() == names
    for sort in ("ratedusercount", "commentcount", "averagepoint"):
        assert _found(sort=sort) == names, "nobody rates tools here"
    assert _found(search="house", order="ASC") == ["Paint.1", "house"]
    assert SHELF.search(Query(sort=Sort.RELEVANCE)) == list(SHELF.all())


@proves("tool.pages")
def test_pages_are_cut_out_of_the_list(client: httpx.Client) -> None:
    whole = [one["id"] for one in _listed(client)["tool"]]
    pages = [one["id"] for start in range(len(whole)) for one in _listed(client, start=str(start), limit=1)["tool"]]
    assert pages == whole
    beyond = _listed(client, start=1_000, limit="0")
    assert (beyond["tool"], beyond["total"]) == ([], len(whole))
    assert len(_listed(client, limit=10**6)["tool"]) == len(whole)


@proves("tool.pages")
@pytest.mark.parametrize(
    "fields",
    [
        *({"start": "x"}, {"start": -1}, {"limit": [1]}, {"limit": 1.5}, {"sort": "price"}, {"order": "up"}, {"categories": {"a": 1}}),
        *({"categories": [1]}, {"tags": "[1"}, {"search": ["a"]}, {"search": "x" * 300}, {"summary": "perhaps"}),
    ],
)
def test_what_cannot_be_honoured_is_refused(client: httpx.Client, fields: dict[str, Any]) -> None:
    answer = _listed(client, **fields)
    (name,) = fields
    assert answer["result"] is False
    assert f"[{name}]" in answer["errors"][0]["message"]


WORDS = st.one_of(st.none(), st.text(max_size=20), st.integers(), st.floats(), st.lists(st.text(max_size=5), max_size=3), st.booleans())


@given(st.dictionaries(st.sampled_from(["search", "sort", "order", "categories", "tags", "slugowner", "hideworkflows"]), WORDS))
@proves("tool.pages", "tool.search")
def test_any_question_is_answered_or_refused(fields: dict[str, Any]) -> None:
    with contextlib.suppress(InputRefused):
        assert set(SHELF.search(query(fields))) <= set(SHELF.all())


@proves("tool.detail", "tool.unknown", "tool.readme")
def test_one_tool_is_whole(client: httpx.Client) -> None:
    answer = client.post("/Tool/Detail", json={"slugowner": "GESSO", "slugproject": "echo"}).json()
    (found,) = answer["tool"]
    assert found["readme"].startswith("<p>Echo gives back")
    assert "<strong>Streaming.</strong>" in found["readme"]
    assert found["parameters"][0]["items"][0]["id"] == "text"
    unknown = client.post("/Tool/Detail", json={"slugowner": "gesso", "slugproject": "none"}).json()
    assert unknown["errors"] == [{"code": 1, "message": "slug-owner-project-not-exist"}]


@proves("tool.readme")
@pytest.mark.parametrize(
    "markdown",
    [
        "<script>alert(1)</script>",
        "[x](javascript:alert(1))",
        '<img src=x onerror="alert(1)">',
        "![x](data:text/html,x)",
        '<a href="https://a.example" onclick="x()">a</a>',
        "<style>*{}</style><iframe src=//a></iframe>",
    ],
)
def test_a_readme_cannot_bring_a_script(markdown: str) -> None:
    html = html_of(f"# A title\n\n{markdown}\n\n| a |\n|---|\n| b |\n")
    assert "<h1>A title</h1>" in html
    assert "<td>b</td>" in html
    for word in ("<script", "<style", "<iframe", 'href="javascript', 'src="data', "<img src=x"):
        assert word not in html


@proves("tool.taskstat")
def test_runs_are_counted(server: LiveServer, client: httpx.Client) -> None:
    ended(server, client)
    ended(server, client, fail="error")
    statistics = server.call(lambda: server.house.services.statistics.task_counts(server.key.project.id, "gesso/echo"))
    assert statistics.succeeded >= 1
    assert statistics.failed >= 1
    counts = Statistics(submitted=7, succeeded=4, failed=2, cancelled=1, billed_us=10_000_000, last_at=1_734_513_813_500_000)
    shown = tool(MODEL, 1, counts=counts)
    assert shown["taskstat"] == {
        "runcount": 7,
        "successcount": "4",
        "errorcount": "2",
        "lastruntime": "1734513813",
        "elapsedseconds": "10.0000",
    }
    assert (shown["computingtime"], tool(MODEL, 1)["computingtime"]) == ("3 seconds", "")


@proves("tool.explore")
def test_groups_are_categories_with_tools(client: httpx.Client) -> None:
    for body in ({}, {"x": 1}):
        answer = client.post("/Tool/Explore", json=body).json()
        assert answer["result"] is True
        for group in answer["explore"]:
            assert group["title"] == group["name"]
            assert group["total"] >= len(group["tools"]) > 0
            for card in group["tools"]:
                assert isinstance(card["categories"], list)
                assert all(isinstance(card[name], str) for name in ("id", "image", "commentcount", "ratedusercount", "averagepoint"))
    assert [group["title"] for group in answer["explore"]] == list(dict.fromkeys(group["title"] for group in answer["explore"]))


@proves("tool.openapi")
def test_documents_are_valid_and_describe_the_parameters() -> None:
    apikey, signature = openapi.documents(MODEL, "http://localhost:8700/v1")
    assert (apikey["type"], signature["type"]) == ("apikey", "signature")
    for document in (apikey["spec"], signature["spec"]):
        validate(document)
    spec = signature["spec"]
    assert (spec["openapi"], spec["info"]["title"]) == ("3.0.3", "Some Lab/Try-On 1.5 API (Signature Auth)")
    assert spec["servers"] == [{"url": "http://localhost:8700/v1"}]
    assert list(spec["security"][0]) == ["ApiKeyAuth", "NonceAuth", "SignatureAuth"]
    assert list(spec["paths"]) == ["/Run/Some%20Lab/Try-On%201.5", "/Task/Detail", "/Task/Kill", "/Task/Cancel"]
    run = spec["components"]["schemas"]["RunToolSchema"]
    assert run["required"] == ["inputImage", "prompt"]
    assert run["properties"]["steps"] == {"title": "steps", "type": "integer", "minimum": 1, "maximum": 500, "multipleOf": 1, "default": 25}
    assert run["properties"]["style"]["enum"] == ["plain", "wild"]
    assert run["properties"]["inputImage"]["x-input-type"] == "fileinput"
    assert run["properties"]["callbackUrl"]["format"] == "uri"
    assert "task_postprocess_end" in spec["x-task-status-info"]["completed_statuses"]


@proves("tool.openapi")
def test_documents_of_every_model_are_valid_and_answered_bare(server: LiveServer, client: httpx.Client) -> None:
    for model in (*server.house.catalog.all(), *CATALOG.all()):
        for document in openapi.documents(model, f"{server.url}/v1"):
            validate(document["spec"])
    answer = client.post("/Tool/DetailOpenAPI", json={"slugowner": "gesso", "slugproject": "echo"}).json()
    assert [document["type"] for document in answer] == ["apikey", "signature"]
    assert answer[0]["spec"]["servers"] == [{"url": f"{server.url}/v1"}]


@pytest.mark.parametrize("fields", [{}, {"slugowner": "nobody", "slugproject": "nothing"}, {"slugproject": "echo"}])
@proves("tool.openapi-unknown")
def test_an_unknown_model_has_no_documents(client: httpx.Client, fields: dict[str, Any]) -> None:
    answer = client.post("/Tool/DetailOpenAPI", json=fields)
    assert (answer.status_code, answer.json()) == (200, [])
