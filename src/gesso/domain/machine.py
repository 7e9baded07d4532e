"""What a machine does just now, as its owner is shown it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DeviceUse:
    """`memory_bytes`: for all Workers on it; `taken_bytes`: what those that it holds were given."""

    name: str
    memory_bytes: int
    taken_bytes: int
    worker_count: int
    workers_max: int


@dataclass(frozen=True, slots=True)
class Crew:
    """The Workers of one Model by what they do, and how many Tasks wait for one. `memory_bytes`: what one Worker takes."""

    model: str
    idle: int
    busy: int
    starting: int
    waiting: int
    memory_bytes: int


@dataclass(frozen=True, slots=True)
class Pull:
    """The last fetching of a Model's weights. `total_bytes`: 0 until it is known. `text`: what was said last. `exit_code`: None while it
    goes on."""

    model: str
    fetched_bytes: int
    total_bytes: int
    text: str
    exit_code: int | None

    @property
    def share(self) -> float:
        return min(1.0, self.fetched_bytes / self.total_bytes) if self.total_bytes else 0.0
