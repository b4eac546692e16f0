"""Latencies and rates of a benchmark run. Pure: times come in as numbers."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from math import ceil
from typing import Final

SAMPLES_MAX: Final = 1_000_000
BYTES_PER_MB: Final = 1024 * 1024
"""As Kafka's own tools count."""
PERCENTILES: Final = {"p50_ms": 0.5, "p95_ms": 0.95, "p99_ms": 0.99, "p999_ms": 0.999}


class Latencies:
    """Latencies of many records in bounded memory: all in average and maximum, percentiles from
    every n-th.
    """

    def __init__(self, expected_count: int, *, samples_max: int = SAMPLES_MAX) -> None:
        assert expected_count >= 0, expected_count
        self.count = 0
        self.total_s = 0.0
        self.max_s = 0.0
        self._every = max(1, ceil(expected_count / samples_max))
        self._samples = array("d")

    def add(self, seconds: float) -> None:
        if not self.count % self._every:
            self._samples.append(seconds)
        self.count += 1
        self.total_s += seconds
        if seconds > self.max_s:
            self.max_s = seconds

    def summary(self) -> dict[str, float | None]:
        """avg_ms, the percentiles and max_ms, in milliseconds; None for each if nothing came."""
        if not self.count:
            return dict.fromkeys(("avg_ms", *PERCENTILES, "max_ms"))
        ordered = sorted(self._samples)
        return {
            "avg_ms": _ms(self.total_s / self.count),
            **{name: _ms(quantile(ordered, q)) for name, q in PERCENTILES.items()},
            "max_ms": _ms(self.max_s),
        }


def quantile(ordered: Sequence[float], q: float) -> float:
    """The smallest value that at least a share of `q` of all values does not exceed."""
    assert ordered, "no values"
    assert 0 <= q <= 1, q
    return ordered[max(0, ceil(q * len(ordered)) - 1)]


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 3)


def rates(record_count: int, size_bytes: int, seconds: float, prefix: str = "") -> dict[str, float]:
    """Records and megabytes a second; 0 where no time passed."""
    per_second = 1 / seconds if seconds > 0 else 0.0
    return {
        f"{prefix}records_per_second": round(record_count * per_second, 1),
        f"{prefix}mb_per_second": round(size_bytes / BYTES_PER_MB * per_second, 3),
    }


class Throttle:
    """How long to wait before a record so that a rate is kept from the start on average.

    Waits shorter than `step_s` are put off until they have added up: sleeping costs more.
    """

    def __init__(self, per_second: float, start_s: float, *, step_s: float = 0.002) -> None:
        """`per_second` not above 0: no limit."""
        self._per_second = per_second
        self._start_s = start_s
        self._step_s = step_s

    def wait_s(self, sent_count: int, now_s: float) -> float:
        """Seconds to wait now, after `sent_count` records; 0 for none."""
        if self._per_second <= 0:
            return 0.0
        ahead_s = self._start_s + sent_count / self._per_second - now_s
        return ahead_s if ahead_s >= self._step_s else 0.0
