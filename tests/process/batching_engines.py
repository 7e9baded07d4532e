"""Engines that serve several Tasks together. They are imported only in Workers."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from gesso.models.contract import Device, Emit, Fit, InputError, Killed, MadeWith, Output, Part


class Chorus:
    """Repeats each Task's words. Tasks of one `tune` may sing together, three voices at most.

    `goes`: "well"; "slowly", until it is told to stop; "wrong", for this Task alone; "breaks", with all that are beside it; "dies".
    """

    def setup(self, device: Device, weights: Path) -> None:
        self._used: dict[str, Any] = {}

    def fit(self, inputs: Mapping[str, Any]) -> Fit | None:
        print(f"looked at {inputs['words']}")
        if inputs["tune"] == "unreadable":
            raise InputError("nobody knows this tune")
        return None if inputs["tune"] == "solo" else Fit(inputs["tune"], inputs.get("voices", 1), 3)

    def run(self, inputs: Mapping[str, Any], emit: Emit) -> Iterator[Output]:
        emit.log(f"{inputs['words']} alone")
        while inputs["goes"] == "slowly":
            emit.check()
            time.sleep(0.005)
        _go(inputs)
        emit.progress(1, 1)
        self._used = {"words": inputs["words"]}
        yield Output(f"{inputs['words']}, alone".encode(), "txt")

    def run_batch(self, parts: Sequence[Part]) -> Iterator[tuple[int, Sequence[Output] | Exception]]:
        print("noise that is nobody's")
        present = dict(enumerate(parts))
        step = 0
        while not step or any(part.inputs["goes"] == "slowly" for part in present.values()):
            step += 1
            for number, part in list(present.items()):
                with suppress(Killed):
                    part.emit.progress(min(step, 2), 2)
                    if step == 1:
                        part.emit.log(f"{part.inputs['words']} among {len(parts)}")
                    continue
                del present[number]
            time.sleep(0.005)
        if any(part.inputs["goes"] == "breaks" for part in present.values()):
            raise RuntimeError("out of tune")
        for number, part in present.items():
            if part.inputs["goes"] == "wrong":
                yield number, ValueError(f"{part.inputs['words']} went wrong")
                continue
            _go(part.inputs)
            self._used = {"words": part.inputs["words"], "batch": len(parts)}
            yield number, [Output(f"{part.inputs['words']}, among {len(parts)}".encode(), "txt")]

    def provenance(self) -> MadeWith:
        return MadeWith({"choir": "ours"}, self._used)


def _go(inputs: Mapping[str, Any]) -> None:
    if inputs["goes"] == "dies":
        print(f"{inputs['words']} dies", file=sys.stderr)
        os._exit(7)
    if inputs["goes"] == "breaks":
        raise RuntimeError(f"{inputs['words']} broke")


class Deaf(Chorus):
    """Goes on until its Worker is killed."""

    def run_batch(self, parts: Sequence[Part]) -> Iterator[tuple[int, Sequence[Output] | Exception]]:
        parts[0].emit.log("deaf")
        while True:
            time.sleep(0.01)
        yield 0, []
