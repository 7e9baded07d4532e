"""Whether a Task would be accepted: known for nothing while all is well, and found out without one when it was not."""

from __future__ import annotations

import asyncio

import pytest

from gesso.domain.errors import Unavailable
from gesso.domain.limits import READY_WAIT_S
from gesso.services.acceptance import Acceptance
from gesso.testing import simulate


class Writer:
    """Writes to a disk that takes `takes_s` seconds to say whether there is `trouble`."""

    def __init__(self, refusal: str = "", trouble: str = "", takes_s: float = 0.0) -> None:
        self.refusal = refusal
        self.trouble = trouble
        self.takes_s = takes_s
        self.trials = 0

    async def try_room(self) -> None:
        self.trials += 1
        await asyncio.sleep(self.takes_s)
        self.refusal = self.trouble
        if self.trouble:
            raise Unavailable(self.trouble)


def test_a_server_that_stops_accepts_nothing() -> None:
    writer = Writer("the disk is full")
    assert "stopping" in simulate(Acceptance(lambda: False, writer).refusal())
    assert writer.trials == 0


def test_a_disk_that_takes_writes_is_not_asked() -> None:
    writer = Writer()
    assert simulate(Acceptance(lambda: True, writer).refusal()) == ""
    assert writer.trials == 0


@pytest.mark.parametrize("trouble", ["", "the disk is full"])
def test_after_a_refusal_each_question_is_a_trial(trouble: str) -> None:
    writer = Writer("the database is locked by another process", trouble)
    assert simulate(Acceptance(lambda: True, writer).refusal()) == trouble
    assert writer.trials == 1


def test_a_slow_disk_is_tried_once_for_all_who_ask_and_nobody_waits_for_it_long() -> None:
    async def scenario() -> None:
        writer = Writer("the database is locked by another process", takes_s=3 * READY_WAIT_S)
        acceptance = Acceptance(lambda: True, writer)
        begun = asyncio.get_running_loop().time()
        for _ in range(2):
            assert set(await asyncio.gather(*(acceptance.refusal() for _ in range(5)))) == {"the database is locked by another process"}
        assert asyncio.get_running_loop().time() - begun == pytest.approx(2 * READY_WAIT_S)
        await asyncio.sleep(2 * READY_WAIT_S)
        assert await acceptance.refusal() == ""
        assert writer.trials == 1

    simulate(scenario())
