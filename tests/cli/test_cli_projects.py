"""What `gesso project` and `gesso user` change, beside a running server and without one."""

from __future__ import annotations

import json
import time
from pathlib import Path

import httpx
import pytest
from cli_terminal import Server, Terminal

_PATIENCE_S = 20


def _ask(server: Server, api_key: str) -> int:
    return httpx.post(f"{server.url}/v1/Task/List", json={}, headers={"x-api-key": api_key}).status_code


def _until(server: Server, api_key: str, status: int) -> None:
    """Ask until the server has found out what was changed beside it."""
    deadline = time.monotonic() + _PATIENCE_S
    while _ask(server, api_key) != status:
        assert time.monotonic() < deadline, f"still not {status}"


def test_a_key_is_replaced_limited_and_deleted_beside_a_running_server(beside: Terminal, server: Server) -> None:
    made = json.loads(beside.gesso("project", "create", "changing", "--auth", "key", "--json").out)
    assert _ask(server, made["apikey"]) == 200
    again = json.loads(beside.gesso("project", "regenerate", made["id"], "--json").out)
    assert again["apikey"] != made["apikey"]
    _until(server, made["apikey"], 401)
    assert _ask(server, again["apikey"]) == 200
    assert beside.gesso("project", "allow", made["id"], "10.0.0.0/8,::1").code == 0
    _until(server, again["apikey"], 401)
    assert "everywhere" in beside.gesso("project", "allow", made["id"]).out
    _until(server, again["apikey"], 200)
    assert beside.gesso("project", "delete", made["id"], "--yes").code == 0
    _until(server, again["apikey"], 401)
    assert made["id"] not in [one["id"] for one in json.loads(beside.gesso("project", "list", "--json").out)]


def test_members_come_and_go_without_a_server(terminal: Terminal) -> None:
    data = ("--data", "data")
    terminal.gesso("project", "create", "shared", *data)
    for name in ("ada", "bob"):
        assert terminal.gesso("user", "create", f"{name}@example.org", *data, stdin="correct horse\n").code == 0
    assert terminal.gesso("project", "add-member", "1", "ada@example.org", "--owner", *data).code == 0
    assert "bob@example.org" in terminal.gesso("project", "add-member", "1", "BOB@example.org", *data).out
    refused = terminal.gesso("project", "remove-member", "1", "ada@example.org", *data)
    assert (refused.code, "keeps at least one owner" in refused.err) == (1, True)
    assert terminal.gesso("user", "delete", "bob@example.org", "--yes", *data).code == 0
    members = json.loads(terminal.gesso("project", "members", "1", "--json", *data).out)
    assert [(one["email"], one["role"]) for one in members] == [("ada@example.org", "owner")]
    assert terminal.gesso("user", "reset", "ada@example.org", *data, stdin="another horse\n").code == 0
    users = json.loads(terminal.gesso("user", "list", "--json", *data).out)
    assert [(one["email"], one["is_admin"]) for one in users] == [("ada@example.org", True)]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("project", "rename", "7", "x"), "There is no project 7"),
        (("project", "delete", "7", "--yes"), "There is no project 7"),
        (("user", "delete", "nobody@example.org", "--yes"), "Nobody here has the address nobody@example.org."),
    ],
)
def test_what_is_not_there_is_refused_with_a_sentence(terminal: Terminal, tmp_path: Path, words: tuple[str, ...], sentence: str) -> None:
    done = terminal.gesso(*words, "--data", "data")
    assert (done.code, done.out) == (1, "")
    assert sentence in done.err
