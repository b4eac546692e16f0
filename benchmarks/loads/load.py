"""What a load is, and how much of it a run does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from benchmarks.measured import Measured
from benchmarks.servers import Server


@dataclass(frozen=True, slots=True)
class Size:
    """How much each load does.

    topics: of two partitions each, for the load with many partitions.
    records_each: into each of those partitions.
    groups: how many new groups read their first record.
    """

    batch_bytes: int
    singles_s: float
    latency_s: float
    topics: int
    records_each: int
    groups: int


FULL: Final = Size(
    batch_bytes=400_000_000,
    singles_s=4.0,
    latency_s=8.0,
    topics=350,
    records_each=100,
    groups=20,
)
QUICK: Final = Size(
    batch_bytes=4_000_000,
    singles_s=0.2,
    latency_s=0.3,
    topics=10,
    records_each=10,
    groups=2,
)


@dataclass(frozen=True, slots=True)
class Part:
    """One line of the table, or several where there are latencies.

    unit: of the rate, "rec/s" or "req/s"; "s" or "ms" where the time itself is the result (the
        median of `measured` in ms, its seconds in s); "" where only the percentiles count.
    """

    name: str
    unit: str
    measured: Measured


@dataclass(frozen=True, slots=True)
class Load:
    """Puts work on a server, each time on fresh topics that it deletes. `area`: the table's title."""

    area: str
    name: str
    run: Callable[[Server, Size], Iterator[Part]]
