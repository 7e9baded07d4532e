"""An outbox for a test to kill: tells one address of the end of a task, and waits. python doomed_outbox.py FOLDER URL"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from receivers import post_office


async def main() -> None:
    async with post_office(Path(sys.argv[1])) as office:
        await office.end_a_task(sys.argv[2])
        await asyncio.Event().wait()


asyncio.run(main())
