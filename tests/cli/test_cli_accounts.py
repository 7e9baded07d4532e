"""`gesso project`, `gesso user`, `gesso migrate`: beside a running server and without one."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from argon2 import PasswordHasher
from cli_terminal import Server, Terminal


@pytest.mark.parametrize("auth", ["signature", "key"])
def test_a_project_is_created_without_a_server(terminal: Terminal, auth: str) -> None:
    done = terminal.gesso("project", "create", "My project", "--auth", auth, "--json", "--data", "data")
    assert (done.code, done.err) == (0, "")
    project = json.loads(done.out)
    assert list(project) == ["id", "name", "authmethod", "apikey", "apisecret"]
    assert (project["id"], project["name"], project["authmethod"]) == ("1", "My project", auth)
    assert min(len(project["apikey"]), len(project["apisecret"])) >= 32


def test_a_project_created_beside_a_running_server_works_at_once(beside: Terminal, server: Server) -> None:
    project = json.loads(beside.gesso("project", "create", "beside", "--auth", "key", "--json").out)
    answer = httpx.post(f"{server.url}/v1/Task/Detail", json={"taskid": "0"}, headers={"x-api-key": project["apikey"]})
    assert answer.status_code == 200


def test_people_are_told_that_the_secret_is_shown_once_and_get_lines_for_their_shell(beside: Terminal, server: Server) -> None:
    done = beside.gesso("project", "create", "for people")
    assert done.code == 0
    assert "shown this once" in done.out
    assert f"export GESSO_URL={server.url}" in done.out
    assert "export GESSO_API_KEY=" in done.out
    assert "export GESSO_API_SECRET=" in done.out


def test_secrets_are_not_in_the_database_in_the_clear(terminal: Terminal, tmp_path: Path) -> None:
    project = json.loads(terminal.gesso("project", "create", "sealed", "--json", "--data", "data").out)
    content = b"".join(path.read_bytes() for path in (tmp_path / "data").iterdir() if path.is_file())
    assert project["apisecret"].encode() not in content
    assert project["apikey"].encode() not in content


@pytest.mark.parametrize("name", ["", "  ", "two\nlines", "x" * 201])
def test_a_name_that_cannot_be_is_refused(terminal: Terminal, name: str) -> None:
    done = terminal.gesso("project", "create", name, "--data", "data")
    assert done.code == 1
    assert "A project's name has 1 to 200 printable characters." in done.err


def test_a_user_is_kept_with_an_argon2id_hash(terminal: Terminal, tmp_path: Path) -> None:
    done = terminal.gesso("user", "create", "Ada@Example.org", "--admin", "--data", "data", stdin="correct horse\n")
    assert (done.code, done.out) == (0, "Created the administrator ada@example.org.\n")
    with closing(sqlite3.connect(tmp_path / "data" / "gesso.db")) as database:
        email, password_hash, is_admin = database.execute("SELECT email, password_hash, is_admin FROM users").fetchone()
    assert (email, is_admin) == ("ada@example.org", 1)
    assert password_hash.startswith("$argon2id$")
    assert PasswordHasher().verify(password_hash, "correct horse")


@pytest.mark.parametrize(
    ("email", "password", "sentence"),
    [
        ("ada@example.org", "too short", "10 characters are the least"),
        ("ada@example.org", "", "10 characters are the least"),
        ("ada", "correct horse", "'ada' is no address"),
    ],
)
def test_a_user_that_cannot_be_is_refused(terminal: Terminal, email: str, password: str, sentence: str) -> None:
    done = terminal.gesso("user", "create", email, "--data", "data", stdin=f"{password}\n")
    assert done.code == 1
    assert sentence in done.err


def test_an_address_is_taken_once(terminal: Terminal) -> None:
    assert terminal.gesso("user", "create", "ada@example.org", "--data", "data", stdin="correct horse\n").code == 0
    done = terminal.gesso("user", "create", "ADA@example.org", "--data", "data", stdin="another horse\n")
    assert done.code == 1
    assert "there is a user ada@example.org already" in done.err


def test_migrate_makes_the_tables_and_is_content_with_the_newest(terminal: Terminal, tmp_path: Path) -> None:
    first = terminal.gesso("migrate", "--data", "data")
    assert (first.code, first.err) == (0, "")
    assert "is at version" in first.out
    assert (tmp_path / "data" / "gesso.db").exists()
    assert "which is the newest" in terminal.gesso("migrate", "--data", "data").out
