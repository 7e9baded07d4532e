"""Workers are started within their room, reused, unloaded when idle, replaced when they die; in simulated time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from gesso.domain.limits import START_BACKOFF_S
from gesso.domain.model import Model
from gesso.models.contract import Device
from gesso.ports import Executor
from gesso.scheduling.fleet import Fleet
from gesso.testing import LoopClock, ScriptedExecutor, make_model, simulate

MIB = 2**20
SMALL = make_model("lab/small", memory_bytes=400 * MIB)
OTHER = make_model("lab/other", memory_bytes=400 * MIB)
LARGE = make_model("lab/large", memory_bytes=900 * MIB)
HUGE = make_model("lab/huge", memory_bytes=2**40)


async def settled(seconds: float) -> None:
    """That much time passes, and a moment for what happens at its end."""
    await asyncio.sleep(seconds + 0.001)


class Ship:
    """A Fleet with scripted Workers, and what it told."""

    def __init__(self, cpu_workers: int = 4, memory_mib: int = 1024, idle_unload_s: float = 100.0) -> None:
        self.hired: list[ScriptedExecutor] = []
        self.hopeless: list[tuple[str, str]] = []
        self.changes = 0
        self.setup_error = ""
        self.setup_s = 1.0
        devices = [Device("cpu", memory_mib * MIB, 1)]
        models = (SMALL, OTHER, LARGE, HUGE)
        self.fleet = Fleet(models, devices, cpu_workers, lambda model: model.needs.memory_bytes, self._hire, LoopClock(), idle_unload_s)
        self.fleet.on_change = self._changed
        self.fleet.on_hopeless = lambda model, text: self.hopeless.append((model.name, text))

    def _hire(self, model: Model, name: str, device: Device) -> Executor:
        executor = ScriptedExecutor(name, model, setup_s=self.setup_s, setup_error=self.setup_error)
        self.hired.append(executor)
        return executor

    def _changed(self) -> None:
        self.changes += 1

    def start(self, model: Model, is_wanted: Callable[[str], bool] = lambda name: False) -> bool:
        return self.fleet.try_start(model.name, is_wanted)

    async def ready(self, model: Model) -> Executor:
        assert self.start(model)
        await settled(self.setup_s)
        executor = self.fleet.claim(model.name)
        assert executor is not None
        return executor


def test_a_worker_is_started_claimed_and_given_back() -> None:
    async def scenario() -> None:
        ship = Ship()
        executor = await ship.ready(SMALL)
        assert ship.fleet.claim("lab/small") is None
        ship.fleet.release(executor)
        assert ship.fleet.claim("lab/small") is executor
        await ship.fleet.stop()
        assert not executor.is_alive

    simulate(scenario())


def test_no_more_workers_than_memory_and_number_allow() -> None:
    async def scenario() -> None:
        assert [Ship().start(LARGE), Ship(memory_mib=1).start(SMALL)] == [True, False]
        ship = Ship()
        assert [ship.start(SMALL), ship.start(SMALL), ship.start(SMALL)] == [True, True, False]
        few = Ship(cpu_workers=1, memory_mib=8192)
        assert [few.start(SMALL), few.start(OTHER)] == [True, False]

    simulate(scenario())


def test_a_model_that_can_never_fit_is_hopeless_at_once() -> None:
    async def scenario() -> None:
        ship = Ship()
        assert not ship.start(HUGE)
        assert ship.hopeless == [("lab/huge", "it needs 1024.0 GiB, and this machine gives a model 1.0 GiB")]

    simulate(scenario())


def test_an_idle_worker_is_unloaded_after_its_time_though_another_of_its_model_is_busy() -> None:
    async def scenario() -> None:
        ship = Ship()
        busy, idle = await ship.ready(SMALL), await ship.ready(SMALL)
        ship.fleet.release(idle)
        for _ in range(30):
            ship.fleet.release(busy)
            assert ship.fleet.claim("lab/small") is busy
            await asyncio.sleep(10.0)
        assert not idle.is_alive
        assert busy.is_alive

    simulate(scenario())


def test_a_worker_that_is_used_is_not_unloaded_by_an_old_timer() -> None:
    async def scenario() -> None:
        ship = Ship()
        executor = await ship.ready(SMALL)
        ship.fleet.release(executor)
        await asyncio.sleep(99.0)
        assert ship.fleet.claim("lab/small") is executor
        await asyncio.sleep(50.0)
        ship.fleet.release(executor)
        await asyncio.sleep(99.0)
        assert executor.is_alive
        await asyncio.sleep(2.0)
        assert not executor.is_alive

    simulate(scenario())


def test_a_worker_that_died_while_idle_gives_up_its_place() -> None:
    async def scenario() -> None:
        ship = Ship(cpu_workers=1)
        for _ in range(3):
            executor = await ship.ready(SMALL)
            ship.fleet.release(executor)
            ship.hired[-1].die()
            assert ship.fleet.claim("lab/small") is None
            await asyncio.sleep(0.1)
        assert len(ship.hired) == 3

    simulate(scenario())


def test_a_worker_that_died_at_work_is_replaced() -> None:
    async def scenario() -> None:
        ship = Ship(cpu_workers=1)
        executor = await ship.ready(SMALL)
        ship.hired[0].die()
        ship.fleet.release(executor)
        await asyncio.sleep(0.1)
        assert ship.start(SMALL)

    simulate(scenario())


def test_room_is_made_by_the_idle_model_that_nobody_wants() -> None:
    async def scenario() -> None:
        ship = Ship()
        first, second = await ship.ready(SMALL), await ship.ready(OTHER)
        ship.fleet.release(first)
        await settled(1.0)
        ship.fleet.release(second)
        assert not ship.start(LARGE, is_wanted=lambda name: name == "lab/small")
        await asyncio.sleep(0.1)
        assert (first.is_alive, second.is_alive) == (True, False)
        assert not ship.start(LARGE)
        await asyncio.sleep(0.1)
        assert not first.is_alive
        assert ship.start(LARGE)

    simulate(scenario())


def test_failed_starts_in_a_row_wait_longer_and_then_are_hopeless() -> None:
    async def scenario() -> None:
        ship = Ship()
        ship.setup_error = "No weights."
        assert ship.start(SMALL)
        await settled(1.0)
        assert not ship.start(SMALL)
        changes = ship.changes
        await settled(START_BACKOFF_S[0])
        assert ship.changes == changes + 1, "the fleet tells when to ask again"
        assert ship.start(SMALL)
        await settled(1.0 + START_BACKOFF_S[1])
        assert not ship.hopeless
        assert ship.start(SMALL)
        await settled(1.0)
        assert ship.hopeless == [("lab/small", "No weights.")]

    simulate(scenario())


def test_starts_side_by_side_that_fail_count_once() -> None:
    async def scenario() -> None:
        ship = Ship(memory_mib=8192)
        ship.setup_error = "Too much at once."
        assert all(ship.start(SMALL) for _ in range(4))
        await settled(1.0 + START_BACKOFF_S[0])
        assert not ship.hopeless
        ship.setup_error = ""
        await ship.ready(SMALL)

    simulate(scenario())


def test_a_model_that_serves_is_not_given_up_when_another_worker_cannot_be_started() -> None:
    async def scenario() -> None:
        ship = Ship()
        executor = await ship.ready(SMALL)
        ship.setup_error = "Too much at once."
        for wait_s in START_BACKOFF_S:
            assert ship.start(SMALL)
            await settled(1.0 + wait_s)
        assert not ship.hopeless
        assert executor.is_alive

    simulate(scenario())


def test_waiting_for_the_next_start_takes_one_timer_however_often_it_is_asked_for() -> None:
    async def scenario() -> None:
        ship = Ship()
        ship.setup_error = "No weights."
        ship.start(SMALL)
        await settled(1.0)
        changes = ship.changes
        assert not any(ship.start(SMALL) for _ in range(100))
        await settled(START_BACKOFF_S[0])
        assert ship.changes == changes + 1

    simulate(scenario())


def test_a_start_that_the_stop_cuts_short_is_no_failure_of_the_model() -> None:
    async def scenario() -> None:
        ship = Ship()
        ship.setup_error = "No weights."
        for wait_s in START_BACKOFF_S[:2]:
            ship.start(SMALL)
            await settled(1.0 + wait_s)
        ship.setup_error, ship.setup_s = "", 60.0
        assert ship.start(SMALL)
        await settled(1.0)
        await ship.fleet.stop()
        assert not ship.hopeless
        assert not any(executor.is_alive for executor in ship.hired)

    simulate(scenario())


def test_what_a_model_takes_is_looked_up_on_disk_now_and_then_only(tmp_path: Path) -> None:
    async def scenario() -> None:
        looked: list[str] = []

        def demand(model: Model) -> int:
            looked.append(model.name)
            return model.needs.memory_bytes

        def hire(model: Model, name: str, device: Device) -> Executor:
            return ScriptedExecutor(name, model)

        fleet = Fleet((LARGE,), [Device("cpu", 1024 * MIB, 1)], 4, demand, hire, LoopClock())
        assert fleet.try_start("lab/large", lambda name: False)
        for _ in range(100):
            assert not fleet.try_start("lab/large", lambda name: False)
        assert len(looked) == 1

    simulate(scenario())
