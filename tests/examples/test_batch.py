"""The batch answers themselves: against figures that anybody finds in this data."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.examples import flights_batch as batch
from tests.examples.flights_batch import DAY_MS, HOUR_MS, MINUTE_MS, Row


@pytest.fixture(scope="module")
def january() -> list[Row]:
    return batch.read_rows(month=1)


def test_january_has_27004_flights_of_which_521_never_left(january: list[Row]) -> None:
    assert len(january) == 27_004
    assert len(batch.departed(january)) == 26_483


def test_scheduled_times_are_utc(january: list[Row]) -> None:
    """The first flight of the data, UA 1545, was to leave Newark at 5:15, which is 10:15 UTC."""
    [first] = [row for row in january[:10] if (row.carrier, row.number) == ("UA", 1545)]
    assert first.scheduled_ms == 1_357_035_300_000
    assert first.reported_ms == first.scheduled_ms + 2 * MINUTE_MS


def test_airports_add_up(january: list[Row]) -> None:
    assert Counter(row.origin for row in january) == {"EWR": 9893, "JFK": 9161, "LGA": 7950}
    assert sum(batch.airport_departures(batch.departed(january)).values()) == 26_483


def test_window_totals_add_up(january: list[Row]) -> None:
    departures = batch.departed(january)
    hours = batch.window_totals(departures, lambda row: row.carrier, HOUR_MS)
    assert sum(count for count, _ in hours.values()) == 26_483
    assert sum(minutes for _, minutes in hours.values()) == sum(
        row.delay_minutes or 0 for row in departures
    )


def test_a_report_is_late_once_its_window_is_closed() -> None:
    def row(scheduled_minute: int) -> Row:
        return Row(scheduled_minute * MINUTE_MS, 0, "UA", 1, "EWR", "IAH")

    in_time = [row(0), row(59), row(179), row(10)]
    rules = {"size_ms": HOUR_MS, "grace_ms": 2 * HOUR_MS}
    assert batch.split_late(in_time, lambda row: "k", **rules) == (in_time, [])
    late = [row(180), row(10), row(60)]
    assert batch.split_late([*in_time, *late], lambda row: "k", **rules) == (
        [*in_time, row(180), row(60)],
        [row(10)],
    )
    closed, still_open = batch.closed_windows([*in_time, *late], lambda row: "k", **rules)
    assert closed == {("k", 0): (3, 0)}
    assert still_open == {
        ("k", 2 * HOUR_MS): (1, 0),
        ("k", 3 * HOUR_MS): (1, 0),
        ("k", HOUR_MS): (1, 0),
    }


def test_no_report_is_later_than_a_day(january: list[Row]) -> None:
    rules = {"size_ms": DAY_MS, "grace_ms": DAY_MS}
    _, late = batch.split_late(batch.departed(january), lambda row: row.route, **rules)
    assert late == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [("21", -973932308), ("foobar", -790332482), ("a-little-bit-long-string", -985981536)],
)
def test_keys_are_hashed_as_kafka_does(text: str, expected: int) -> None:
    assert batch.murmur2(text.encode()) == expected & 0x7FFFFFFF
