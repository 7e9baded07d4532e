"""`gesso models`, `gesso models pull` and `gesso doctor`."""

from __future__ import annotations

import json

import pytest
from cli_terminal import Server, Terminal

from gesso.models.registry import BUILT_IN

FLUX = "black-forest-labs/FLUX.1-Fill-dev"
# A model whose weights are one file.
LOCAL_MODEL = """
from gesso.sdk import Model, Readiness


def readiness(weights):
    is_there = (weights / "weights.bin").is_file()
    return Readiness(is_there, "ready" if is_there else "weights missing", "" if is_there else f"Put weights.bin into {weights}.")


MODEL = Model("home", "Brush", "Brush", "Paints.", "brush:Engine", (), licence="A licence", readiness=readiness)
"""


@pytest.fixture
def brush(terminal: Terminal) -> Terminal:
    data = terminal.folder / "gesso-data"
    data.mkdir()
    (data / "brush.py").write_text(LOCAL_MODEL)
    (data / "gesso.toml").write_text('models = ["brush.py:MODEL"]\n')
    return terminal


def test_models_are_listed_without_a_server_and_nothing_is_made(terminal: Terminal) -> None:
    done = terminal.gesso("models", "--json", "--data", "nothing")
    assert (done.code, done.err) == (0, "")
    listed = json.loads(done.out)
    assert [model["model"] for model in listed] == [model.name for model in BUILT_IN]
    by_name = {model["model"]: model for model in listed}
    assert by_name["gesso/echo"]["ready"]
    assert not by_name[FLUX]["ready"]
    assert by_name[FLUX]["reason"]
    assert not (terminal.folder / "nothing").exists()


def test_models_for_people_say_what_to_do(terminal: Terminal) -> None:
    done = terminal.gesso("models")
    assert done.code == 0
    assert "gesso/heal" in done.out
    assert f"gesso models pull {FLUX}" in done.out or "pip install" in done.out


def test_a_model_without_weights_has_nothing_to_pull(terminal: Terminal) -> None:
    done = terminal.gesso("models", "pull", "gesso/echo")
    assert done.code == 1
    assert "gesso/echo needs no weights" in done.err


def test_an_unknown_model_is_told_with_the_known_ones(terminal: Terminal) -> None:
    done = terminal.gesso("models", "pull", "gesso/paint")
    assert done.code == 1
    assert "There is no model gesso/paint here. There are: " in done.err
    assert "gesso/heal" in done.err


def test_weights_are_taken_from_a_folder(brush: Terminal) -> None:
    source = brush.folder / "elsewhere"
    (source / "deep").mkdir(parents=True)
    (source / "weights.bin").write_bytes(b"w")
    (source / "deep" / "config.json").write_text("{}")
    refused = brush.gesso("models", "pull", "home/brush", "--from", source)
    assert refused.code == 1
    assert "come under the A licence" in refused.err
    assert "Nothing was fetched. Read the licence, and accept it with --yes." in refused.err
    done = brush.gesso("models", "pull", "home/brush", "--from", source, "--yes")
    assert done.code == 0, done.err
    assert "come under the A licence" in done.err
    target = brush.folder / "gesso-data" / "weights" / "home" / "Brush"
    assert (target / "weights.bin").read_bytes() == b"w"
    assert (target / "deep" / "config.json").exists()
    again = brush.gesso("models", "pull", "home/brush", "--from", source)
    assert (again.code, again.err) == (0, "")
    assert "home/Brush is ready." in again.out


def test_a_folder_without_what_is_needed_is_told(brush: Terminal) -> None:
    (brush.folder / "empty").mkdir()
    assert "is empty" in brush.gesso("models", "pull", "home/Brush", "--from", "empty", "-y").err
    assert "is no folder" in brush.gesso("models", "pull", "home/Brush", "--from", "nowhere", "-y").err
    (brush.folder / "empty" / "other.bin").write_bytes(b"x")
    done = brush.gesso("models", "pull", "home/Brush", "--from", "empty", "-y")
    assert done.code == 1
    assert "cannot run yet (weights missing). Put weights.bin into" in done.err


def test_a_wrong_folder_does_not_take_the_place_of_half_a_download(brush: Terminal) -> None:
    target = brush.folder / "gesso-data" / "weights" / "home" / "Brush"
    target.mkdir(parents=True)
    (target / "weights.bin.part").write_bytes(b"half of it")
    (brush.folder / "wrong").mkdir()
    (brush.folder / "wrong" / "other.bin").write_bytes(b"x")
    refused = brush.gesso("models", "pull", "home/Brush", "--from", "wrong", "-y")
    assert refused.code == 1
    assert "Nothing was taken: with " in refused.err
    assert "home/Brush could not run (weights missing). Put weights.bin into" in refused.err
    assert [path.name for path in target.iterdir()] == ["weights.bin.part"]
    (brush.folder / "wrong" / "weights.bin").write_bytes(b"whole")
    assert brush.gesso("models", "pull", "home/Brush", "--from", "wrong", "-y").code == 0
    assert sorted(path.name for path in target.iterdir()) == ["other.bin", "weights.bin"]


def test_a_doctor_beside_a_server_finds_it(beside: Terminal, server: Server) -> None:
    done = beside.gesso("doctor")
    assert done.code == 0, done.err
    assert f"A server runs on this folder, at {server.url}." in done.out
    assert "gesso/heal is ready." in done.out
    assert "SQLite" in done.out


def test_a_doctor_finds_what_nobody_else_would(brush: Terminal) -> None:
    data = brush.folder / "gesso-data"
    (data / "gesso.toml").write_text('models = ["brush.py:MODEL"]\nprot = 8701\n')
    (data / "secret.key").write_bytes(b"x" * 32)
    (data / "secret.key").chmod(0o644)
    done = brush.gesso("doctor", GESSO_PROT="8701")
    assert done.code == 1
    assert "The environment has GESSO_PROT, which is no setting." in done.out
    assert "sets prot, which is no setting of it. Did you mean port?" in done.out
    assert "secret.key can be read by others." in done.out
    assert "home/Brush: weights missing." in done.out


def test_a_doctor_counts_problems(terminal: Terminal) -> None:
    done = terminal.gesso("doctor", "--data", "/proc/gesso-data", GESSO_MODELS='["nothing.py"]')
    assert done.code == 1
    assert "gesso: 2 problems found." in done.err


def test_a_doctor_says_how_a_model_would_use_the_memory_and_follows_the_settings(terminal: Terminal) -> None:
    data = terminal.folder / "gesso-data"
    data.mkdir()
    (data / "gesso.toml").write_text(f'memory = {100 * 2**30}\n[engines."{FLUX}"]\nprecision = "float8"\n')
    done = terminal.gesso("doctor")
    assert done.code == 0, done.err
    assert f"{FLUX} on cpu would use float8 weights (8-bit weights change pictures slightly), all on cpu: " in done.out
    assert "where 100.0 GiB are free; precision as the settings fix." in done.out
    (data / "gesso.toml").write_text(f'[engines."{FLUX}"]\nprecision = "float7"\n')
    done = terminal.gesso("doctor")
    assert done.code == 1
    assert f"The setting engines, for {FLUX}: The parameter precision cannot be used as sent" in done.out
