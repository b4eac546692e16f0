"""The replay hands out every flight once, in order, when its simulated time has come."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from flowlog.demo.flights import Flight
from flowlog.demo.replay import Replay

START = datetime(2013, 1, 1, 10, tzinfo=UTC)
MINUTE_MS = 60_000


def flight(minute: int) -> Flight:
    return Flight(START + timedelta(minutes=minute), 0, "UA", minute, "EWR", "IAH")


def test_flights_are_due_when_the_simulated_clock_passes_their_report() -> None:
    flights = [flight(0), flight(30), flight(60)]
    replay = Replay(flights, speed=1800)  # half an hour passes in a second
    assert replay.due(0) == flights[:1]
    assert replay.due(999) == []
    assert replay.due(1000) == flights[1:2]
    assert replay.published == flights[:2]
    assert not replay.is_done
    assert replay.due(60_000) == flights[2:]
    assert replay.is_done


def test_the_simulated_clock_stops_at_the_last_report() -> None:
    replay = Replay([flight(0), flight(5)], speed=1)
    replay.due(99 * MINUTE_MS)
    assert replay.time_ms == flight(5).report_time_ms


def test_at_infinite_speed_everything_is_due_at_once() -> None:
    flights = [flight(0), flight(500)]
    assert Replay(flights, speed=math.inf).due(0) == flights


@given(
    minutes=st.lists(st.integers(0, 10_000), min_size=1).map(sorted),
    elapsed_ms=st.lists(st.integers(0, 10_000)).map(sorted),
    speed=st.floats(0.1, 1e6),
)
def test_every_flight_is_handed_out_once_and_in_order(
    minutes: list[int], elapsed_ms: list[int], speed: float
) -> None:
    flights = [flight(minute) for minute in minutes]
    replay = Replay(flights, speed=speed)
    handed_out = [due for elapsed in elapsed_ms for due in replay.due(elapsed)]
    assert handed_out == flights[: len(handed_out)]
    assert handed_out == list(replay.published)
