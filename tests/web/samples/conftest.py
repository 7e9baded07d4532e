"""One live server for all programs, with a project of each kind, and a web server whose pictures the runs fetch."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy
import pytest
from PIL import Image

sys.path.append(str(Path(__file__).parents[2] / "dialects" / "wiro"))

from wiro_server import LiveServer, web_server


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    live = LiveServer(tmp_path_factory.mktemp("samples"))
    live.start()
    yield live
    live.stop()


@pytest.fixture(scope="package")
def photo() -> bytes:
    return png(numpy.random.default_rng(1).integers(0, 256, (24, 32, 3), numpy.uint8))


@pytest.fixture(scope="package")
def mask() -> bytes:
    painted = numpy.zeros((24, 32), numpy.uint8)
    painted[10:13, 10:20] = 255
    return png(painted)


@pytest.fixture(scope="package")
def elsewhere(photo: bytes, mask: bytes) -> Iterator[str]:
    """The origin of a foreign web server that has both pictures."""
    with web_server({"/photo.png": photo, "/mask.png": mask}) as origin:
        yield origin


def png(pixels: numpy.ndarray) -> bytes:
    written = io.BytesIO()
    Image.fromarray(pixels).save(written, "PNG")
    return written.getvalue()
