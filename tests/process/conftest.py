"""Every test here must leave the test process as it found it: no descriptor, no child."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvloop
from harness import Bench, children, open_descriptors


@pytest.fixture(scope="session")
def _first_loop() -> None:
    """libuv keeps a pipe from its first loop to the end of the process."""
    uvloop.new_event_loop().close()


@pytest.fixture
def bench(tmp_path: Path, _first_loop: None) -> Iterator[Bench]:
    gc.collect()
    descriptors_before, children_before = open_descriptors(), children()
    yield Bench(tmp_path)
    gc.collect()
    # Servers that other tests share live on in this process, and may open and close files of theirs meanwhile.
    opened = open_descriptors().items() - descriptors_before.items()
    assert not [(number, place) for number, place in opened if not place.startswith("/") or place.startswith(str(tmp_path))]
    assert not children() - children_before
