"""The states of an Executor and the steps between them. READY may take a run; DEAD takes no more work and is never left."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, auto


class State(Enum):
    NEW = auto()
    STARTING = auto()
    READY = auto()
    BUSY = auto()
    DEAD = auto()


LEGAL_STEPS: Mapping[State, frozenset[State]] = {
    State.NEW: frozenset({State.STARTING, State.DEAD}),
    State.STARTING: frozenset({State.READY, State.DEAD}),
    State.READY: frozenset({State.BUSY, State.DEAD}),
    State.BUSY: frozenset({State.READY, State.DEAD}),
    State.DEAD: frozenset(),
}
