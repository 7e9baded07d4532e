"""Hundreds of random schedules of submissions, withdrawals, dying workers, refusing disks and ending servers. A failure names its seed:
`_run(seed)` repeats it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import pytest
from simulated_world import PAGE, SLOW_PAGE, Shape, World

from gesso.domain.batch import Fit
from gesso.domain.errors import GessoError
from gesso.models.contract import Device
from gesso.ports import RunOrder
from gesso.testing import Play, make_model, simulate

MIB = 2**20
RUNS = 160
GROUPS = 16

STEADY = make_model("lab/steady", per_second="0.0007", memory_bytes=300 * MIB)
LARGE = make_model("lab/large", per_second="0.02", memory_bytes=900 * MIB)
FREE = make_model("lab/free", memory_bytes=100 * MIB)
BROKEN = make_model("lab/broken", memory_bytes=100 * MIB)
HUGE = make_model("lab/huge", memory_bytes=2**40)
CHORUS = make_model("lab/chorus", per_second="0.003", memory_bytes=200 * MIB)
MODELS = (STEADY, LARGE, FREE, BROKEN, HUGE, CHORUS)


class Luck:
    """How things go in one run. After `calm` nothing goes wrong that would keep a Task from its end."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.is_calm = False
        self._bad_runs = self.random.choice((0.0, 0.2, 0.5))
        self._bad_setups = self.random.choice((0.0, 0.3))
        self._slowest_commit_s = self.random.choice((0.0, 0.02, 0.5))
        self._slowest_read_s = self.random.choice((0.0, 0.02, 0.2))

    def play(self, order: object) -> Play:
        draw = self.random
        takes_s, outputs, is_heard = draw.choice((0.0, 0.01, 0.5, 8.0)), draw.randrange(3), draw.random() < 0.95
        end = "success"
        if draw.random() < self._bad_runs:
            ends = ("input", "memory", "engine", "timeout", "lost") + (() if self.is_calm else ("hang",))
            end = draw.choice(ends)
        return Play(end, takes_s, outputs, is_heard, draw.choice((0.0, 0.0, 1.0)))

    def setup(self, model: object) -> tuple[float, str]:
        error = "It is broken." if model is BROKEN or self.random.random() < self._bad_setups else ""
        return self.random.choice((0.0, 0.05, 3.0)), error

    def fit(self, order: RunOrder) -> Fit | None:
        """The same for a Task whenever it is asked."""
        draw = random.Random(order.task_id)
        return None if draw.random() < 0.15 else Fit(draw.choice("aab"), draw.randrange(1, 3), draw.choice((2, 5)))

    def fit_s(self) -> float:
        return self.random.choice((0.0, 0.0, 0.3))

    def commit_s(self) -> float:
        return self.random.uniform(0.0, self._slowest_commit_s)

    def read_s(self) -> float:
        return self.random.uniform(0.0, self._slowest_read_s)


def _run(seed: int) -> World:
    luck = Luck(seed)
    draw = luck.random
    shape = Shape(
        MODELS,
        devices=(Device("cpu", draw.choice((1024, 8192)) * MIB, 1),),
        cpu_workers=draw.choice((1, 2, 4)),
        play=luck.play,
        setup=luck.setup,
        fit={CHORUS.name: luck.fit},
        fit_s=luck.fit_s,
        commit_s=luck.commit_s,
        read_s=luck.read_s,
        idle_unload_s=draw.choice((0.5, 60.0)),
        live_max_count=draw.choice((0, 3, 10_000)),
    )
    return simulate(_live(luck, shape))


async def _live(luck: Luck, shape: Shape) -> World:
    world = World(shape)
    await world.start()
    await _Mischief(luck, world).go_on(luck.random.choice((5.0, 40.0)))
    luck.is_calm = True
    world.disk.trouble = world.disk.read_trouble = ""
    # Runs that began to hang before the calm end with their Worker.
    for executor in world.server.executors:
        executor.die()
    await world.rest()
    # Those of clients that went away are not in `accepted`, and are Tasks all the same.
    for task_id in list(world.disk.tasks):
        await world.server.lifecycle.wait(task_id)
    for task_id in range(1, world.server.store.next_id()):
        assert world.server.lifecycle.current(task_id) is None, f"task {task_id} stays in memory"
    assert world.server.scheduler.running_count() == 0
    assert world.server.scheduler.waiting_count() == 0
    await world.server.scheduler.stop(0.0)
    assert not world.server.executors, "a worker was left behind"
    world.verify()
    for batch in (batch for executor in world.hired for batch in executor.batches):
        fits = [luck.fit(order) for order in batch]
        assert len({fit and fit.key for fit in fits}) == 1, "tasks that do not fit shared a batch"
        assert fits[0] is not None
        assert sum(fit.size for fit in fits if fit) <= fits[0].most, "a batch was too large"
    return world


class _Mischief:
    """What clients, the machine and its operator may do at any moment."""

    def __init__(self, luck: Luck, world: World) -> None:
        self._draw = luck.random
        self._world = world

    async def go_on(self, seconds: float) -> None:
        draw = self._draw
        deeds = [(0.3, self._submit), (0.2, self._submit), (0.7, self._withdraw)]
        deeds += [each for each in ((draw.choice((1.0, 4.0)), self._murder), (5.0, self._refuse)) if draw.random() < 0.6]
        deeds += [(10.0, self._restart)] if draw.random() < 0.5 else []
        await asyncio.gather(*(self._repeat(pause_s, deed, seconds) for pause_s, deed in deeds))

    async def _repeat(self, pause_s: float, deed: Callable[[], Awaitable[None]], seconds: float) -> None:
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + seconds
        while True:
            await asyncio.sleep(self._draw.expovariate(1 / pause_s))
            if loop.time() >= ends_at:
                return
            await deed()

    async def _submit(self) -> None:
        draw = self._draw
        url, callback_url = draw.choice(("", "", "", PAGE, SLOW_PAGE)), draw.choice(("", "https://hooks.example/"))
        model = draw.choice((*MODELS, STEADY, STEADY, LARGE, CHORUS, CHORUS))
        is_awaited = draw.random() < 0.5
        await self._impatiently(self._world.submit(draw.randrange(1, 4), model, url, callback_url, is_awaited=is_awaited))

    async def _withdraw(self) -> None:
        draw, tasks = self._draw, self._world.server.tasks
        if self._world.accepted:
            task = self._world.accepted[draw.choice(list(self._world.accepted)[-8:])]
            await self._impatiently(tasks.kill(task) if draw.random() < 0.7 else tasks.cancel(task))

    async def _impatiently(self, request: Coroutine[Any, Any, object]) -> None:
        """Some clients go away; what they asked for may happen or not. The answer of a killed server never comes."""
        asking = asyncio.ensure_future(request)
        if self._draw.random() < 0.1:
            await asyncio.sleep(0)
            asking.cancel()
        await asyncio.wait([asking], timeout=20.0)
        if not asking.done():
            asking.cancel()
        elif not asking.cancelled() and asking.exception() is not None:
            assert isinstance(asking.exception(), GessoError), asking.exception()

    async def _murder(self) -> None:
        if self._world.server.executors:
            self._draw.choice(self._world.server.executors).die()

    async def _refuse(self) -> None:
        disk = self._world.disk
        disk.trouble, disk.read_trouble = "the disk is full", self._draw.choice(("", "the database is gone"))
        await asyncio.sleep(self._draw.choice((0.1, 3.0)))
        disk.trouble = disk.read_trouble = ""

    async def _restart(self) -> None:
        self._world.disk.trouble = self._world.disk.read_trouble = ""
        await self._world.restart(is_crash=self._draw.random() < 0.5, grace_s=self._draw.choice((0.0, 2.0)))


@pytest.mark.parametrize("group", range(GROUPS))
def test_every_accepted_task_ends_once_whatever_happens(group: int) -> None:
    for seed in range(group * RUNS // GROUPS, (group + 1) * RUNS // GROUPS):
        try:
            _run(seed)
        except Exception as error:
            raise AssertionError(f"seed {seed}: {error!r}") from error
