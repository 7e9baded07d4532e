"""The memory plan: which one is made for which card, and what holds for any."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gesso.models.flux_fill.memory import FLUX_1, NoRoomError, Plan, Room, Weights, below, choose, ladder, room_for

GIB = 2**30
BOTH = frozenset({"torchao", "bitsandbytes"})


def plan(gib: float, main_gib: float = 64, packages: frozenset[str] = BOTH, weights: Weights = FLUX_1, **options: Any) -> Plan:
    return choose(weights, Room("cuda:0", int(gib * GIB), int(main_gib * GIB), packages=packages), options)[0]


@pytest.mark.parametrize(
    ("card", "free_gib", "packages", "expected"),
    [
        ("H200", 139, BOTH, ("bfloat16", "whole", False, False)),
        ("A100 40 GB", 39.4, BOTH, ("bfloat16", "whole", False, False)),
        ("RTX 5090", 31.4, BOTH, ("bfloat16", "aside", False, False)),
        ("RTX 4090, torchao", 23.5, BOTH, ("int8", "aside", True, False)),
        ("RTX 4090", 23.5, frozenset(), ("float8", "aside", False, False)),
        ("RTX 4080, torchao", 15.6, BOTH, ("int8", "aside", False, False)),
        ("RTX 4080", 15.6, frozenset(), ("bfloat16", "streamed", True, True)),
        ("RTX 3060, bitsandbytes", 11.6, BOTH, ("int4", "aside", False, True)),
        ("RTX 3060", 11.6, frozenset(), ("bfloat16", "streamed", False, True)),
        ("RTX 4060", 7.6, BOTH, ("bfloat16", "streamed", False, True)),
    ],
)
def test_each_card_gets_the_best_that_fits(card: str, free_gib: float, packages: frozenset[str], expected: tuple[Any, ...]) -> None:
    made = plan(free_gib, packages=packages)
    assert (made.precision, made.placement, made.encoders_visit, made.is_tiled) == expected, card


def test_what_is_streamed_needs_main_memory() -> None:
    assert plan(7.6, main_gib=33).precision == "bfloat16"
    assert plan(7.6, main_gib=26).precision == "float8"
    with pytest.raises(
        NoRoomError, match=r"GiB on cuda:0 at least, where 7\.6 GiB are to be had, and 2\d\.\d GiB of main memory, where 16"
    ):
        plan(7.6, main_gib=16)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"precision": "int8"}, ("int8", "whole")),
        ({"precision": "float8"}, ("float8", "whole")),
        ({"placement": "streamed"}, ("bfloat16", "streamed")),
        ({"placement": "aside", "precision": "int4"}, ("int4", "aside")),
        ({"placement": "streamed", "precision": "float8"}, ("float8", "streamed")),
        ({"precision": "auto", "placement": "auto"}, ("bfloat16", "whole")),
    ],
)
def test_what_the_settings_fix_is_done(options: dict[str, str], expected: tuple[str, str]) -> None:
    made = plan(139, **options)
    assert (made.precision, made.placement) == expected


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"precision": "int8"}, "The settings ask for int8 weights, and the package torchao for them is missing."),
        ({"precision": "bfloat16", "placement": "whole"}, r"take 35\.\d GiB on cuda:0 at least, where 24\.0 GiB are to be had\."),
    ],
)
def test_what_the_settings_fix_and_cannot_be_is_refused(options: dict[str, str], sentence: str) -> None:
    with pytest.raises(NoRoomError, match=sentence):
        plan(24, packages=frozenset(), **options)


@pytest.mark.parametrize(
    ("weights", "computes_bfloat16", "gib", "expected"),
    [
        (FLUX_1, True, 80, "bfloat16"),
        (FLUX_1, False, 80, "float32"),
        (FLUX_1, False, 40, "bfloat16"),
        (FLUX_1, False, 30, "float8"),
        (Weights(70_000_000, 1000, 1000, 256), True, 4, "float32"),
    ],
)
def test_a_cpu_takes_bfloat16_where_it_computes_it_or_must(weights: Weights, computes_bfloat16: bool, gib: int, expected: str) -> None:
    made, sentence = choose(weights, Room("cpu", gib * GIB, gib * GIB, computes_bfloat16), {})
    assert (made.precision, made.placement) == (expected, "whole")
    assert sentence.startswith(f"{expected} weights")


def test_the_sentence_says_which_and_why() -> None:
    free = Room("cuda:0", 139 * GIB, 64 * GIB)
    assert choose(FLUX_1, free, {})[1] == "bfloat16 weights, all on cuda:0: 35.3 GiB of cuda:0's memory, where 139.0 GiB are free."
    small = Room("cuda:0", int(23.5 * GIB), 64 * GIB, packages=BOTH)
    assert choose(FLUX_1, small, {})[1] == (
        "int8 weights (8-bit weights change pictures slightly), the text encoders in main memory and on cuda:0 while they read: "
        "15.4 GiB of cuda:0's memory, where 23.5 GiB are free; bfloat16 with all of it there would take 35.3 GiB."
    )
    assert "; precision as the settings fix." in choose(FLUX_1, free, {"precision": "float8"})[1]


rooms = st.builds(
    Room,
    st.sampled_from(["cpu", "cuda:0"]),
    st.integers(0, 80 * GIB),
    st.integers(0, 80 * GIB),
    st.booleans(),
    st.frozensets(st.sampled_from(sorted(BOTH))),
)
weights_of_any_size = st.builds(Weights, st.integers(1, 20 * 10**9), st.integers(1, 8 * 10**9), st.integers(1, 10**8), st.just(1024))


@given(weights=weights_of_any_size, room=rooms, more=st.integers(0, 80 * GIB))
def test_a_plan_fits_and_more_memory_never_makes_it_worse(weights: Weights, room: Room, more: int) -> None:
    plans = ladder(weights, room, {})
    try:
        made, _ = choose(weights, room, {})
    except NoRoomError:
        assert all(each.device_bytes > room.device_bytes or each.main_bytes > room.main_bytes for each in plans)
        return
    assert made.device_bytes <= room.device_bytes
    assert made.main_bytes <= room.main_bytes
    larger = Room(room.device, room.device_bytes + more, room.main_bytes, room.computes_bfloat16, room.packages)
    better, _ = choose(weights, larger, {})
    names = [(each.precision, each.placement, each.is_tiled) for each in plans]
    assert names.index((better.precision, better.placement, better.is_tiled)) <= names.index(
        (made.precision, made.placement, made.is_tiled)
    )


@given(weights=weights_of_any_size, room=rooms)
def test_going_down_ends_and_takes_less_each_time(weights: Weights, room: Room) -> None:
    plans = ladder(weights, room, {})
    made: Plan | None = plans[0]
    for _ in plans:
        assert made is not None
        lower = below(made, plans, room)
        assert lower is None or lower.device_bytes < made.device_bytes
        made = lower
        if made is None:
            break
    assert made is None


def test_this_machine_is_read_without_torch() -> None:
    room = room_for("cpu", 5)
    assert room.device_bytes == 5
    assert room.main_bytes > 2**20
