"""`gesso run` and `gesso tasks`: a task from the command line, how it goes, how it ends."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import httpx
import pytest
from cli_terminal import TIMEOUT_S, Done, Server, Terminal

from gesso.cli.refused import Refused
from gesso.cli.run import read_values, save
from gesso.models.echo.engine import picture


def tasks(terminal: Terminal) -> list[dict]:
    done = terminal.gesso("tasks", "--json")
    assert (done.code, done.err) == (0, "")
    return json.loads(done.out)


def refused(done: Done) -> str:
    assert done.code == 1
    assert "Traceback" not in done.err
    return done.err


def test_a_run_saves_what_was_made_and_prints_where(beside: Terminal) -> None:
    done = beside.gesso("run", "gesso/echo", "text=Hello", "outputs=2", "seed=5", "steps=4", "--out", "made")
    assert done.code == 0, done.err
    paths = [beside.folder / line for line in done.out.splitlines()]
    assert [path.read_bytes() for path in paths] == [picture("Hello", 5, 0), picture("Hello", 5, 1)]
    assert [path.name for path in paths] == [f"echo-{tasks(beside)[0]['id']}-{index}.png" for index in (0, 1)]
    assert done.err.count("Hello") == 1
    assert "gesso/echo is running." in done.err
    assert "succeeded" in done.err


def test_a_file_goes_and_comes_back_byte_for_byte(beside: Terminal) -> None:
    (beside.folder / "note.txt").write_bytes(b"one\r\ntwo\x00")
    done = beside.gesso("run", "gesso/echo", "outputs=0", "inputFile=@note.txt")
    assert done.code == 0, done.err
    path = Path(done.out.strip())
    assert path.suffix == ".txt"
    assert (beside.folder / path).read_bytes() == b"one\r\ntwo\x00"


def test_the_key_of_the_command_line_is_made_once(beside: Terminal, server: Server) -> None:
    note = server.data / "cli.json"
    assert beside.gesso("run", "gesso/echo", "outputs=0").code == 0
    first = note.read_text("utf-8")
    assert note.stat().st_mode & 0o777 == 0o600
    assert beside.gesso("run", "gesso/echo", "outputs=0").code == 0
    assert note.read_text("utf-8") == first


def test_a_key_that_the_server_no_longer_knows_is_made_anew(beside: Terminal, server: Server) -> None:
    (server.data / "cli.json").write_text('{"apikey": "nobody"}')
    assert beside.gesso("run", "gesso/echo", "outputs=0").code == 0


@pytest.mark.parametrize("auth", ["signature", "key"])
def test_another_server_is_named_with_its_key(terminal: Terminal, beside: Terminal, server: Server, auth: str) -> None:
    project = json.loads(beside.gesso("project", "create", "remote", "--auth", auth, "--json").out)
    secret = ["--secret", project["apisecret"]] if auth == "signature" else []
    done = terminal.gesso("run", "gesso/echo", "outputs=1", "--url", server.url, "--key", project["apikey"], *secret)
    assert done.code == 0, done.err
    environment = {"GESSO_URL": f"{server.url}/v1", "GESSO_API_KEY": project["apikey"]}
    if secret:
        environment["GESSO_API_SECRET"] = project["apisecret"]
    assert terminal.gesso("run", "gesso/echo", "outputs=0", **environment).code == 0


def test_a_wrong_key_is_told(terminal: Terminal, server: Server) -> None:
    line = refused(terminal.gesso("run", "gesso/echo", "--url", server.url, "--key", "nobody"))
    assert "does not accept this key" in line


def test_a_server_elsewhere_needs_a_key(terminal: Terminal, server: Server) -> None:
    assert "GESSO_API_KEY" in refused(terminal.gesso("run", "gesso/echo", "--url", server.url))


def test_without_a_server_it_says_how_to_start_one(terminal: Terminal) -> None:
    assert "No server runs here: start one with `gesso serve`" in refused(terminal.gesso("run", "gesso/echo"))


def test_a_note_of_a_dead_server_is_not_believed(terminal: Terminal) -> None:
    data = terminal.folder / "gesso-data"
    data.mkdir()
    (data / "server.json").write_text('{"url": "http://127.0.0.1:9", "pid": 1}')
    assert "No server runs here" in refused(terminal.gesso("run", "gesso/echo"))
    (data / "server.json").write_text("torn")
    assert "No server runs here" in refused(terminal.gesso("run", "gesso/echo"))


def test_an_unknown_model_is_told(beside: Terminal) -> None:
    assert "There is no model gesso/ehco on this server." in refused(beside.gesso("run", "gesso/ehco"))
    assert "write OWNER/SLUG" in refused(beside.gesso("run", "echo"))


def test_an_unknown_parameter_is_warned_of_with_the_known_ones(beside: Terminal) -> None:
    done = beside.gesso("run", "gesso/echo", "txt=Hello", "outputs=0")
    assert done.code == 0
    assert "Warning: gesso/echo has no parameter txt" in done.err
    assert "Did you mean text?" in done.err
    assert "It has: text, inputFile" in done.err


def test_what_the_server_refuses_is_told_in_its_words(beside: Terminal) -> None:
    assert "[steps]" in refused(beside.gesso("run", "gesso/echo", "steps=0.5"))
    assert "[inputImage]" in refused(beside.gesso("run", "gesso/heal"))


def test_a_missing_file_is_told(beside: Terminal) -> None:
    assert "inputImage: there is no file nowhere.png." in refused(beside.gesso("run", "gesso/heal", "inputImage=@nowhere.png"))


def test_a_forgotten_at_sign_is_told(beside: Terminal) -> None:
    (beside.folder / "a.png").write_bytes(b"x")
    assert "write inputImage=@a.png to send it." in refused(beside.gesso("run", "gesso/heal", "inputImage=a.png"))
    # A text may be the name of a file.
    assert beside.gesso("run", "gesso/echo", "text=a.png", "outputs=0").code == 0


@pytest.mark.parametrize("out", ["/proc/made", "note.txt", "note.txt/made"])
def test_a_folder_that_cannot_be_written_is_told_before_the_task(beside: Terminal, out: str) -> None:
    (beside.folder / "note.txt").write_bytes(b"in the way")
    assert beside.gesso("run", "gesso/echo", "outputs=0").code == 0
    latest = tasks(beside)[0]["id"]
    line = refused(beside.gesso("run", "gesso/echo", "--out", out))
    assert f"Nothing can be saved in {out}: " in line
    assert tasks(beside)[0]["id"] == latest


def test_what_cannot_be_saved_is_told_with_its_address(beside: Terminal) -> None:
    with beside.start("run", "gesso/echo", "text=kept", "outputs=2", "seed=5", "delay=2", "--out", "made") as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "is running" in line:
                break
        (beside.folder / "made").rmdir()
        _, err = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 1
    assert "The server keeps what could not be saved:" in err
    urls = [line.strip() for line in err.splitlines() if line.startswith("  http")]
    assert [httpx.get(url).content for url in urls] == [picture("kept", 5, 0), picture("kept", 5, 1)]


def test_a_failed_task_tells_why(beside: Terminal) -> None:
    done = beside.gesso("run", "gesso/echo", "fail=error")
    assert done.code == 1
    assert done.out == ""
    assert "RuntimeError: the run was asked to fail" in done.err
    assert done.err.rstrip().splitlines()[-1].endswith("failed.")


def test_ctrl_c_kills_the_task(beside: Terminal) -> None:
    with beside.start("run", "gesso/echo", "delay=600", "steps=6000") as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "is running" in line:
                break
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 130
    assert "was killed" in err
    assert tasks(beside)[0]["state"] == "cancelled"


def test_tasks_are_listed_newest_first(beside: Terminal) -> None:
    assert beside.gesso("run", "gesso/echo", "outputs=0").code == 0
    beside.gesso("run", "gesso/echo", "outputs=0", "fail=input")
    latest = tasks(beside)[:2]
    assert [task["state"] for task in latest] == ["failed", "succeeded"]
    assert int(latest[0]["id"]) == int(latest[1]["id"]) + 1
    shown = beside.gesso("tasks", "-n", "2")
    assert shown.code == 0
    lines = shown.out.splitlines()
    assert lines[0].split() == ["id", "model", "state", "age", "time", "cost"]
    assert len(lines) == 3


def test_tasks_of_no_data_folder(terminal: Terminal) -> None:
    assert "Start with `gesso serve --data nothing`" in refused(terminal.gesso("tasks", "--data", "nothing"))
    assert not (terminal.folder / "nothing").exists()


def test_values_are_fields_or_files(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"x")
    given = read_values(["prompt=a=b", f"image=@{tmp_path / 'a.png'}", "handle=@@me", "empty=", "twice=1", "twice=2"])
    assert given.fields == (("prompt", "a=b"), ("handle", "@me"), ("empty", ""), ("twice", "1"), ("twice", "2"))
    assert given.files == (("image", tmp_path / "a.png"),)
    assert given.names == ["prompt", "handle", "empty", "twice", "image"]


@pytest.mark.parametrize("value", ["prompt", "=x", ""])
def test_what_is_no_value_is_refused(value: str) -> None:
    with pytest.raises(Refused, match="write KEY=VALUE"):
        read_values([value])


def test_a_file_is_never_overwritten(tmp_path: Path) -> None:
    paths = [save([b"a", bytes([number])], tmp_path, "echo-1-0", "png") for number in range(3)]
    assert [path.name for path in paths] == ["echo-1-0.png", "echo-1-0-2.png", "echo-1-0-3.png"]
    assert [path.read_bytes() for path in paths] == [b"a\x00", b"a\x01", b"a\x02"]


def test_half_a_file_is_not_left(tmp_path: Path) -> None:
    def breaks():
        yield b"half"
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        save(breaks(), tmp_path, "echo-1-0", "png")
    assert not list(tmp_path.iterdir())
