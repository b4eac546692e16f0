"""The flights app gives the batch answers, also when it crashes on the way.

Here without a broker, in `app.test()`; `tests/e2e/test_flights.py` has real workers. The expected
answers come from `flights_batch.py`, which knows nothing of flowlog.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

import flowlog as fl
from flowlog.demo import flights as app
from flowlog.demo.batch import answer
from flowlog.demo.flights import Flight
from flowlog.streams.testing import TopologyTestDriver
from tests.examples import flights_batch as batch
from tests.examples.flights_batch import DAY_MS, HOUR_MS, Row, WindowTotals

BY_HOUR = {"size_ms": HOUR_MS, "grace_ms": 2 * HOUR_MS, "partition_count": app.TASKS}
BY_DAY = {"size_ms": DAY_MS, "grace_ms": DAY_MS, "partition_count": app.TASKS}
COMMIT_EVERY = 1000


@pytest.fixture(scope="module")
def january() -> list[Row]:
    return batch.read_rows(month=1)


@pytest.fixture
def driver() -> Iterator[TopologyTestDriver]:
    with app.app.test() as driver:
        yield driver


def test_january_gives_the_batch_answers(driver: TopologyTestDriver, january: list[Row]) -> None:
    for part in parts(january):
        with driver.one_commit():
            send(driver, part)
    assert_batch_answers(driver, january)


@pytest.mark.slow
def test_the_year_gives_the_batch_answers(driver: TopologyTestDriver) -> None:
    rows = batch.read_rows()
    for part in parts(rows):
        with driver.one_commit():
            send(driver, part)
    assert_batch_answers(driver, rows)


def seeded(seed: int | None) -> random.Random:
    """Random numbers of the seed; without one of a new seed, which a failing test shows."""
    drawn = random.randrange(10**6) if seed is None else seed
    print(f"seed {drawn}")
    return random.Random(drawn)


@pytest.mark.parametrize("seed", [2, None], ids=["a known seed", "a new seed"])
def test_crashes_at_any_step_of_a_commit_change_no_answer(
    driver: TopologyTestDriver, january: list[Row], seed: int | None
) -> None:
    """Each crash loses what was not committed; half of them lose the disk as well."""
    rng = seeded(seed)
    week = january[:6000]
    for part in parts(week):
        with driver.one_commit():
            send(driver, part)
            driver.crash(at=rng.choice(["now", "flushed", "committed"]))
        driver.restart(wipe_state=rng.random() < 0.5)
    assert_batch_answers(driver, week, may_repeat=True)


def test_the_demos_own_batch_answers_are_the_same(january: list[Row]) -> None:
    answers = answer(as_flight(row) for row in january)
    departures = batch.departed(january)
    assert (answers.departures, answers.cancelled) == (26_483, 521)
    assert answers.airports == batch.airport_departures(departures)
    route_days = batch.window_totals(departures, route_of, DAY_MS)
    worst = batch.worst_routes(route_days, worst_count=5, fewest_departures=3)
    found = {
        day: [(r.route, r.departures, r.delay_minutes) for r in answers.worst_routes(day)]
        for day in answers.route_days
    }
    assert found == worst


def parts(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    for start in range(0, len(rows), COMMIT_EVERY):
        yield rows[start : start + COMMIT_EVERY]


def send(driver: TopologyTestDriver, rows: Sequence[Row]) -> None:
    for row in rows:
        driver.send(app.flights, as_flight(row), key=f"{row.carrier}{row.number}")


def as_flight(row: Row) -> Flight:
    return Flight(
        scheduled=datetime.fromtimestamp(row.scheduled_ms / 1000, UTC),
        delay_minutes=row.delay_minutes,
        carrier=row.carrier,
        number=row.number,
        origin=row.origin,
        destination=row.destination,
    )


def carrier_of(row: Row) -> str:
    return row.carrier


def route_of(row: Row) -> str:
    return row.route


def assert_batch_answers(
    driver: TopologyTestDriver, rows: Sequence[Row], *, may_repeat: bool = False
) -> None:
    """Every answer equals the batch answer.

    After a crash, records on output topics `may_repeat`, each with the same value.
    """
    departures = batch.departed(rows)
    assert_carrier_hours(driver, departures, may_repeat=may_repeat)
    assert_route_days(driver, departures, may_repeat=may_repeat)
    counted = dict(driver.table(app.airport_departures).scan())
    assert counted == batch.airport_departures(departures)


def assert_carrier_hours(
    driver: TopologyTestDriver, departures: Sequence[Row], *, may_repeat: bool
) -> None:
    """Closed hours, hours still open and late reports: each as the batch says, nothing else."""
    closed, still_open = batch.closed_windows(departures, carrier_of, **BY_HOUR)
    assert closed_windows(driver, app.carrier_hours_closed, may_repeat=may_repeat) == closed
    found = {
        (carrier, window.start): (window.value.departures, window.value.delay_minutes)
        for carrier in {row.carrier for row in departures}
        for window in driver.windows(app.carrier_hours, carrier)
        if not window.closed
    }
    assert found == still_open
    _, late = batch.split_late(departures, carrier_of, **BY_HOUR)
    expected = [as_flight(row) for row in late]
    reported = [record.value for record in driver.read(app.late_departures)]
    if may_repeat:
        assert set(reported) == set(expected)
    else:
        assert sorted(reported, key=str) == sorted(expected, key=str)


def closed_windows(
    driver: TopologyTestDriver, topic: fl.Topic[fl.Windowed[str], Any], *, may_repeat: bool
) -> WindowTotals:
    """The windows in a topic of closed ones; one that comes twice must say the same twice."""
    windows: WindowTotals = {}
    records = driver.read(topic)
    for record in records:
        window = record.key.key, record.key.start
        totals = record.value.departures, record.value.delay_minutes
        assert windows.setdefault(window, totals) == totals, window
    assert may_repeat or len(windows) == len(records)
    return windows


def assert_route_days(
    driver: TopologyTestDriver, departures: Sequence[Row], *, may_repeat: bool
) -> None:
    """Nothing is late for a day that waits longer than the longest delay."""
    closed, _ = batch.closed_windows(departures, route_of, **BY_DAY)
    assert closed.items() <= batch.window_totals(departures, route_of, DAY_MS).items()
    assert closed_windows(driver, app.route_days_closed, may_repeat=may_repeat) == closed
    worst = batch.worst_routes(closed, worst_count=5, fewest_departures=3)
    found = {
        day: [(r.route, r.departures, r.delay_minutes) for r in worst_of_day.routes]
        for day, worst_of_day in driver.table(app.worst_routes).scan()
        if worst_of_day.routes
    }
    assert found == worst
