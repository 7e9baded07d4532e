"""What a Task that ended well costs: its Price, applied to what it used."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from decimal import Decimal

from gesso.domain.errors import GessoError
from gesso.domain.file import File
from gesso.domain.ledger import BillingMode, Charge
from gesso.domain.limits import KIB
from gesso.domain.model import Model
from gesso.domain.picture import pixel_count
from gesso.domain.price import FREE, Consumption
from gesso.domain.task import Task
from gesso.ports import Blobs

# A JPEG may carry a colour profile, a preview and other segments of 64 KiB each before its size.
_HEAD_BYTES = 512 * KIB
_PICTURE = "image/"


class Costs:
    def __init__(self, blobs: Blobs, mode: BillingMode) -> None:
        self._blobs = blobs
        self._mode = mode

    async def charge(self, task: Task, model: Model, outputs: Sequence[File], billed_us: int, reported: Decimal | None) -> Charge:
        """What is charged for a Task, and what of that is taken from the balance. `reported`: what its Engine told, if it did."""
        price = model.price
        if price.rules:
            cost = price.cost(await self._consumption(task, model, outputs, billed_us, reported))
        else:
            cost = price.cost(Consumption(billed_us))
        if not cost:
            return Charge(FREE, None)
        return Charge(cost, cost if self._mode is BillingMode.PREPAID else FREE)

    async def _consumption(
        self, task: Task, model: Model, outputs: Sequence[File], billed_us: int, reported: Decimal | None
    ) -> Consumption:
        made: tuple[int, ...] = ()
        given: tuple[int, ...] = ()
        if model.price.counts_pixels:
            inputs = [one for several in task.files.values() for one in several]
            made = await self._pixels([file.access_key for file in outputs if file.content_type.startswith(_PICTURE)])
            given = await self._pixels([one.access_key for one in inputs if one.content_type.startswith(_PICTURE)])
        files = {name: len(several) for name, several in task.files.items()}
        return Consumption(billed_us, task.values, files, len(outputs), made, given, reported)

    async def _pixels(self, access_keys: Sequence[str]) -> tuple[int, ...]:
        """Of each picture; 0 where nobody can tell, because a Task that succeeded must not be lost for that."""

        def read(access_key: str) -> int:
            try:
                with self._blobs.path(access_key).open("rb") as file:
                    return pixel_count(file.read(_HEAD_BYTES))
            except (OSError, GessoError):
                return 0

        return tuple([await asyncio.to_thread(read, access_key) for access_key in access_keys])
