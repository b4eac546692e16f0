"""Recorded flights handed out as if they were reported now, faster than they were. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence

from .flights import Flight


class Replay:
    """Flights in the order of their reports, and a simulated clock that runs over them.

    `speed` says how many times faster than real time it runs; with `math.inf` all is due at once.
    """

    def __init__(self, reports: Sequence[Flight], *, speed: float) -> None:
        assert reports, "nothing to replay"
        assert speed > 0, f"speed {speed}"
        self._reports = reports
        self._times_ms = [flight.report_time_ms for flight in reports]
        self._speed = speed
        self._next = 0
        self.time_ms = self._times_ms[0]

    @property
    def published(self) -> Sequence[Flight]:
        """What was handed out so far."""
        return self._reports[: self._next]

    @property
    def total_count(self) -> int:
        return len(self._reports)

    @property
    def is_done(self) -> bool:
        return self._next == len(self._reports)

    def due(self, elapsed_ms: int) -> Sequence[Flight]:
        """The flights not yet handed out that are due `elapsed_ms` after the start."""
        self.time_ms = self._simulated_ms(elapsed_ms)
        first = self._next
        while not self.is_done and self._times_ms[self._next] <= self.time_ms:
            self._next += 1
        return self._reports[first : self._next]

    def _simulated_ms(self, elapsed_ms: int) -> int:
        if math.isinf(self._speed):
            return self._times_ms[-1]
        return min(self._times_ms[0] + int(elapsed_ms * self._speed), self._times_ms[-1])
