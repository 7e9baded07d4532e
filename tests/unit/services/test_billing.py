"""Who may start a Task: balances, places, budgets, and what is remembered of them."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gesso.domain.errors import BalanceTooLow, BudgetSpent, GessoError, ParameterNotAllowed, TooManyActiveTasks, Unavailable
from gesso.domain.event import Cancelled, Failed, Queued, Recorded, Succeeded
from gesso.domain.file import File
from gesso.domain.ledger import Account, BillingMode, EntryKind, active_limit, checked_amount, plain, read_amount
from gesso.domain.limits import CREDENTIAL_CACHE_S, STATISTICS_CACHE_S
from gesso.domain.price import FREE, TIER_PIXELS, Price, PriceMethod, PriceRule
from gesso.domain.task import TaskState
from gesso.services.billing import Billing
from gesso.services.costs import Costs
from gesso.testing import Disk, FakeClock, MemoryBilling, MemoryBlobs, make_file, make_model, make_project, make_task

MODEL = make_model(per_second="0.5")
TRAINER = make_model("lab/trainer", categories=("train",))
PROJECT = make_project(1)


class Desk:
    def __init__(self, mode: BillingMode = BillingMode.PREPAID, balance: str = "0") -> None:
        self.disk, self.clock = Disk(), FakeClock()
        self.store = MemoryBilling(self.disk, self.clock)
        self.billing = Billing(self.store, self.clock, mode)
        self.number = 0
        if Decimal(balance):
            self.disk.enter(1, EntryKind.CREDIT, Decimal(balance), self.clock.now())

    async def submit(self, model: Any = MODEL) -> int:
        self.number += 1
        async with self.billing.admit(PROJECT, model, self.number):
            pass
        return self.number

    def end(self, task_id: int, event: Any, cost: str = "0") -> None:
        """What the Lifecycle tells after the commit of an end."""
        state = {Failed: TaskState.FAILED, Cancelled: TaskState.CANCELLED}.get(type(event), TaskState.SUCCEEDED)
        task = make_task(state, id=task_id)
        task.__dict__.update(cost=Decimal(cost))
        self.disk.tasks[task_id] = task
        self.disk.events[task_id] = [Recorded(9, self.clock.now(), event)]
        if self.billing.mode is BillingMode.PREPAID and Decimal(cost):
            self.disk.enter(1, EntryKind.CHARGE, -Decimal(cost), self.clock.now(), task_id=task_id, cost=Decimal(cost))
        self.billing.observe(task, self.disk.events[task_id])


def go(main: Coroutine[Any, Any, None]) -> None:
    asyncio.run(main)


@pytest.mark.parametrize(("balance", "model", "may"), [("0.49", MODEL, 0), ("0.50", MODEL, 1), ("9.99", TRAINER, 0), ("10", TRAINER, 1)])
def test_a_run_needs_half_a_unit_and_a_training_ten(balance: str, model: Any, may: int) -> None:
    async def main() -> None:
        desk = Desk(balance=balance)
        if may:
            await desk.submit(model)
        else:
            with pytest.raises(BalanceTooLow):
                await desk.submit(model)

    go(main())


def test_nothing_is_refused_where_nothing_is_metered() -> None:
    async def main() -> None:
        desk = Desk(BillingMode.UNMETERED)
        for _ in range(100):
            await desk.submit(TRAINER)

    go(main())


@pytest.mark.parametrize(
    ("balance", "limit"), [("-3", 1), ("0.5", 1), ("19.99", 1), ("20", 2), ("105", 10), ("250", 25), ("250.01", None), ("1000", None)]
)
def test_a_tenth_of_the_balance_may_be_under_way(balance: str, limit: int | None) -> None:
    assert active_limit(Decimal(balance)) == limit


def test_a_place_is_taken_from_the_submission_to_the_end() -> None:
    async def main() -> None:
        desk = Desk(balance="20")
        first, second = await desk.submit(), await desk.submit()
        with pytest.raises(TooManyActiveTasks, match=r"20\.00, 2 tasks"):
            await desk.submit()
        desk.end(first, Failed("It failed."))
        third = await desk.submit()
        desk.end(second, Cancelled())
        desk.end(third, Succeeded())
        await desk.submit()
        await desk.submit()
        with pytest.raises(TooManyActiveTasks):
            await desk.submit()

    go(main())


def test_two_submissions_cannot_both_take_the_last_place() -> None:
    async def main() -> None:
        desk = Desk(balance="5")
        taken = await asyncio.gather(*(desk.submit() for _ in range(5)), return_exceptions=True)
        assert sorted(isinstance(each, TooManyActiveTasks) for each in taken) == [False, True, True, True, True]

    go(main())


def test_a_refused_submission_gives_its_place_back() -> None:
    async def main() -> None:
        desk = Desk(balance="1")
        with pytest.raises(Unavailable):
            async with desk.billing.admit(PROJECT, MODEL, 1):
                raise Unavailable("the disk is full")
        await desk.submit()

    go(main())


def test_a_cancelled_submission_keeps_its_place_until_its_task_ends() -> None:
    async def main() -> None:
        desk = Desk(balance="1")
        with pytest.raises(asyncio.CancelledError):
            async with desk.billing.admit(PROJECT, MODEL, 7):
                raise asyncio.CancelledError
        with pytest.raises(TooManyActiveTasks):
            await desk.submit()
        desk.end(7, Failed("It failed."))
        await desk.submit()

    go(main())


def test_tasks_of_an_earlier_server_count() -> None:
    async def main() -> None:
        desk = Desk(balance="1")
        desk.disk.tasks[5] = make_task(TaskState.RUNNING, id=5)
        await desk.billing.start()
        with pytest.raises(TooManyActiveTasks):
            await desk.submit()
        desk.end(5, Succeeded())
        await desk.submit()

    go(main())


def test_a_charge_counts_at_once_and_what_another_process_enters_after_a_moment() -> None:
    async def main() -> None:
        desk = Desk(balance="0.60")
        desk.end(await desk.submit(), Succeeded(), cost="0.20")
        with pytest.raises(BalanceTooLow):
            await desk.submit()
        desk.disk.enter(1, EntryKind.CREDIT, Decimal(1), desk.clock.now())
        with pytest.raises(BalanceTooLow):
            await desk.submit()
        desk.clock.advance(CREDENTIAL_CACHE_S)
        await desk.submit()

    go(main())


def test_what_this_process_enters_counts_at_once() -> None:
    async def main() -> None:
        desk = Desk()
        with pytest.raises(BalanceTooLow):
            await desk.submit()
        entry = await desk.billing.credit(1, Decimal(5), " Welcome ")
        assert (entry.kind, entry.balance, entry.note) == (EntryKind.CREDIT, 5, "Welcome")
        await desk.submit()
        taken = await desk.billing.credit(1, Decimal("-4.9"))
        assert (taken.kind, taken.balance) == (EntryKind.ADJUSTMENT, Decimal("0.1"))
        with pytest.raises(BalanceTooLow):
            await desk.submit()

    go(main())


@pytest.mark.parametrize("mode", BillingMode)
def test_a_budget_ends_a_month_in_both_modes(mode: BillingMode) -> None:
    async def main() -> None:
        desk = Desk(mode, balance="300")
        await desk.billing.set_budget(1, Decimal(2))
        first, second = await desk.submit(), await desk.submit()
        desk.end(first, Succeeded(), cost="1.99")
        third = await desk.submit()
        desk.end(second, Succeeded(), cost="0.5")
        with pytest.raises(BudgetSpent, match=r"spent 2\.49 of its budget of 2\.00"):
            await desk.submit()
        desk.end(third, Failed("It failed."))
        await desk.billing.set_budget(1, Decimal(3))
        await desk.submit()
        await desk.billing.set_budget(1, Decimal(0))
        with pytest.raises(BudgetSpent):
            await desk.submit()
        desk.clock.advance(31 * 86_400)
        await desk.billing.set_budget(1, Decimal(2))
        await desk.submit()
        await desk.billing.set_budget(1, None)
        await desk.submit()

    go(main())


def test_an_account_that_changes_while_it_is_read_is_read_again() -> None:
    async def main() -> None:
        desk = Desk(balance="1")
        gate = asyncio.Event()
        read = desk.store.account

        class Slow(MemoryBilling):
            async def account(self, project_id: int) -> Account:
                account = await read(project_id)
                await gate.wait()
                return account

        desk.billing = Billing(Slow(desk.disk, desk.clock), desk.clock, BillingMode.PREPAID)
        first = asyncio.ensure_future(desk.submit())
        await asyncio.sleep(0)
        desk.end(99, Succeeded(), cost="0.9")
        gate.set()
        await first
        with pytest.raises(BalanceTooLow):
            await desk.submit()

    go(main())


def test_statistics_are_remembered_for_a_moment_and_counts_are_not() -> None:
    async def main() -> None:
        desk = Desk()
        task = make_task(TaskState.QUEUED)
        desk.disk.tasks[1], desk.disk.events[1] = task, [Recorded(1, desk.clock.now(), Queued())]
        assert (await desk.billing.model_statistics())["lab/thing"].submitted == 1
        desk.disk.events[1].append(Recorded(2, desk.clock.now(), Failed("It failed.")))
        assert (await desk.billing.model_statistics())["lab/thing"].failed == 0
        assert (await desk.billing.task_counts(1)).failed == 1
        assert (await desk.billing.task_counts(1, "lab/thing")).active == 0
        assert (await desk.billing.task_counts(1, "lab/other")).submitted == 0
        assert (await desk.billing.task_counts(2)).submitted == 0
        desk.clock.advance(STATISTICS_CACHE_S)
        assert (await desk.billing.model_statistics())["lab/thing"].failed == 1

    go(main())


@given(st.text(max_size=20))
def test_an_amount_is_read_or_refused(text: str) -> None:
    try:
        amount = read_amount(text)
    except ParameterNotAllowed:
        return
    assert amount
    assert checked_amount(amount) == amount
    assert Decimal(plain(amount)) == amount


@pytest.mark.parametrize("wrong", ["", "0", "NaN", "inf", "1e9", "1e-13", "ten", "1,5", "0x1"])
def test_what_is_no_amount_is_refused(wrong: str) -> None:
    with pytest.raises(ParameterNotAllowed):
        read_amount(wrong)


@pytest.mark.parametrize(("amount", "note"), [("0", ""), ("1000001", ""), ("1", "x" * 501), ("1", "a\nb")])
def test_credits_that_cannot_be_written_down_are_refused(amount: str, note: str) -> None:
    async def main() -> None:
        desk = Desk()
        with pytest.raises(ParameterNotAllowed):
            await desk.billing.credit(1, Decimal(amount), note)
        with pytest.raises(GessoError):
            await desk.billing.set_budget(1, Decimal(-1))
        assert not desk.disk.entries

    go(main())


class FolderOfPictures(MemoryBlobs):
    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder

    def path(self, access_key: str) -> Path:
        return self.folder / access_key


def gif(folder: Path, pixels: int) -> File:
    file = make_file(name="a.gif")
    (folder / file.access_key).write_bytes(b"GIF89a" + (pixels // 1024).to_bytes(2, "little") + (1024).to_bytes(2, "little"))
    return file


def test_a_price_by_pixels_reads_the_pictures_and_forgives_what_it_cannot_read(tmp_path: Path) -> None:
    async def main() -> None:
        rule = PriceRule(Decimal(1), PriceMethod.PER_PIXEL_TIER)
        model = make_model()
        object.__setattr__(model, "price", Price(rules=(rule,)))
        costs = Costs(FolderOfPictures(tmp_path), BillingMode.PREPAID)
        made = [gif(tmp_path, 3 * TIER_PIXELS), gif(tmp_path, 1024), make_file(name="gone.png"), make_file(name="words.txt")]
        charge = await costs.charge(make_task(), model, made, 1, None)
        assert charge.cost == charge.taken == 5

    go(main())


@pytest.mark.parametrize(("mode", "taken"), [(BillingMode.PREPAID, Decimal(1)), (BillingMode.UNMETERED, FREE)])
def test_what_is_taken_depends_on_the_mode(mode: BillingMode, taken: Decimal) -> None:
    async def main() -> None:
        costs = Costs(MemoryBlobs(), mode)
        charge = await costs.charge(make_task(), MODEL, [], 2_000_000, None)
        assert (charge.cost, charge.taken) == (1, taken)
        assert (await costs.charge(make_task(), make_model(), [], 2_000_000, None)).taken is None, "what is free is not written down"

    go(main())
