"""What an Engine says that it costs comes to the server exactly, or not at all."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest
from harness import Bench, Ears, run

from gesso.execution.protocol import Costed, ProtocolError
from gesso.execution.run import amount_of
from gesso.ports import RunResult


def reported(bench: Bench, *amounts: str) -> list[RunResult]:
    async def scenario() -> list[RunResult]:
        ears = Ears()
        executor = bench.executor("costly_engines:Costly", ears)
        await executor.start()
        results = [await run(executor, bench.order({"amount": amount}), ears) for amount in amounts]
        await executor.stop()
        return results

    return asyncio.run(scenario())


def test_the_last_amount_counts_to_the_last_digit(bench: Bench) -> None:
    results = reported(bench, "0.000000000001", "0", "1E+2")
    assert [result.reported for result in results] == [Decimal("0.000000000001"), Decimal(0), Decimal(100)]


@pytest.mark.parametrize("amount", ["-1", "NaN", "1e-13", "10001"])
def test_what_is_no_price_fails_the_run(bench: Bench, amount: str) -> None:
    (result,) = reported(bench, amount)
    assert result.failure == "engine"
    assert result.reported is None


@pytest.mark.parametrize("amount", ["", "ten", "-1", "Infinity", "1e999999", "0.0000000000001"])
def test_a_worker_that_tells_no_price_breaks_the_protocol(amount: str) -> None:
    with pytest.raises(ProtocolError):
        amount_of(Costed("1.1.", amount))
