"""Lines out of a stream of bytes, however it is cut; and messages, there and back."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gesso.execution import protocol
from gesso.execution.channel import Frames

TEXTS = st.text(st.characters(exclude_categories=("Cs",)))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | TEXTS, lambda inner: st.dictionaries(TEXTS, inner, max_size=3)
)
FILES = st.dictionaries(TEXTS, st.lists(st.lists(TEXTS, min_size=3, max_size=3), max_size=2), max_size=2)
FROM_SERVER = st.one_of(
    st.builds(protocol.Setup, TEXTS, TEXTS, st.integers(0, 2**63), st.integers(1, 512), TEXTS, st.dictionaries(TEXTS, JSON, max_size=3)),
    st.builds(protocol.Run, TEXTS, st.dictionaries(TEXTS, JSON, max_size=3), FILES, st.lists(TEXTS, max_size=3), TEXTS, TEXTS),
    st.builds(protocol.Batch, st.integers(1, 16)),
    st.just(protocol.AskFit()),
    st.builds(protocol.Kill, TEXTS),
    st.just(protocol.Shutdown()),
)
FROM_WORKER = st.one_of(
    st.builds(protocol.Ready, st.booleans()),
    st.builds(protocol.FitTold, TEXTS, TEXTS, st.integers(0, 64), st.integers(0, 64)),
    st.builds(protocol.Logged, TEXTS, TEXTS),
    st.builds(protocol.SetupBroke, TEXTS),
    st.builds(protocol.Progressed, TEXTS, st.integers(0, 10**6), st.integers(1, 10**6)),
    st.builds(protocol.Previewed, TEXTS, TEXTS),
    st.builds(protocol.OutputMade, TEXTS, TEXTS, st.integers(0, 2**40), TEXTS),
    st.builds(protocol.Accounted, TEXTS, st.dictionaries(TEXTS, TEXTS, max_size=3), st.dictionaries(TEXTS, JSON, max_size=3)),
    st.builds(protocol.RunEnded, TEXTS),
    st.builds(protocol.RunBroke, TEXTS, TEXTS, TEXTS),
    st.builds(protocol.RunStopped, TEXTS),
)


@given(FROM_SERVER)
def test_what_the_server_says_is_understood(message: protocol.ServerMessage) -> None:
    line = protocol.encode(message)
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert protocol.decode_from_server(line) == message


@given(FROM_WORKER)
def test_what_the_worker_says_is_understood(message: protocol.WorkerMessage) -> None:
    assert protocol.decode_from_worker(protocol.encode(message)) == message


@given(FROM_SERVER)
def test_the_directions_are_not_mixed(message: protocol.ServerMessage) -> None:
    with pytest.raises(protocol.ProtocolError):
        protocol.decode_from_worker(protocol.encode(message))


@given(st.binary(max_size=200))
def test_garbage_is_an_error_and_nothing_else(line: bytes) -> None:
    with pytest.raises(protocol.ProtocolError):
        protocol.decode_from_worker(line)


@pytest.mark.parametrize(
    "message",
    [
        protocol.Kill("\ud800"),
        protocol.Run("1", {"number": 2**64}, {}, [], "", ""),
        protocol.Run("1", {"thing": object()}, {}, [], "", ""),
    ],
)
def test_what_json_cannot_say_is_a_type_error(message: Any) -> None:
    with pytest.raises(TypeError):
        protocol.encode(message)


@given(st.lists(st.binary(max_size=30).map(lambda line: line.replace(b"\n", b""))), st.lists(st.integers(1, 20), min_size=1))
def test_lines_come_out_as_they_went_in(lines: list[bytes], cuts: list[int]) -> None:
    frames = Frames(max_bytes=30)
    stream = b"".join(line + b"\n" for line in lines)
    got: list[bytes] = []
    position = turn = 0
    while position < len(stream):
        size = cuts[turn % len(cuts)]
        got += frames.feed(stream[position : position + size])
        position, turn = position + size, turn + 1
    assert got == lines


@pytest.mark.parametrize("stream", [b"x" * 31, b"short\n" + b"x" * 31, b"x" * 31 + b"\n", b"x" * 100 + b"\nshort\n"])
def test_a_line_over_the_bound_is_an_error(stream: bytes) -> None:
    with pytest.raises(protocol.ProtocolError):
        Frames(max_bytes=30).feed(stream)
