"""What an Engine says that it ran with arrives with its Outputs, and what it says badly costs nobody their Outputs."""

from __future__ import annotations

import asyncio

import pytest
from harness import Bench, Ears, run

from gesso.domain.limits import PROVENANCE_MAX_BYTES
from gesso.domain.provenance import MadeWith


def test_what_a_run_was_made_with_arrives_with_its_outputs(bench: Bench) -> None:
    async def scenario() -> None:
        ears = Ears()
        executor = bench.executor("accounting_engines:Accounts", ears)
        await executor.start()
        result = await run(executor, bench.order({"told": 3}), ears)
        assert result.made_with == MadeWith({"code": "xxx"}, {"seed": 2**64 - 1, "crops": [[1, 2]]})
        assert len(result.outputs) == 1
        await executor.stop()

    asyncio.run(scenario())


@pytest.mark.parametrize("told", [None, "no MadeWith", PROVENANCE_MAX_BYTES])
def test_what_cannot_be_told_is_in_the_log_and_the_outputs_count(bench: Bench, told: object) -> None:
    async def scenario() -> None:
        ears = Ears()
        executor = bench.executor("accounting_engines:Accounts", ears)
        await executor.start()
        result = await run(executor, bench.order({"told": told}), ears)
        assert (result.failure, len(result.outputs), result.made_with) == ("", 1, None)
        assert "Traceback" in result.stderr
        assert (await run(executor, bench.order({"told": 1}), ears)).made_with is not None
        await executor.stop()

    asyncio.run(scenario())
