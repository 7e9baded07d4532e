"""Outputs between Worker and server: what is written where, what is flushed, what goes with the message."""

from __future__ import annotations

import base64
import hashlib
import os
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gesso.domain.file import output_key
from gesso.domain.limits import CARRIED_MAX_BYTES
from gesso.domain.run import MadeOutput, RunOrder
from gesso.execution.channel import WorkerChannel
from gesso.execution.protocol import OutputMade, ProtocolError, Ready, Run, decode_from_worker
from gesso.execution.run import verified
from gesso.execution.voice import OutputFolder
from gesso.models.contract import Output

STEM = "stem"


class Desk:
    """A Worker's end of a run, and the server's view of what it says."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ours, self._theirs = socket.socketpair()
        self._channel = WorkerChannel(self._ours)
        self.outputs = OutputFolder(self._channel, Run("1.1.1", {}, {}, [], str(folder), STEM))
        self.order = RunOrder(1, 1, {}, {}, folder, STEM)

    def told(self) -> list[OutputMade]:
        self._channel.send(Ready())
        lines = self._theirs.recv(2**20).splitlines()
        return [message for line in lines if isinstance(message := decode_from_worker(line), OutputMade)]

    def close(self) -> None:
        self._ours.close()
        self._theirs.close()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.close()


@pytest.fixture
def flushed(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The names of what is flushed, in order."""
    names: list[str] = []
    fsync = os.fsync

    def noted(descriptor: int) -> None:
        names.append(Path(f"/proc/self/fd/{descriptor}").readlink().name)
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", noted)
    return names


@pytest.mark.parametrize("size_bytes", [0, 1, CARRIED_MAX_BYTES])
def test_a_small_output_goes_with_the_message_and_is_not_flushed(desk: Desk, flushed: list[str], size_bytes: int) -> None:
    data = os.urandom(size_bytes)
    desk.outputs.add(Output(data, "bin"))
    desk.outputs.flush()
    assert flushed == []
    [message] = desk.told()
    made = verified(message, desk.order, 0)
    assert made == MadeOutput(output_key(STEM, 0), "bin", size_bytes, hashlib.sha256(data).hexdigest(), data)
    assert (desk.folder / made.access_key).read_bytes() == data


def test_a_large_output_is_flushed_and_stays_where_it_is(desk: Desk, flushed: list[str]) -> None:
    data = os.urandom(CARRIED_MAX_BYTES + 1)
    for content in (b"small", data, b"small"):
        desk.outputs.add(Output(content, "bin"))
    desk.outputs.flush()
    assert flushed == [output_key(STEM, 1), desk.folder.name]
    made = [verified(message, desk.order, index) for index, message in enumerate(desk.told())]
    assert [each.carried for each in made] == [b"small", b"", b"small"]
    assert (desk.folder / made[1].access_key).read_bytes() == data


@pytest.mark.parametrize("carried", ["", "bm90IGl0", "!!!!", base64.b64encode(b"longer than it").decode()])
def test_a_worker_that_tells_other_bytes_than_it_counts_breaks_the_protocol(desk: Desk, carried: str) -> None:
    desk.outputs.add(Output(b"small", "txt"))
    [message] = desk.told()
    with pytest.raises(ProtocolError):
        verified(replace(message, carried=carried), desk.order, 0)
