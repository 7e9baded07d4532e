"""The memory plan: in which precision the weights lie, and where, so that the model runs in the memory there is. Arithmetic only.

Nothing heavy is imported: the server asks for a plan before it starts a Worker, and `gesso doctor` shows it. A plan is chosen from a
ladder: the first rung is exact and quick, and each one below takes less memory for some loss of one or the other.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

AUTO = "auto"
_GIB = 2**30
# Of FLUX.1's VAE and transformer at one megapixel in bfloat16; both grow with the pixels and the bytes of a number.
_WORKING_BYTES_PER_PIXEL = 3400
# Tiles of half a side have a quarter of the pixels, and the transformer's own share stays.
_TILED_SHARE = 0.4
# CUDA's context and its libraries.
_CONTEXT_BYTES = 600 * 2**20
# What lies on the card of a transformer that is streamed: the blocks at work and on their way, and what is no block.
_STREAMED_SHARE = 0.12
# Below this many weights float32 is quick enough on a CPU, and gives the same picture on every machine.
_LARGE_WEIGHTS = 1_000_000_000
_NATIVE_BFLOAT16 = {"amx_bf16", "avx512_bf16", "bf16"}


class Precision(StrEnum):
    """Of the transformer's weights; the others are in bfloat16 beside all but FLOAT32."""

    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"
    INT8 = "int8"
    FLOAT8 = "float8"
    INT4 = "int4"


class Placement(StrEnum):
    """WHOLE: all on the device. ASIDE: the text encoders in main memory. STREAMED: the transformer too, brought block by block."""

    WHOLE = "whole"
    ASIDE = "aside"
    STREAMED = "streamed"


# Bytes for each weight of the transformer. FLOAT8 leaves the modulations, more than a quarter of FLUX.1's weights, in bfloat16.
_BYTES = {Precision.FLOAT32: 4.0, Precision.BFLOAT16: 2.0, Precision.INT8: 1.02, Precision.FLOAT8: 1.28, Precision.INT4: 0.6}
_PACKAGE = {Precision.INT8: "torchao", Precision.INT4: "bitsandbytes"}
_LOSS = {
    Precision.INT8: "8-bit weights change pictures slightly",
    Precision.FLOAT8: "8-bit weights change pictures slightly",
    Precision.INT4: "4-bit weights change pictures visibly",
}


class NoRoomError(ValueError):
    """The weights fit in no way that is allowed; the text is a sentence with the figures."""


@dataclass(frozen=True, slots=True)
class Weights:
    """How many weights the parts of a pipeline have, and the side of the square at which it draws best, in pixels."""

    transformer: int
    encoders: int
    vae: int
    native_side: int


# Counted from the configuration files of FLUX.1 Fill [dev], for plans that are asked for before its weights are here.
FLUX_1 = Weights(transformer=11_902_587_968, encoders=4_762_310_656 + 123_060_480, vae=83_819_683, native_side=1024)


@dataclass(frozen=True, slots=True)
class Room:
    """What there is to live in. `device_bytes`: free on the device; `main_bytes`: of main memory, for what is not on a card.

    `computes_bfloat16`: a CPU that multiplies it in its own units. `packages`: those present that some precisions need.
    """

    device: str
    device_bytes: int
    main_bytes: int
    computes_bfloat16: bool = True
    packages: frozenset[str] = frozenset()

    @property
    def is_cpu(self) -> bool:
        return self.device == "cpu"


@dataclass(frozen=True, slots=True)
class Plan:
    """`encoders_visit`: text encoders that lie aside come to the device while they read a prompt, for there is room beside the
    transformer. `is_tiled`: the VAE works in tiles. Bytes are estimates, of the device and of main memory beside it."""

    precision: Precision
    placement: Placement
    device_bytes: int
    main_bytes: int
    encoders_visit: bool = False
    is_tiled: bool = False

    def sentence(self, room: Room) -> str:
        """What is done, as one clause."""
        parts = {
            Placement.WHOLE: f"all on {room.device}",
            Placement.ASIDE: f"the text encoders in main memory{f' and on {room.device} while they read' if self.encoders_visit else ''}",
            Placement.STREAMED: f"the transformer brought to {room.device} block by block from main memory",
        }
        tiles = ", the VAE in tiles" if self.is_tiled else ""
        loss = f" ({_LOSS[self.precision]})" if self.precision in _LOSS else ""
        return f"{self.precision} weights{loss}, {parts[self.placement]}{tiles}: {_gib(self.device_bytes)} of {room.device}'s memory"


def room_for(device: str, device_bytes: int) -> Room:
    """The Room on this machine for a device with so many free bytes."""
    packages = frozenset(package for package in _PACKAGE.values() if importlib.util.find_spec(package) is not None)
    on_cpu = device == "cpu"
    return Room(device, device_bytes, _free_main_bytes(), not on_cpu or bool(_NATIVE_BFLOAT16 & _cpu_flags()), packages)


def ladder(weights: Weights, room: Room, options: Mapping[str, Any]) -> list[Plan]:
    """The plans that `options` allow and whose packages are here, whatever memory they take, the best first.

    `options`: "precision" and "placement", absent or "auto" where nothing is fixed.
    """
    precision, placement = options.get("precision", AUTO), options.get("placement", AUTO)
    if room.is_cpu:
        steps = [
            (each, Placement.WHOLE, False) for each in ([Precision(precision)] if precision != AUTO else _cpu_precisions(weights, room))
        ]
    else:
        steps = list(_card_steps(room) if precision == AUTO else _card_steps_of(Precision(precision)))
    allowed = [step for step in steps if placement in (AUTO, step[1]) and _PACKAGE.get(step[0], "") in (*room.packages, "")]
    return [_plan(weights, room, *step) for step in allowed]


def choose(weights: Weights, room: Room, options: Mapping[str, Any]) -> tuple[Plan, str]:
    """The best plan that fits, and a sentence that says which and why. Errors: NoRoomError."""
    plans = ladder(weights, room, options)
    if not plans:
        precision = options.get("precision", AUTO)
        missing = _PACKAGE.get(precision, "")
        raise NoRoomError(
            f"The settings ask for {precision} weights, and the package {missing} for them is missing."
            if missing and missing not in room.packages
            else f"The settings ask for {precision} weights placed {options.get('placement', AUTO)}, which is no way on {room.device}."
        )
    found = next((plan for plan in plans if _fits(plan, room)), None)
    if found is None:
        least = min(plans, key=lambda plan: plan.device_bytes)
        raise NoRoomError(
            f"The weights take {_gib(least.device_bytes)} on {room.device} at least, where {_gib(room.device_bytes)} are to be had"
            + (f", and {_gib(least.main_bytes)} of main memory, where {_gib(room.main_bytes)} are free." if least.main_bytes else ".")
        )
    return found, f"{found.sentence(room)}, where {_gib(room.device_bytes)} are free{_why(found, plans, room, options)}."


def below(plan: Plan, plans: list[Plan], room: Room) -> Plan | None:
    """The next rung of the ladder under `plan` that takes less of the device; None when it is the last."""
    under = plans[plans.index(plan) + 1 :] if plan in plans else plans
    return next((each for each in under if each.device_bytes < plan.device_bytes and each.main_bytes <= room.main_bytes), None)


def _why(found: Plan, plans: list[Plan], room: Room, options: Mapping[str, Any]) -> str:
    fixed = [name for name in ("precision", "placement") if options.get(name, AUTO) != AUTO]
    if fixed:
        return f"; {' and '.join(fixed)} as the settings fix"
    if found is not plans[0]:
        best = plans[0]
        return f"; {best.precision} with all of it there would take {_gib(best.device_bytes)}"
    if room.is_cpu and found.precision is Precision.BFLOAT16:
        return "; this CPU computes in bfloat16 itself"
    return ""


def _cpu_precisions(weights: Weights, room: Room) -> list[Precision]:
    usual = [Precision.FLOAT32, Precision.BFLOAT16]
    if room.computes_bfloat16 and weights.transformer >= _LARGE_WEIGHTS:
        usual = [Precision.BFLOAT16]
    return [*usual, Precision.INT8, Precision.FLOAT8]


def _card_steps(room: Room) -> Iterator[tuple[Precision, Placement, bool]]:
    """Precision, placement and whether the VAE works in tiles, in order."""
    # Both take their 8 bits; int8 keeps a scale for each row and loses less.
    eight = Precision.INT8 if "torchao" in room.packages else Precision.FLOAT8
    for precision in (Precision.BFLOAT16, eight):
        yield precision, Placement.WHOLE, False
        yield precision, Placement.ASIDE, False
    yield eight, Placement.ASIDE, True
    yield Precision.INT4, Placement.ASIDE, True
    yield Precision.BFLOAT16, Placement.STREAMED, True
    yield Precision.FLOAT8, Placement.STREAMED, True


def _card_steps_of(precision: Precision) -> Iterator[tuple[Precision, Placement, bool]]:
    """The same for a precision that is fixed."""
    yield precision, Placement.WHOLE, False
    yield precision, Placement.ASIDE, False
    yield precision, Placement.ASIDE, True
    # The packages that quantize keep their weights in forms of their own, which are not moved block by block.
    if precision not in _PACKAGE:
        yield precision, Placement.STREAMED, True


def _plan(weights: Weights, room: Room, precision: Precision, placement: Placement, is_tiled: bool) -> Plan:
    number_bytes = 4 if precision is Precision.FLOAT32 else 2
    transformer = int(weights.transformer * _BYTES[precision])
    encoders, vae = weights.encoders * number_bytes, weights.vae * number_bytes
    working = int(weights.native_side**2 * _WORKING_BYTES_PER_PIXEL * number_bytes / 2 * (_TILED_SHARE if is_tiled else 1))
    context = 0 if room.is_cpu else _CONTEXT_BYTES
    if placement is Placement.WHOLE:
        return Plan(precision, placement, transformer + encoders + vae + working + context, 0, is_tiled=is_tiled)
    if placement is Placement.ASIDE:
        visit = transformer + encoders + vae + context <= room.device_bytes
        return Plan(precision, placement, transformer + vae + working + context, encoders, visit, is_tiled)
    streamed = int(transformer * _STREAMED_SHARE)
    visit = streamed + encoders + vae + context <= room.device_bytes
    return Plan(precision, placement, streamed + vae + working + context, transformer + encoders, visit, is_tiled)


def _fits(plan: Plan, room: Room) -> bool:
    return plan.device_bytes <= room.device_bytes and plan.main_bytes <= room.main_bytes


def _free_main_bytes() -> int:
    """Source: proc(5), MemAvailable: what can be had without swapping."""
    for line in _lines(Path("/proc/meminfo")):
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return 2**63


def _cpu_flags() -> set[str]:
    """Source: proc(5): one line of flags for each core; ARM calls them features."""
    for line in _lines(Path("/proc/cpuinfo")):
        name, _, value = line.partition(":")
        if name.strip() in ("flags", "Features"):
            return set(value.split())
    return set()


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text("utf-8").splitlines()
    except OSError:
        return []


def _gib(count: int) -> str:
    return f"{count / _GIB:.1f} GiB"
