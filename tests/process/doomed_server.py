"""A server for the tests to kill: starts an Engine in the folder given, prints the numbers of all processes below it, and waits.

python doomed_server.py ENGINE FOLDER
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from harness import Bench, Ears


async def main() -> None:
    ears = Ears()
    bench = Bench(Path(sys.argv[2]))
    executor = bench.executor(sys.argv[1], ears)
    starting = asyncio.create_task(executor.start())
    if sys.argv[1] == "engines:HangsInSetup":
        await ears.until(lambda: ears.idle_lines)
        running = starting
    else:
        await starting
        running = asyncio.create_task(executor.run(bench.order({"then": "hang"}), ears.on_started, ears.on_live))
        await ears.until(lambda: ears.lines)
    print(executor.pid, *(line for line in ears.lines if line.isdigit()), flush=True)
    await running


asyncio.run(main())
