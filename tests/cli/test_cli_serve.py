"""`gesso serve`: where it says it is, how it stops, and one clear line for each way in which it cannot start."""

from __future__ import annotations

import json
import signal
import socket
from pathlib import Path

import httpx
import pytest
from cli_terminal import Done, Server, Terminal, serving


def refused(done: Done) -> str:
    """The one line of a refusal."""
    assert done.code == 1
    assert done.out == ""
    assert "Traceback" not in done.err
    assert done.err.startswith("gesso: ")
    return done.err


def test_a_server_says_where_it_is_and_what_to_do_next(server: Server) -> None:
    port = server.url.rpartition(":")[2]
    assert f"http://127.0.0.1:{port}/v1" in server.said
    assert f"ws://127.0.0.1:{port}/v1" in server.said
    assert str(server.data) in server.said
    assert "gesso/heal" in server.said
    assert "weights missing" in server.said or "extra missing" in server.said
    assert f"gesso project create my-project --data {server.data}" in server.said
    assert httpx.get(f"{server.url}/readyz").status_code == 200


def test_the_note_of_a_running_server_names_its_process(server: Server) -> None:
    note = server.data / "server.json"
    assert json.loads(note.read_text("utf-8")) == {"url": server.url, "pid": server.process.pid}
    assert note.stat().st_mode & 0o077 == 0


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_what_is_kept_is_its_owners_alone(server: Server) -> None:
    assert mode(server.data) == 0o700
    assert [mode(server.data / name) for name in ("gesso.db", "gesso.db-wal", "gesso.db-shm", "secret.key")] == [0o600] * 4


def test_what_was_open_to_others_is_closed_at_the_start(terminal: Terminal, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir(mode=0o755)
    assert terminal.gesso("project", "create", "one", "--data", data).code == 0
    # A folder that was there, and had no data in it yet, may be anything.
    assert mode(data) == 0o755
    (data / "gesso.db").chmod(0o644)
    with serving(terminal, data):
        assert mode(data) == 0o750
        assert [mode(data / name) for name in ("gesso.db", "gesso.db-wal", "gesso.db-shm")] == [0o600] * 3


def test_the_log_is_kept_in_the_data_folder_too(terminal: Terminal, tmp_path: Path) -> None:
    with serving(terminal, tmp_path / "data", "--log-level", "info") as server:
        assert terminal.gesso("run", "gesso/echo", "outputs=0", "--data", server.data).code == 0
        with socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2]))) as client:
            # What the web server under us says of it is a line like all others.
            client.sendall(b"no request\r\n\r\n")
            assert client.recv(1000)
        done = server.stop()
    kept = tmp_path / "data" / "logs" / "server.log"
    # Lines of two threads may be in another order.
    assert sorted(kept.read_text("utf-8").splitlines()) == sorted(done.err.splitlines())
    assert (mode(kept.parent), mode(kept)) == (0o700, 0o600)
    lines = [json.loads(line) for line in done.err.splitlines()]
    assert {"worker is ready", "a library wrote"} <= {line["event"] for line in lines}
    assert [line["library"] for line in lines if line["event"] == "a library wrote"] == ["uvicorn.error"]


def test_a_full_disk_for_the_log_hurts_nobody(terminal: Terminal, tmp_path: Path) -> None:
    logs = tmp_path / "data" / "logs"
    logs.mkdir(parents=True)
    (logs / "server.log").symlink_to("/dev/full")
    with serving(terminal, tmp_path / "data", "--log-level", "info") as server:
        assert terminal.gesso("run", "gesso/echo", "outputs=0", "--data", server.data).code == 0
        done = server.stop()
    assert done.code == 0
    assert "the log cannot be written to its folder" in done.err


def test_a_hostile_form_leaves_no_raw_line_in_the_log(terminal: Terminal, tmp_path: Path) -> None:
    with serving(terminal, tmp_path / "data") as server:
        key = json.loads(terminal.gesso("project", "create", "one", "--auth", "key", "--json", "--data", server.data).out)["apikey"]
        headers = {"x-api-key": key, "content-type": "multipart/form-data; boundary=cut"}
        answer = httpx.post(f"{server.url}/v1/Run/gesso/echo", headers=headers, content=b"--cut?\r\n")
        assert not answer.json()["result"]
        done = server.stop()
    assert done.err == ""


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGINT], ids=lambda by: by.name)
def test_a_signal_stops_it_cleanly_and_takes_its_note_away(terminal: Terminal, tmp_path: Path, by: signal.Signals) -> None:
    with serving(terminal, tmp_path / "data") as server:
        assert (server.data / "server.json").exists()
        done = server.stop(by)
    assert (done.code, done.err) == (0, "")
    assert not (tmp_path / "data" / "server.json").exists()


def test_a_taken_port_is_named(terminal: Terminal) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        line = refused(terminal.gesso("serve", "--port", str(port)))
    assert f"Port {port} of 127.0.0.1 is taken" in line
    assert f"--port {port + 1}" in line


def test_the_same_server_twice_is_told_where_it_runs(beside: Terminal, server: Server) -> None:
    line = refused(beside.gesso("serve", "--port", server.url.rpartition(":")[2]))
    assert f"already runs here, at {server.url}" in line


def test_a_data_folder_in_use_is_told(beside: Terminal, server: Server) -> None:
    line = refused(beside.gesso("serve", "--port", "0"))
    assert f"Another gesso server uses {server.data}" in line
    assert (server.data / "server.json").exists()


def test_a_damaged_secret_key_is_told(terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "secret.key").write_bytes(b"short")
    line = refused(terminal.gesso("serve", "--port", "0", "--data", "data"))
    assert "secret.key is damaged" in line
    assert "backup" in line


def test_a_damaged_database_is_told(terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "gesso.db").write_bytes(b"no database at all, " * 100)
    line = refused(terminal.gesso("serve", "--port", "0", "--data", "data"))
    assert "gesso.db cannot be used" in line


@pytest.mark.parametrize("folder", ["file", "/dev/null/data", "/proc/gesso-data"])
def test_a_data_folder_that_cannot_be_is_told(terminal: Terminal, tmp_path: Path, folder: str) -> None:
    (tmp_path / "file").write_text("in the way")
    line = refused(terminal.gesso("serve", "--port", "0", "--data", folder))
    assert folder in line


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("GESSO_PORT", "70000", "The setting port (GESSO_PORT) cannot be '70000': it should be less than or equal to 65535."),
        ("GESSO_FETCH_ALLOW", "home", "The setting fetch_allow (GESSO_FETCH_ALLOW) cannot be 'home'"),
        ("GESSO_LOG_LEVEL", "loud", "log_level"),
        ("GESSO_MODELS", '["nothing.py:MODEL"]', "nothing.py"),
        ("GESSO_HOST", "203.0.113.7", "203.0.113.7 is no address of this machine"),
    ],
)
def test_bad_settings_are_named(terminal: Terminal, name: str, value: str, sentence: str) -> None:
    port = {} if name == "GESSO_PORT" else {"GESSO_PORT": "0"}
    assert sentence in refused(terminal.gesso("serve", **{name: value}, **port))


def test_a_broken_gesso_toml_is_told(terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "gesso-data").mkdir()
    (tmp_path / "gesso-data" / "gesso.toml").write_text("port = = 1\n")
    assert "gesso.toml in the data folder cannot be read" in refused(terminal.gesso("serve"))


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("wrokers = 3", "sets wrokers, which is no setting of it. Did you mean workers?"),
        ("gpu_count = 3", "sets gpu_count, which is no setting of it. docs/settings.md lists them all."),
        ('api_key = "secret"', "sets api_key, which is no setting of it."),
        ('data = "elsewhere"', "sets data, which is no setting of it."),
        ('[engine."gesso/heal"]', "sets engine, which is no setting of it. Did you mean engines?"),
    ],
)
def test_a_name_in_gesso_toml_that_is_no_setting_is_refused_with_the_nearest(
    terminal: Terminal, tmp_path: Path, line: str, sentence: str
) -> None:
    (tmp_path / "gesso-data").mkdir()
    (tmp_path / "gesso-data" / "gesso.toml").write_text(f"port = 0\n{line}\n")
    assert sentence in refused(terminal.gesso("serve"))


def test_gesso_toml_sets_what_the_command_line_does_not(terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "gesso.toml").write_text('public_url = "https://pictures.example"\nport = 70000\n')
    with serving(terminal, tmp_path / "data") as server:
        assert server.url.startswith("http://127.0.0.1:")
