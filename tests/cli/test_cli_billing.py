"""`gesso billing`: beside a running server, which knows of it, and refusals in sentences."""

from __future__ import annotations

import json

import httpx
from cli_terminal import Server, Terminal


def new_project(terminal: Terminal, name: str) -> dict[str, str]:
    return json.loads(terminal.gesso("project", "create", name, "--auth", "key", "--json").out)


def test_books_are_kept_beside_a_running_server(beside: Terminal, server: Server) -> None:
    project = new_project(beside, "books")
    assert beside.gesso("billing", "credit", "books", "10.5", "--note", "Welcome").out == "books: +10.50, balance 10.50\n"
    assert json.loads(beside.gesso("billing", "credit", project["id"], "-0.25", "--json").out)["kind"] == "adjustment"
    assert json.loads(beside.gesso("billing", "budget", "books", "0", "--json").out) == {
        "project": project["id"],
        "balance": "10.25",
        "budget": "0.00",
        "spent": "0.00",
    }
    with httpx.Client(base_url=f"{server.url}/v1", headers={"x-api-key": project["apikey"]}, timeout=60) as client:
        assert client.post("/Run/gesso/echo", json={}).json()["errors"][0]["code"] == 97
        assert "No budget" in beside.gesso("billing", "budget", "books", "none").out
        other = new_project(beside, "used")
        assert client.post("/Run/gesso/echo/sync", json={}, headers={"x-api-key": other["apikey"]}).json()["result"]
    entries = json.loads(beside.gesso("billing", "ledger", "books", "--json").out)
    assert [(entry["amount"], entry["balance"], entry["note"]) for entry in entries] == [
        ("-0.25", "10.25", ""),
        ("10.50", "10.50", "Welcome"),
    ]
    (day,) = json.loads(beside.gesso("billing", "usage", "used", "--json").out)
    assert (day["model"], day["submitted"], day["succeeded"], day["cost"]) == ("gesso/echo", 1, 1, "0.00")


def test_what_cannot_be_is_refused_in_a_sentence(beside: Terminal) -> None:
    project_id = new_project(beside, "money")["id"]
    for words, sentence in ((("balance", "nobody"), "There is no such project."), (("credit", project_id, "1e-13"), "12 decimals")):
        done = beside.gesso("billing", *words)
        assert (done.code, done.out) == (1, "")
        assert done.err.startswith("gesso: ")
        assert sentence in done.err
