"""`gesso models pull` from a hub over real HTTP: what is fetched, gone on with, proved and refused."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_terminal import Done, Terminal
from loopback_hub import COMMIT, LoopbackHub, serving_hub

from gesso.cli.download import Order, fetch
from gesso.cli.hub import Hub, token_of
from gesso.cli.refused import Refused

FLUX = "black-forest-labs/FLUX.1-Fill-dev"
LOCAL_MODEL = """
from gesso.sdk import Model, Readiness


def readiness(weights):
    is_there = (weights / "weights.bin").is_file()
    return Readiness(is_there, "ready" if is_there else "weights missing", "" if is_there else f"Put weights.bin into {weights}.")


MODEL = Model("home", "Brush", "Brush", "Paints.", "brush:Engine", (), readiness=readiness)
"""
LARGE = random.Random(0).randbytes(3_000_000)
FILES = {"weights.bin": LARGE, "config.json": b"{}", "deep/words.txt": b"a\nb\n", ".gitattributes": b"*.bin"}


@pytest.fixture
def brush(terminal: Terminal) -> Terminal:
    data = terminal.folder / "gesso-data"
    data.mkdir()
    (data / "brush.py").write_text(LOCAL_MODEL)
    (data / "gesso.toml").write_text('models = ["brush.py:MODEL"]\n')
    return terminal


@pytest.fixture
def hub() -> Iterator[LoopbackHub]:
    with serving_hub(LoopbackHub("home/Brush", dict(FILES))) as running:
        yield running


def pull(terminal: Terminal, hub: LoopbackHub, name: str = "home/Brush", **environment: str) -> Done:
    """As who is signed in nowhere, with the loopback hub for the one that they would be signed in at."""
    at_home = {"HF_ENDPOINT": hub.url, "HF_HOME": str(terminal.folder / "hf"), "HF_TOKEN": "", **environment}
    return terminal.gesso("models", "pull", name, "--yes", **at_home)


def weights(terminal: Terminal) -> Path:
    return terminal.folder / "gesso-data" / "weights" / "home" / "Brush"


def bring(hub: LoopbackHub, target: Path, token: str = "") -> int:
    """What the command does when it has found out what and where; how many bytes it told of."""
    told: list[int] = []
    client = Hub(hub.url, token)
    try:
        listing = client.listing(hub.name)
        fetch(Order(client, hub.name, listing, target, told.append), listing.files)
    finally:
        client.close()
    return sum(told)


def test_all_files_come_and_are_proved_and_nothing_comes_twice(brush: Terminal, hub: LoopbackHub) -> None:
    done = pull(brush, hub)
    assert done.code == 0, done.err
    assert "home/Brush is ready." in done.out
    assert f"Fetching {hub.url}/home/Brush into {weights(brush)}: 3 files, 0.0 GB." in done.err
    found = {path.relative_to(weights(brush)).as_posix(): path.read_bytes() for path in weights(brush).rglob("*") if path.is_file()}
    record = json.loads(found.pop(".pulled.json"))
    assert found == {name: content for name, content in FILES.items() if name != ".gitattributes"}
    assert (record["commit"], set(record["files"])) == (COMMIT, set(found))
    (weights(brush) / "weights.bin").unlink()
    hub.requests.clear()
    assert pull(brush, hub).code == 0
    assert [path for path, _ in hub.requests if path.startswith("/store")] == ["/store/weights.bin"]


def test_a_lost_connection_is_gone_on_with_by_range(tmp_path: Path, hub: LoopbackHub) -> None:
    hub.cut_after["weights.bin"] = [1_000_000, 500_000]
    assert bring(hub, tmp_path) == sum(map(len, FILES.values()))
    assert (tmp_path / "weights.bin").read_bytes() == LARGE
    assert [asked for path, asked in hub.requests if path == "/store/weights.bin"] == ["", "bytes=1000000-", "bytes=1500000-"]


def test_an_earlier_download_is_gone_on_with(tmp_path: Path, hub: LoopbackHub) -> None:
    (tmp_path / "weights.bin.part").write_bytes(LARGE[:2_000_000])
    bring(hub, tmp_path)
    assert [asked for path, asked in hub.requests if path == "/store/weights.bin"] == ["bytes=2000000-"]
    assert (tmp_path / "weights.bin").read_bytes() == LARGE


def test_a_store_without_ranges_begins_anew(tmp_path: Path, hub: LoopbackHub) -> None:
    hub.has_ranges = False
    hub.cut_after["weights.bin"] = [1_000_000]
    assert bring(hub, tmp_path) == sum(map(len, FILES.values()))
    assert (tmp_path / "weights.bin").read_bytes() == LARGE


@pytest.mark.parametrize("start", [LARGE[:10] + b"other" * 1000, LARGE + b"more"])
def test_bytes_of_another_file_do_not_survive(tmp_path: Path, hub: LoopbackHub, start: bytes) -> None:
    (tmp_path / "weights.bin.part").write_bytes(start)
    bring(hub, tmp_path)
    assert (tmp_path / "weights.bin").read_bytes() == LARGE


@pytest.mark.parametrize(("path", "times"), [("weights.bin", 1), ("weights.bin", 2), ("config.json", 2)])
def test_what_has_another_hash_is_fetched_once_more_and_then_refused(tmp_path: Path, hub: LoopbackHub, path: str, times: int) -> None:
    hub.spoilt[path] = times
    if times == 1:
        bring(hub, tmp_path)
    else:
        with pytest.raises(Refused, match=f"{path} came with other bytes than the hub lists, twice"):
            bring(hub, tmp_path)
    assert (tmp_path / path).exists() == (times == 1)


def test_a_file_that_was_changed_here_is_fetched_again(tmp_path: Path, hub: LoopbackHub) -> None:
    bring(hub, tmp_path)
    (tmp_path / "config.json").write_bytes(b"[]")
    (tmp_path / ".pulled.json").unlink()
    hub.requests.clear()
    bring(hub, tmp_path)
    assert (tmp_path / "config.json").read_bytes() == b"{}"
    assert [path for path, _ in hub.requests if path.startswith("/store")] == ["/store/config.json"]


def test_a_gated_model_says_what_to_do_and_a_token_opens_it(tmp_path: Path, hub: LoopbackHub) -> None:
    hub.token = "hf_secret"
    with pytest.raises(Refused, match=f"Accept the licence at {hub.url}/home/Brush, run `hf auth login` or set HF_TOKEN"):
        bring(hub, tmp_path)
    bring(hub, tmp_path, "hf_secret")
    assert set(hub.told) >= {"home: Bearer hf_secret", "store: "}
    assert "store: Bearer hf_secret" not in hub.told


def test_a_mirror_is_not_told_who_asks(brush: Terminal, hub: LoopbackHub) -> None:
    (brush.folder / "hf").mkdir()
    (brush.folder / "hf" / "token").write_text("hf_secret\n")
    done = brush.gesso("models", "pull", "home/Brush", "--yes", "--from", f"{hub.url}/", HF_HOME=str(brush.folder / "hf"))
    assert done.code == 0, done.err
    assert not [words for words in hub.told if "hf_secret" in words]


def test_the_token_is_found_where_the_tools_of_the_hub_leave_it(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("of the file\n")
    (tmp_path / ".cache" / "huggingface").mkdir(parents=True)
    (tmp_path / ".cache" / "huggingface" / "token").write_text("at home")
    assert token_of({"HF_HOME": str(tmp_path)}) == "of the file"
    assert token_of({"HF_HOME": str(tmp_path), "HF_TOKEN": " of the variable "}) == "of the variable"
    assert token_of({"HOME": str(tmp_path)}) == "at home"
    assert token_of({"HF_TOKEN_PATH": str(tmp_path / "nowhere")}) == ""


def test_a_hub_without_the_model_or_without_an_answer_is_told(brush: Terminal, hub: LoopbackHub) -> None:
    hub.name = "home/Other"
    assert f"The hub has no {hub.url}/home/Brush, or shows it only to who is signed in" in pull(brush, hub).err
    nobody = brush.gesso("models", "pull", "home/Brush", "--yes", "--from", "http://127.0.0.1:9")
    assert nobody.code == 1
    assert "The hub could not be reached (ConnectError" in nobody.err
    assert "go on with `gesso models pull home/Brush --from http://127.0.0.1:9`" in nobody.err


@pytest.mark.parametrize("path", ["../../secret.key", "/etc/passwd", "deep/../../x"])
def test_a_listing_that_leads_out_of_the_folder_is_refused(tmp_path: Path, hub: LoopbackHub, path: str) -> None:
    hub.listed.append({"type": "file", "path": path, "size": 1, "oid": "0"})
    with pytest.raises(Refused, match=r"which leads out of the folder: nothing was fetched\."):
        bring(hub, tmp_path)
    assert not list(tmp_path.iterdir())


def test_more_than_the_disk_holds_is_not_begun(tmp_path: Path, hub: LoopbackHub) -> None:
    hub.listed.append({"type": "file", "path": "huge.bin", "size": 10**18, "oid": "0", "lfs": {"oid": "0", "size": 10**18}})
    with pytest.raises(Refused, match=r"1000000000\.0 GB are to be fetched, and the disk of"):
        bring(hub, tmp_path)


def test_a_pipeline_is_incomplete_until_all_of_it_is_there(terminal: Terminal) -> None:
    pytest.importorskip("torch", reason="needs the extra gesso[flux]")
    pytest.importorskip("diffusers", reason="needs the extra gesso[flux]")
    files = {"model_index.json": b'{"_class_name": "FluxFillPipeline"}', "vae/config.json": b"{}", "flux1-fill-dev.safetensors": LARGE}
    with serving_hub(LoopbackHub(FLUX, files | {"transformer/model.safetensors": LARGE})) as hub:
        hub.spoilt["transformer/model.safetensors"] = 2
        done = pull(terminal, hub, FLUX)
        assert "come under the FLUX.1 [dev] Non-Commercial License" in done.err
        assert "transformer/model.safetensors came with other bytes" in done.err
        folder = terminal.folder / "gesso-data" / "weights" / FLUX
        assert sorted(path.name for path in folder.rglob("*") if path.is_file()) == ["config.json.part", "model_index.json.part"]
        listed = {model["model"]: model for model in json.loads(terminal.gesso("models", "--json").out)}
        assert listed[FLUX]["state"] == "weights incomplete"
        assert listed[FLUX]["reason"].endswith(f"Run `gesso models pull {FLUX}` again: it goes on where it stopped.")
        done = pull(terminal, hub, FLUX)
        assert done.code == 1
        assert "cannot run yet (weights incomplete)" in done.err
        assert not (folder / "flux1-fill-dev.safetensors").exists()
        assert (folder / "transformer" / "model.safetensors").read_bytes() == LARGE
