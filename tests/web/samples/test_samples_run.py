"""The samples do what the guide says, against a running server: written for a reader, run as they stand."""

from __future__ import annotations

import io
import re
from pathlib import Path

import numpy
import pytest
from PIL import Image
from sample_programs import ECHO, HEAL, Reader, execute
from wiro_server import LiveServer, record, running

from gesso.domain.project import AuthMethod

EXECUTED = ("curl", "nodejs", "python")
# Run where the tool is there; always parsed.
ALSO = ("php",)
HOSTILE = "it's \"quoted\" `$HOME` ${x} $(id) \\n %s @photo.png; </script><!-- \nEOF\n日本語 \u202e\u200b 🎨 #{1} {{ 2 }} ?> ' \\"


@pytest.fixture
def folder(tmp_path: Path, photo: bytes, mask: bytes) -> Path:
    """Where a reader has two pictures."""
    (tmp_path / "photo.png").write_bytes(photo)
    (tmp_path / "my mask;1.png").write_bytes(mask)
    return tmp_path


@pytest.fixture(params=[*AuthMethod], ids=str)
def reader(request: pytest.FixtureRequest, server: LiveServer, folder: Path) -> Reader:
    """A reader of each kind of project."""
    return Reader(server.url, server.key if request.param is AuthMethod.KEY else server.signing, folder)


@pytest.fixture
def signing(server: LiveServer, folder: Path) -> Reader:
    """For what does not depend on the kind of key."""
    return Reader(server.url, server.signing, folder)


@pytest.mark.parametrize("language", [*EXECUTED, *ALSO])
def test_a_form_is_run_to_its_picture(language: str, reader: Reader, server: LiveServer, photo: bytes, mask: bytes) -> None:
    values = {"inputImage": "photo.png", "inputImageMask": "my mask;1.png", "method": "telea"}
    said = reader.try_out(language, HEAL, values, "folder", "upload", "run-multipart", "detail")
    address = re.search(r"http://\S+?/v1/File/\w{30}/[\w.-]+", said)
    assert address, said
    with server.client() as client:
        assert client.get(address[0]).content == photo
    before, after = (numpy.asarray(Image.open(io.BytesIO(each)).convert("RGB")) for each in (photo, (reader.folder / "0.png").read_bytes()))
    painted = numpy.asarray(Image.open(io.BytesIO(mask)))
    assert (before == after)[painted == 0].all()
    assert (before != after)[painted == 255].any()


@pytest.mark.parametrize("language", [*EXECUTED, *ALSO])
def test_addresses_are_run_and_followed(language: str, reader: Reader, server: LiveServer, elsewhere: str) -> None:
    values = {"inputImage": f"{elsewhere}/photo.png", "inputImageMask": f"{elsewhere}/mask.png", "method": "telea"}
    last = "socket" if language in EXECUTED else "detail"
    said = reader.try_out(language, HEAL, values, "run-json", last)
    if last == "socket":
        assert "task_start" in said
        assert said.rindex("task_postprocess_end") > said.index("task_start")
        assert "/0.png" in said
    else:
        assert (reader.folder / "0.png").is_file()


@pytest.mark.parametrize("language", [*EXECUTED, *ALSO])
@pytest.mark.parametrize("way", ["run-json", "run-multipart"])
def test_a_hostile_text_arrives_as_it_was_typed(language: str, way: str, signing: Reader, server: LiveServer) -> None:
    values = {"text": HOSTILE, "delay": "0.5", "seed": "2415100471", "inputFile": "photo.png" if way == "run-multipart" else ""}
    said = signing.try_out(language, ECHO, values, way)
    token = re.search(r"\b[A-Za-z0-9]{30}\b", said)
    assert token, said
    with server.client(signing.key) as client:
        parameters = record(client, tasktoken=token[0])["parameters"]
    # The standard of forms in JavaScript makes every end of a line CR LF.
    breaks = "\r\n" if (language, way) == ("nodejs", "run-multipart") else "\n"
    assert parameters["text"] == HOSTILE.replace("\n", breaks)
    assert parameters["seed"] == "2415100471"
    assert parameters["delay"] == 0.5
    assert parameters.get("inputFile", "").endswith(".png") == (way == "run-multipart")


@pytest.mark.parametrize("language", [*EXECUTED, *ALSO])
def test_a_running_task_is_killed(language: str, reader: Reader) -> None:
    said = reader.try_out(language, ECHO, {"delay": "50", "steps": "1000"}, "run-json", "kill")
    assert "task_cancel" in said


@pytest.mark.parametrize("language", [*EXECUTED, *ALSO])
def test_a_waiting_task_is_cancelled(language: str, signing: Reader, server: LiveServer) -> None:
    with server.client(server.other) as other, running(server, other):
        said = signing.try_out(language, ECHO, {"text": "later"}, "run-json", "cancel")
    assert "task_cancel" in said


def test_a_program_in_go_runs_to_its_picture(signing: Reader) -> None:
    """Compiled whole, the socket left out: its package is not at hand."""
    said = signing.try_out("go", ECHO, {"text": HOSTILE}, "folder", "upload", "run-multipart", "run-json", "detail", "kill", "cancel")
    assert said == "0.png\n"
    assert (signing.folder / "0.png").read_bytes().startswith(b"\x89PNG")


def test_a_refusal_is_told_by_its_sentence(signing: Reader) -> None:
    with pytest.raises(AssertionError, match="steps"):
        signing.try_out("python", ECHO, {"steps": "0.5"}, "run-json")
    with pytest.raises(AssertionError, match="steps"):
        signing.try_out("nodejs", ECHO, {"steps": "0.5"}, "run-json")


def test_the_socket_of_a_page_is_a_program(signing: Reader) -> None:
    """The script of the page with UI elements: as far as it goes without a browser, it can be read."""
    page = next(block for block in signing.blocks(ECHO, {"text": HOSTILE}) if block.id == "ui").code["nodejs"].text
    script = re.fullmatch(r".*<script>\n(.*)</script>\n", page, flags=re.S)
    assert script
    assert "</script" not in page.rpartition("</script>")[0]
    assert execute("nodejs", f"if (false) {{\n{script[1]}}}\n", signing.folder) == ""
