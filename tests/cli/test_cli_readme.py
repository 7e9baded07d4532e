"""What README.md, docs/first-project.md and docs/models.md tell people to paste, pasted.

The address of a test's server stands in the place of the usual one.
"""

from __future__ import annotations

import io
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy
import pytest
from cli_terminal import TIMEOUT_S, Server, Terminal, clean_environment, serving
from PIL import Image

ROOT = Path(__file__).parents[2]
USUAL = "127.0.0.1:8700"
# Blocks that install or serve for good: the demo and the tests of `gesso serve` stand for them.
NOT_PASTED = ("make demo", "export PATH=", "make check")


def blocks(page: str, language: str) -> list[str]:
    text = (ROOT / page).read_text("utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.M | re.S)


def paste(script: str, folder: Path, **environment: str) -> str:
    """What a shell prints that stops at the first command that fails."""
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env=clean_environment(PATH=path, PYTHONWARNINGS="error", **environment),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def draw(folder: Path) -> tuple[numpy.ndarray, numpy.ndarray]:
    """A picture and its mask, as the demo leaves them in out/."""
    (folder / "out").mkdir()
    picture = numpy.random.default_rng(1).integers(0, 256, (48, 64, 3), numpy.uint8)
    mask = numpy.zeros((48, 64), numpy.uint8)
    mask[20:26, 30:40] = 255
    Image.fromarray(picture).save(folder / "out" / "before.png")
    Image.fromarray(mask).save(folder / "out" / "mask.png")
    return picture, mask


@pytest.mark.programs("curl", "openssl")
def test_the_readme_can_be_pasted(server: Server, tmp_path: Path) -> None:
    picture, mask = draw(tmp_path)
    shell = blocks("README.md", "bash")
    pasted = [block for block in shell if not block.startswith(NOT_PASTED)]
    assert len(pasted) == 3
    assert len(shell) == 5
    address = server.url.removeprefix("http://")
    script = "\n".join(pasted).replace(USUAL, address) + '\necho "token $TOKEN"\n'
    said = paste(script, tmp_path, GESSO_DATA=str(server.data))
    healed = numpy.asarray(Image.open(tmp_path / "out" / "healed.png").convert("RGB"))
    assert (healed == picture)[mask == 0].all()
    assert (healed != picture)[mask == 255].any()
    assert len(list((tmp_path / "out").glob("heal-*-0.png"))) == 1

    (program,) = blocks("README.md", "python")
    token = said.rsplit(" ", 1)[1].strip()
    script = f"{shlex.quote(sys.executable)} -c {shlex.quote(program.replace(USUAL, address))} {token}"
    told = [line.split(" ")[0] for line in paste(script, tmp_path).splitlines()]
    assert told[0] == "connected"
    assert told[-1] == "task_postprocess_end"
    assert "task_start" in told


@pytest.mark.programs("curl", "openssl")
def test_the_first_project_can_be_pasted(server: Server, tmp_path: Path) -> None:
    picture, mask = draw(tmp_path)
    # A photograph would lose its pixels as a JPEG; what a file is, its bytes say.
    shutil.copy(tmp_path / "out" / "before.png", tmp_path / "picture.jpg")
    shutil.copy(tmp_path / "out" / "mask.png", tmp_path / "mask.png")
    script = "\n".join(blocks("docs/first-project.md", "bash")).replace(USUAL, server.url.removeprefix("http://"))
    said = paste(script, tmp_path, GESSO_DATA=str(server.data))
    assert '"socketaccesstoken"' in said
    healed = numpy.asarray(Image.open(tmp_path / "healed.png").convert("RGB"))
    assert (healed == picture)[mask == 0].all()
    assert (healed != picture)[mask == 255].any()


def test_the_model_of_the_documents_runs(terminal: Terminal) -> None:
    folder = terminal.folder
    (folder / "my-models").mkdir()
    (folder / "gesso-data").mkdir()
    (program,) = blocks("docs/models.md", "python")
    (folder / "my-models" / "posterize.py").write_text(program, "utf-8")
    photo = io.BytesIO()
    Image.linear_gradient("L").resize((16, 16)).convert("RGB").save(photo, "PNG")
    (folder / "photo.png").write_bytes(photo.getvalue())
    # What comes after these two is for other models.
    prepare, run, *_ = blocks("docs/models.md", "bash")
    setting, _, start = prepare.rstrip().partition("\n")
    assert start == 'PYTHONPATH="$PWD/my-models" gesso serve'
    paste(setting, folder)
    with serving(terminal, folder / "gesso-data", PYTHONPATH=str(folder / "my-models")):
        said = paste(run, folder)
    made = numpy.asarray(Image.open(folder / said.strip()))
    assert made.shape == (16, 16, 3)
    assert set(numpy.unique(made)) == {0, 128}


def test_the_documents_for_contributors_name_commands_that_exist() -> None:
    (block,) = blocks("CONTRIBUTING.md", "bash")
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for line in block.splitlines():
        assert line.startswith("make ")
        assert f"\n{line.split()[1]}:" in makefile
