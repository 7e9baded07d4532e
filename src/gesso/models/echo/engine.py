"""The Engine of gesso/echo. Imports nothing heavy, so that its Worker starts at once."""

from __future__ import annotations

import hashlib
import os
import re
import signal
import struct
import sys
import time
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from gesso.models.contract import Device, Emit, InputError, InputFile, Output

_SIDE_PIXELS = 64
_CELLS = 8
_CELL_PIXELS = _SIDE_PIXELS // _CELLS
_LISTEN_INTERVAL_S = 0.02
_EXTENSION = re.compile(r"[a-z0-9]{1,16}", re.ASCII)


def _band(half: int) -> bytes:
    """Rows of one cell's height: cells of paper and ink, one byte each, where the bits of `half` say so, and mirrored."""
    cells = [0xFF if half >> bit & 1 else 0x00 for bit in range(_CELLS // 2)]
    return (b"\0" + bytes(cells + cells[::-1])) * _CELL_PIXELS


_BANDS = [_band(half) for half in range(2 ** (_CELLS // 2))]


class EchoEngine:
    def setup(self, device: Device, weights: Path) -> None:
        pass

    def run(self, inputs: Mapping[str, Any], emit: Emit) -> Iterator[Output]:
        if inputs["text"]:
            print(inputs["text"])  # noqa: T201
        _take_steps(inputs["steps"], inputs["delay"], emit)
        _go_wrong(inputs["fail"])
        for index in range(inputs["outputs"]):
            yield Output(picture(inputs["text"], inputs["seed"], index))
        files: list[InputFile] = [inputs["inputFile"]] if inputs["inputFile"] else []
        for file in [*files, *inputs["inputFiles"]]:
            yield Output(file.path.read_bytes(), _extension(file))


def picture(text: str, seed: int, index: int) -> bytes:
    """A PNG of 64x64 pixels in two colours, mirrored left to right: the same for the same arguments, and hardly ever for others.

    Source: Portable Network Graphics, third edition: colour type 3, bit depth 1, filter 0.
    """
    digest = hashlib.sha256(f"{index}\0{seed}\0{text}".encode("utf-8", "replace")).digest()
    paper, ink = digest[:3], bytes(byte // 2 for byte in digest[3:6])
    rows = b"".join([_BANDS[half % len(_BANDS)] for half in digest[8 : 8 + _CELLS]])
    # The smallest window and state: the defaults would spend their time on clearing memory.
    squeeze = zlib.compressobj(1, zlib.DEFLATED, 9, 1)
    pixels = squeeze.compress(rows) + squeeze.flush()
    header = struct.pack(">IIBBBBB", _SIDE_PIXELS, _SIDE_PIXELS, 1, 3, 0, 0, 0)
    palette = bytes(255 - byte // 3 for byte in paper) + ink
    chunks = (_chunk(b"IHDR", header), _chunk(b"PLTE", palette), _chunk(b"IDAT", pixels), _chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def _take_steps(steps: int, delay_s: float, emit: Emit) -> None:
    start = time.monotonic()
    for step in range(1, steps + 1):
        if delay_s:
            _wait_until(start + delay_s * step / steps, emit)
        emit.progress(step, steps)


def _wait_until(end: float, emit: Emit) -> None:
    while (left := end - time.monotonic()) > 0:
        emit.check()
        time.sleep(min(left, _LISTEN_INTERVAL_S))


def _go_wrong(how: str) -> None:
    match how:
        case "error":
            raise RuntimeError("the run was asked to fail")
        case "input":
            raise InputError("The input was asked to be refused.")
        case "exit":
            os._exit(3)
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "hang":
            while True:
                time.sleep(3600)
        case "memory":
            raise MemoryError("the run was asked to run out of memory")
        case "stderr":
            print("The run was asked to write to stderr.", file=sys.stderr)  # noqa: T201


def _extension(file: InputFile) -> str:
    extension = Path(file.name).suffix[1:].lower()
    return extension if _EXTENSION.fullmatch(extension) else "bin"
