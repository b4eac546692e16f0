"""The demo's comparison says equal when the answers are equal, and names what is not."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from flowlog.demo.batch import BatchAnswers, answer
from flowlog.demo.board import Board, Hour
from flowlog.demo.check import compare
from flowlog.demo.flights import Delays, Flight
from flowlog.demo.month import january

REPORTS = january()[:5000]


def boards_of(flights: Sequence[Flight]) -> tuple[Board, dict[Hour, Delays], BatchAnswers]:
    """A board that knows everything: each 50th report late, the newest hours still open."""
    batch = answer(flights)
    board = Board(airports=dict(batch.airports))
    hours: dict[Hour, Delays] = {}
    for number, flight in enumerate(flights):
        if flight.delay_minutes is None:
            continue
        if number % 50 == 0:
            board.late.add(flight)
            continue
        delays = hours.setdefault((flight.carrier, hour_ms(flight.scheduled)), Delays())
        delays.departures += 1
        delays.delay_minutes += flight.delay_minutes
    open_from_ms = sorted(start_ms for _, start_ms in hours)[-20]
    for (carrier, start_ms), delays in hours.items():
        if start_ms < open_from_ms:
            board.add_hour(carrier, start_ms, delays)
    for day, routes in batch.route_days.items():
        board.worst[day] = batch.worst_routes(day)
        for total in routes.values():
            board.add_route_day(total)
    return board, {hour: hours[hour] for hour in hours if hour not in board.hours}, batch


def hour_ms(scheduled: datetime) -> int:
    return int(scheduled.timestamp()) // 3600 * 3_600_000


def test_equal_answers_match() -> None:
    checks = compare(*boards_of(REPORTS))
    assert [check.is_equal for check in checks] == [True, True, True]
    assert all(str(check).endswith("matches the batch answer") for check in checks)


def test_a_departure_counted_twice_is_named() -> None:
    board, open_hours, batch = boards_of(REPORTS)
    board.airports["JFK"] += 1
    [airports, carriers, worst] = compare(board, open_hours, batch)
    assert not airports.is_equal
    assert "JFK" in str(airports)
    assert carriers.is_equal
    assert worst.is_equal


def test_a_lost_late_report_is_noticed() -> None:
    board, open_hours, batch = boards_of(REPORTS)
    lost = board.late.pop()
    [_, carriers, _] = compare(board, open_hours, batch)
    assert lost.carrier in str(carriers)


def test_a_wrong_worst_route_is_noticed() -> None:
    board, open_hours, batch = boards_of(REPORTS)
    board.worst["2013-01-02"].reverse()
    [_, _, worst] = compare(board, open_hours, batch)
    assert "2013-01-02" in str(worst)


def test_records_that_come_twice_change_nothing() -> None:
    board, open_hours, batch = boards_of(REPORTS)
    for (carrier, start_ms), delays in list(board.hours.items()):
        board.add_hour(carrier, start_ms, delays)
    assert all(check.is_equal for check in compare(board, open_hours, batch))
