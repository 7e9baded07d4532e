"""A bound on how often something is said. Pure: it is told the time."""

from __future__ import annotations


class Allowance:
    """Lets `per_second` things through each second, and as many at once after a quiet second."""

    def __init__(self, per_second: float) -> None:
        self._per_second = per_second
        self._left = per_second
        self._filled_at = 0.0

    def take(self, now: float) -> bool:
        """Whether one more may pass at `now`, in seconds on a clock that never steps."""
        self._left = min(self._per_second, self._left + (now - self._filled_at) * self._per_second)
        self._filled_at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True
