"""Money on this wire: what prices say, what runs cost, and what is refused for the lack of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from requirements import proves
from wiro_server import LiveServer, ended, record, run, running

from gesso.api.wiro.errors import explain
from gesso.api.wiro.prices import METHOD, dynamic_price
from gesso.domain.errors import TooManyActiveTasks
from gesso.domain.ledger import EntryKind
from gesso.domain.price import Price, PriceMethod, PriceRule
from gesso.domain.project import AuthMethod, Key

MODELS = """
from dataclasses import replace
from decimal import Decimal
from gesso.models.echo.model import MODEL
from gesso.sdk import Price, PriceMethod, PriceRule

RULES = (
    PriceRule(Decimal("0.25"), inputs={"steps": "7"}),
    PriceRule(Decimal("0.1"), PriceMethod.PER_OUTPUT, inputs={"inputFiles": "QUANTITY:2"}),
    PriceRule(Decimal("0.03"), PriceMethod.PER_PIXEL_TIER, inputs={"outputs": "3"}, extra=Decimal("0.01"), per_input=Decimal("0.005")),
)
PRICED = replace(MODEL, owner="lab", slug="priced", price=Price(Decimal("0.000585"), RULES))
TRAINER = replace(MODEL, owner="lab", slug="trainer", categories=("train",))
"""
Project = tuple[Key, httpx.Client]


@pytest.fixture(scope="module")
def prepaid(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    folder = tmp_path_factory.mktemp("prepaid")
    (folder / "priced.py").write_text(MODELS)
    live = LiveServer(folder, billing="prepaid", models=("priced.py:PRICED", "priced.py:TRAINER"))
    live.start()
    yield live
    live.stop()


@pytest.fixture
def project(prepaid: LiveServer) -> Iterator[Project]:
    key = prepaid.new_key(AuthMethod.KEY)
    with prepaid.client(key) as client:
        yield key, client


def credit(server: LiveServer, project: Project, amount: str) -> None:
    server.call(lambda: server.house.billing.credit(project[0].project.id, Decimal(amount)))


def refused(client: httpx.Client, model: str = "gesso/echo", **fields: Any) -> dict[str, Any]:
    answer = client.post(f"/Run/{model}", json=fields)
    assert answer.status_code == 200
    assert answer.json()["result"] is False
    (error,) = answer.json()["errors"]
    return error


PRICES = st.decimals(0, 1000, places=12)


@st.composite
def rules(draw: st.DrawFn) -> PriceRule:
    method = draw(st.sampled_from(PriceMethod))
    further = st.none() | PRICES if method is PriceMethod.PER_PIXEL_TIER else st.none()
    inputs = draw(st.dictionaries(st.text(min_size=1, max_size=5), st.text(max_size=5) | st.just("QUANTITY:3"), max_size=2))
    return PriceRule(draw(PRICES), method, inputs, draw(further), draw(further))


def read(text: str) -> tuple[PriceRule, ...]:
    """The rules that a client reads."""
    by_word = {word: method for method, word in METHOD.items()}
    return tuple(
        PriceRule(row["price"], by_word[row["priceMethod"]], row["inputs"], row.get("priceExtra"), row.get("priceInput"))
        for row in json.loads(text, parse_float=Decimal, parse_int=Decimal)
    )


@given(st.lists(rules(), min_size=1, max_size=4).map(tuple))
@proves("billing.methods")
def test_what_a_client_reads_is_what_was_declared(declared: tuple[PriceRule, ...]) -> None:
    assert read(dynamic_price(Price(rules=declared))) == declared


@proves("billing.methods")
def test_every_method_has_a_word_and_prices_by_the_second_have_no_rules() -> None:
    assert METHOD.keys() == set(PriceMethod)
    assert len(set(METHOD.values())) == len(PriceMethod)
    assert dynamic_price(Price(Decimal("0.5"))) == ""
    flat = PriceRule(Decimal("0.13"), inputs={"resolution": "720p"})
    assert dynamic_price(Price(rules=(flat,))) == '[{"inputs":{"resolution":"720p"},"price":0.13,"priceMethod":"cpr"}]'


@proves("billing.low", "billing.nothing-stored")
def test_without_a_balance_nothing_is_started_and_nothing_kept(prepaid: LiveServer, project: Project) -> None:
    _, client = project
    before = prepaid.stored_files().keys()
    answer = client.post("/Run/gesso/echo", files={"inputFile": ("a.txt", b"text")}).json()
    assert answer == {"errors": [{"code": 97, "message": "Insufficient balance"}], "result": False}
    assert prepaid.stored_files().keys() == before
    assert client.post("/Task/List", json={}).json()["total"] == "0"
    credit(prepaid, project, "0.50")
    assert client.post("/Run/gesso/echo/sync", json={}).json()["result"]
    assert refused(client, "lab/trainer") == {"code": 97, "message": "Insufficient balance"}
    credit(prepaid, project, "9.5")
    assert run(client, "lab/trainer")["result"]


@proves("sync.training", "task.training")
def test_a_training_is_listed_as_one_and_not_waited_for(prepaid: LiveServer, project: Project) -> None:
    _, client = project
    credit(prepaid, project, "50")
    assert "without /sync" in refused(client, "lab/trainer/sync")["message"]
    assert client.post("/Task/List", json={"type": "train"}).json()["total"] == "0"
    number = run(client, "lab/trainer")["taskid"]
    run(client, "lab/priced")
    (trained,) = client.post("/Task/List", json={"type": "train"}).json()["tasklist"]
    assert (trained["id"], trained["runtype"]) == (number, "train")
    (drawn,) = client.post("/Task/List", json={"type": "model"}).json()["tasklist"]
    assert drawn["runtype"] == "model"


@proves("billing.parallel")
def test_a_tenth_of_the_balance_runs_at_once(prepaid: LiveServer, project: Project) -> None:
    _, client = project
    credit(prepaid, project, "20.005")
    with running(prepaid, client):
        waiting = run(client)
        assert refused(client) == {
            "code": 96,
            "message": "You have reached your concurrent task limit. With your current balance of $20.00, you can run up to 2 tasks at "
            "the same time. Add funds to increase your limit.",
        }
        assert client.post("/Task/Cancel", json={"tasktoken": waiting["socketaccesstoken"]}).json()["result"]
        again = run(client)
    assert record(client, tasktoken=again["socketaccesstoken"])
    assert explain(TooManyActiveTasks("1.00", 1)).status == 200


@pytest.mark.parametrize(
    ("fields", "files", "cost"),
    [
        ({"steps": "7", "outputs": "3"}, 0, "0.25"),
        ({"steps": "8"}, 2, "0.3"),
        ({"outputs": "3"}, 0, "0.09"),
        ({"outputs": "3"}, 1, "0.09"),
    ],
)
@proves("billing.rule", "billing.success")
def test_a_run_costs_what_the_first_fitting_rule_says(
    prepaid: LiveServer, project: Project, fields: dict[str, str], files: int, cost: str
) -> None:
    key, client = project
    credit(prepaid, project, "1")
    sent = [("inputFiles", (f"{number}.txt", b"words")) for number in range(files)]
    answer = client.post("/Run/lab/priced/sync", data=fields, files=sent or None).json()
    task = answer["tasklist"][0]
    assert Decimal(task["totalcost"]) == Decimal(cost)
    assert len(task["totalcost"].partition(".")[2]) == 12
    assert read(task["dynamicprice"])[0] == PriceRule(Decimal("0.25"), inputs={"steps": "7"})
    charge, opening = prepaid.call(lambda: prepaid.house.billing.entries(key.project.id))
    assert (charge.kind, str(charge.task_id), charge.amount) == (EntryKind.CHARGE, task["id"], -Decimal(cost))
    assert charge.balance == opening.balance - Decimal(cost) == 1 - Decimal(cost)


@proves("billing.rule", "record.cost")
def test_seconds_count_where_no_rule_fits(prepaid: LiveServer, project: Project) -> None:
    _, client = project
    credit(prepaid, project, "1")
    task = client.post("/Run/lab/priced/sync", json={"steps": 2}).json()["tasklist"][0]
    assert Decimal(task["totalcost"]) == Decimal(task["elapsedseconds"]) * Decimal(task["cps"])


@proves("billing.success")
def test_failed_and_cancelled_tasks_are_free(prepaid: LiveServer, project: Project) -> None:
    key, client = project
    credit(prepaid, project, "30")
    failed = client.post("/Run/lab/priced/sync", json={"steps": 7, "fail": "error"}).json()["tasklist"][0]
    with running(prepaid, client, model="lab/priced") as killed:
        pass
    for task in (failed, record(client, tasktoken=killed["socketaccesstoken"])):
        assert (task["pexit"], task["totalcost"]) == ("1", "0")
    assert [entry.kind for entry in prepaid.call(lambda: prepaid.house.billing.entries(key.project.id))] == [EntryKind.CREDIT]
    counts = prepaid.call(lambda: prepaid.house.billing.task_counts(key.project.id))
    assert (counts.submitted, counts.succeeded, counts.failed, counts.cancelled) == (2, 0, 1, 1)


@proves("billing.budget")
def test_a_spent_budget_ends_the_month(prepaid: LiveServer, project: Project) -> None:
    key, client = project
    credit(prepaid, project, "5")
    prepaid.call(lambda: prepaid.house.billing.set_budget(key.project.id, Decimal("0.25")))
    assert client.post("/Run/lab/priced/sync", json={"steps": 7}).json()["result"]
    error = refused(client)
    assert error["code"] == 97
    assert error["message"].startswith("The project has spent 0.25 of its budget of 0.25 for this month")


@proves("billing.budget", "run.stopped-project")
def test_a_budget_holds_where_nothing_is_taken(server: LiveServer) -> None:
    key = server.new_key(AuthMethod.KEY)
    with server.client(key) as client:
        assert run(client)["result"]
        server.call(lambda: server.house.billing.set_budget(key.project.id, Decimal(0)))
        error = refused(client)
    assert error["code"] == 97
    assert error["message"].startswith("The project has spent 0.00 of its budget of 0.00 for this month")


@proves("billing.approximately", "billing.methods")
def test_a_tool_says_what_it_costs(prepaid: LiveServer, project: Project) -> None:
    _, client = project
    credit(prepaid, project, "1")
    task = client.post("/Run/lab/priced/sync", json={"steps": 7}).json()["tasklist"][0]
    tool = client.post("/Tool/Detail", json={"slugowner": "lab", "slugproject": "priced"}).json()["tool"][0]
    assert tool["dynamicprice"] == task["dynamicprice"]
    assert tool["cps"] == "0.000585000000"
    free = client.post("/Tool/Detail", json={"slugowner": "lab", "slugproject": "trainer"}).json()["tool"][0]
    assert free["approximatelycost"] == "0"
    assert free["dynamicprice"] == ""


@proves("billing.success")
def test_a_task_that_is_free_leaves_the_balance(server: LiveServer, client: httpx.Client) -> None:
    assert ended(server, client)["totalcost"] == "0"
    assert server.call(lambda: server.house.billing.entries(server.key.project.id)) == []
