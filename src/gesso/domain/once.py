"""Orders that may be sent again: a key that the client chose makes the first one count and the others find its Task."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Once:
    """`key`: the client's, of one order within its Project. `digest`: 64 hex digits that differ when what is ordered differs."""

    key: str
    digest: str
