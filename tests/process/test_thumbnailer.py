"""The process that makes small pictures: what it makes of good ones, and what bad ones cannot do to the server."""

from __future__ import annotations

import asyncio
import os
import signal
import struct
import zlib
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from PIL import Image

from gesso.execution.thumbnailer import Thumbnailer
from gesso.models.thumbnail import NoPicture, thumbnail

_MOST = 10**8


def with_thumbnailer(scenario: Callable[[Thumbnailer], Awaitable[None]], **options: float) -> None:
    async def run() -> None:
        thumbnailer = Thumbnailer(os.environ, **options)
        try:
            await scenario(thumbnailer)
        finally:
            await thumbnailer.close()

    asyncio.run(run())


def bomb(path: Path, width: int, height: int) -> Path:
    """A PNG of a few bytes that says it is `width` x `height`."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b""))
    return path


def test_a_picture_becomes_small_upright_and_keeps_what_is_clear(tmp_path: Path) -> None:
    async def scenario(thumbnailer: Thumbnailer) -> None:
        exif = Image.Exif()
        exif[0x0112] = 6
        Image.new("RGB", (600, 300), "red").save(tmp_path / "turned.jpg", exif=exif)
        Image.new("RGBA", (300, 300), (0, 0, 0, 0)).save(tmp_path / "clear.png")
        for name in ("turned.jpg", "clear.png"):
            assert await thumbnailer.make(tmp_path / name, tmp_path / f"{name}.webp", 96)
        with Image.open(tmp_path / "turned.jpg.webp") as turned, Image.open(tmp_path / "clear.png.webp") as clear:
            assert turned.height == 2 * turned.width
            assert clear.mode == "RGBA"
            assert clear.size == (96, 96)

    with_thumbnailer(scenario)


def test_bad_files_are_refused_and_good_ones_go_on(tmp_path: Path) -> None:
    async def scenario(thumbnailer: Thumbnailer) -> None:
        good = tmp_path / "good.png"
        Image.new("L", (200, 100)).save(good)
        (tmp_path / "text.png").write_text("<svg onload='alert(1)'/>")
        bad = [
            bomb(tmp_path / "huge.png", 60_000, 60_000),
            bomb(tmp_path / "short.png", 500, 500),
            tmp_path / "text.png",
            tmp_path / "none",
        ]
        for source in bad:
            assert not await thumbnailer.make(source, tmp_path / "bad.webp", 96), source.name
            assert await thumbnailer.make(good, tmp_path / "good.webp", 96)
        assert not (tmp_path / "bad.webp").exists()

    with_thumbnailer(scenario)


def test_one_that_dies_or_takes_too_long_is_replaced(tmp_path: Path) -> None:
    async def scenario(thumbnailer: Thumbnailer) -> None:
        good = tmp_path / "good.png"
        Image.new("L", (200, 100)).save(good)
        assert await thumbnailer.make(good, tmp_path / "1.webp", 96)
        process = thumbnailer._process
        assert process is not None
        os.kill(process.pid, signal.SIGSTOP)
        assert not await thumbnailer.make(good, tmp_path / "2.webp", 96)
        assert process.returncode == -signal.SIGKILL
        thumbnailer._timeout_s = 60
        assert await thumbnailer.make(good, tmp_path / "3.webp", 96)

    with_thumbnailer(scenario, timeout_s=5.0)


def test_it_ends_when_nobody_asks(tmp_path: Path) -> None:
    async def scenario(thumbnailer: Thumbnailer) -> None:
        Image.new("L", (200, 100)).save(tmp_path / "good.png")
        await thumbnailer.make(tmp_path / "good.png", tmp_path / "1.webp", 96)
        process = thumbnailer._process
        assert process is not None
        await process.wait()
        assert await thumbnailer.make(tmp_path / "good.png", tmp_path / "2.webp", 96)

    with_thumbnailer(scenario, idle_s=0.01)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16", "I", "F", "CMYK"])
def test_every_kind_of_pixels_has_a_small_picture(tmp_path: Path, mode: str) -> None:
    path = tmp_path / ("a.tif" if mode in ("CMYK", "F", "I") else "a.png")
    Image.new(mode, (300, 40)).save(path)
    assert thumbnail(path, 96, _MOST)[8:12] == b"WEBP"


def test_what_is_longer_than_its_box_keeps_enough_to_fill_it(tmp_path: Path) -> None:
    Image.new("L", (30_000, 30)).save(tmp_path / "a.png")
    with pytest.raises(NoPicture):
        thumbnail(tmp_path / "a.png", 96, 100)
    content = thumbnail(tmp_path / "a.png", 96, _MOST)
    (tmp_path / "b.webp").write_bytes(content)
    with Image.open(tmp_path / "b.webp") as small:
        assert small.width == 4 * 96
