"""Lines, bars and records of what an Engine prints."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gesso.execution.logs import Lines, Record, readable
from gesso.execution.rate import Allowance


def fed(chunks: list[bytes], max_bytes: int = 100) -> tuple[bytes, list[bytes]]:
    lines = Lines(max_bytes)
    pieces = [lines.feed(chunk) for chunk in chunks]
    return b"".join(piece.lines for piece in pieces) + lines.finish(), [piece.bar for piece in pieces if piece.bar]


@pytest.mark.parametrize(
    ("chunks", "kept", "bars"),
    [
        ([b"a\nb\n"], b"a\nb\n", []),
        ([b"a", b"b\n", b"c"], b"ab\nc", []),
        ([b"a\r\nb\r\n"], b"a\nb\n", []),
        ([b"a\r", b"\nb"], b"a\nb", [b"a"]),
        ([b"\r 1%", b"\r 2%", b"\r 3%", b"\n"], b" 3%\n", [b" 1%", b" 2%"]),
        ([b"\r 1%\r 2%\r 3%\n"], b" 3%\n", []),
        ([b" 1%\r", b" 2%\r", b"\n"], b" 2%\n", [b" 1%", b" 2%"]),
        ([b" 1%\r", b" 2", b"%\r", b" 2%\r", b"\n"], b" 2%\n", [b" 1%", b" 2%"]),
        ([b"\r\r\r", b"a"], b"a", []),
        ([b"\n\n\n"], b"\n\n\n", []),
        ([b"\r"], b"", []),
    ],
)
def test_a_carriage_return_begins_the_line_anew(chunks: list[bytes], kept: bytes, bars: list[bytes]) -> None:
    assert fed(chunks) == (kept, bars)


@given(st.lists(st.text(st.sampled_from("aü€😀\n"), max_size=40)))
def test_only_line_ends_are_added_and_no_character_is_torn(texts: list[str]) -> None:
    raw = "".join(texts).encode()
    kept, _ = fed([raw[start : start + 7] for start in range(0, len(raw), 7)], max_bytes=10)
    assert kept.decode().replace("\n", "") == "".join(texts).replace("\n", "")
    assert all(len(line) <= 10 for line in kept.split(b"\n"))


@given(st.lists(st.binary(max_size=30).map(lambda line: line.replace(b"\n", b"") + b"\n")))
def test_a_record_keeps_head_and_tail_in_whole_lines(lines: list[bytes]) -> None:
    record = Record(max_bytes=200)
    for line in lines:
        record.add(line)
    text = record.text()
    everything = b"".join(lines)
    if len(everything) <= 100:
        assert text == readable(everything)
    if "bytes were left out here" not in text:
        assert text == readable(everything)
        return
    head, _, rest = text.partition("[… ")
    count, _, tail = rest.partition(" bytes were left out here …]\n")
    ends = [readable(b"".join(lines[:index])) for index in range(len(lines) + 1)]
    assert head in ends
    assert readable(everything).endswith(tail)
    kept_bytes = len(b"".join(lines[: ends.index(head)]))
    assert kept_bytes <= 100
    assert int(count) <= len(everything) - kept_bytes
    assert int(count) > 0


def test_a_record_says_how_much_is_missing() -> None:
    record = Record(max_bytes=40)
    record.add(b"".join(b"line %d\n" % number for number in range(1000)))
    assert record.text() == "line 0\nline 1\n[… 8858 bytes were left out here …]\nline 998\nline 999\n"


def test_nul_and_broken_utf8_are_replaced() -> None:
    assert readable(b"a\x00b\xffc") == "a\ufffdb\ufffdc"


def test_an_allowance_lets_a_burst_through_and_then_a_rate() -> None:
    allowance = Allowance(10)
    assert [allowance.take(100.0) for _ in range(11)] == [True] * 10 + [False]
    assert [allowance.take(100.15) for _ in range(2)] == [True, False]
    assert sum(allowance.take(200.0) for _ in range(100)) == 10
