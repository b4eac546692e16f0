"""What one load did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Measured:
    """How much in how long and, where it waits for answers, how long each took."""

    count: int
    seconds: float
    p50_ms: float | None = None
    p99_ms: float | None = None
    p999_ms: float | None = None

    @property
    def rate(self) -> float:
        """How many a second."""
        return self.count / self.seconds

    @classmethod
    def of(cls, count: int, seconds: float, waits_ns: Sequence[int] = ()) -> Measured:
        """With the percentiles of `waits_ns` if there are any."""
        if not waits_ns:
            return cls(count, seconds)
        ordered = sorted(waits_ns)

        def at(share: float) -> float:
            return ordered[min(len(ordered) - 1, int(len(ordered) * share))] / 1e6

        return cls(count, seconds, at(0.5), at(0.99), at(0.999))
