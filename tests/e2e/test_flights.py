"""Real workers on a real broker give the batch answers about January 2013, whatever happens.

The expected answers come from `tests/examples/flights_batch.py`, which knows nothing of flowlog.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from flowlog.testing.broker_process import BrokerProcess
from tests.e2e.flights_world import HOURS, LATE, ROUTE_DAYS, FlightsWorld, wait_until
from tests.examples import flights_batch as batch
from tests.examples.flights_batch import DAY_MS, HOUR_MS, Row

EXTERNAL = os.environ.get("FLOWLOG_TEST_BOOTSTRAP")
BROKER = {
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "500",
    "offsets.topic.num.partitions": "8",
}
# A killed worker is missed soon; a broker that is not ours may not allow that.
WORKER = {} if EXTERNAL else {"session.timeout.ms": "2000", "heartbeat.interval.ms": "300"}


@pytest.fixture(scope="module")
def january() -> list[Row]:
    return batch.read_rows(month=1)


@pytest.fixture
def bootstrap(tmp_path: Path) -> Iterator[str]:
    """A broker of its own, since the app's topics and group have fixed names.

    `FLOWLOG_TEST_BOOTSTRAP` names another one, such as an Apache Kafka.
    """
    if EXTERNAL:
        yield EXTERNAL
        return
    with BrokerProcess(tmp_path / "broker", BROKER) as broker:
        yield broker.bootstrap


@pytest.fixture
def world(bootstrap: str, tmp_path: Path) -> Iterator[FlightsWorld]:
    world = FlightsWorld(bootstrap, tmp_path, WORKER)
    world.reset()
    try:
        yield world
    finally:
        world.close()


def test_one_worker_gives_the_batch_answers(world: FlightsWorld, january: list[Row]) -> None:
    world.add_worker()
    world.wait_for_topics()
    world.publish(january)
    world.wait_until_counted()
    assert_batch_answers(world, january)


def test_two_workers_give_the_same_answers(world: FlightsWorld, january: list[Row]) -> None:
    """The second one joins while the first is at work, and takes over a part of the tables."""
    world.add_worker()
    world.wait_for_topics()
    half = len(january) // 2
    with ThreadPoolExecutor(1) as executor:
        publishing = executor.submit(world.publish_slowly, january[:half], seconds=3.0)
        wait_until(lambda: world.counted() > 0, "at work")
        world.add_worker()
        publishing.result()
    wait_until(world.is_shared, "shared")
    world.publish(january[half:])
    world.wait_until_counted()
    assert world.is_shared()
    assert_batch_answers(world, january)


def test_a_worker_killed_half_way_gives_the_same_answers(
    world: FlightsWorld, january: list[Row]
) -> None:
    """SIGKILL twice at random moments of the work; the second time its disk is lost as well."""
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    rng = random.Random(seed)
    worker = world.add_worker()
    world.wait_for_topics()
    with ThreadPoolExecutor(1) as executor:
        publishing = executor.submit(world.publish_slowly, january, seconds=4.0)
        for loses_disk in (False, True):
            started_at = world.counted()
            wait_until(lambda at=started_at: world.counted() > at, "at work")
            time.sleep(rng.uniform(0, 0.5))  # the moment of the fault, not a synchronisation
            worker.kill()
            if loses_disk:
                worker.lose_disk()
            worker.start()
        publishing.result()
    world.wait_until_counted()
    assert_batch_answers(world, january, may_repeat=True)


@pytest.mark.slow
def test_the_whole_year_with_two_workers_of_which_one_is_killed(world: FlightsWorld) -> None:
    rows = batch.read_rows()
    world.add_worker()
    world.wait_for_topics()
    other = world.add_worker()
    half = len(rows) // 2
    world.publish(rows[:half])
    other.kill()
    world.publish(rows[half:])
    other.start()
    world.wait_until_counted()
    assert_batch_answers(world, rows, may_repeat=True)


def assert_batch_answers(
    world: FlightsWorld, rows: Sequence[Row], *, may_repeat: bool = False
) -> None:
    """Every answer of the app equals the batch answer.

    After a kill, records on output topics `may_repeat` (each with the same value); totals may not.
    """
    departures = batch.departed(rows)
    assert_carrier_hours(world, departures, may_repeat=may_repeat)
    assert_route_days(world, departures)
    expected = batch.airport_departures(departures)
    assert {airport: world.value("airport-departures", airport) for airport in expected} == expected


def assert_carrier_hours(
    world: FlightsWorld, departures: Sequence[Row], *, may_repeat: bool
) -> None:
    """Closed hours, hours still open and late reports: each as the batch says, nothing else."""
    partition_count = world.partition_count("flights-carrier-hours-repartition")
    rules = {"size_ms": HOUR_MS, "grace_ms": 2 * HOUR_MS, "partition_count": partition_count}
    closed, still_open = batch.closed_windows(departures, carrier_of, **rules)
    assert world.closed_windows(HOURS) == closed
    assert (
        world.open_windows("carrier-hours", {carrier_of(row) for row in departures}) == still_open
    )
    _, late = batch.split_late(departures, carrier_of, **rules)
    reported = [value["number"] for _, value in world.read(LATE)]
    expected = [row.number for row in late]
    if may_repeat:
        assert set(reported) == set(expected)
    else:
        assert sorted(reported) == sorted(expected)


def assert_route_days(world: FlightsWorld, departures: Sequence[Row]) -> None:
    """Nothing is late for a day that waits longer than the longest delay."""
    partition_count = world.partition_count("flights-route-days-repartition")
    rules = {"size_ms": DAY_MS, "grace_ms": DAY_MS, "partition_count": partition_count}
    closed, _ = batch.closed_windows(departures, route_of, **rules)
    in_all = batch.window_totals(departures, route_of, DAY_MS)
    assert closed.items() <= in_all.items()
    assert world.closed_windows(ROUTE_DAYS) == closed
    worst = batch.worst_routes(closed, worst_count=5, fewest_departures=3)
    assert {day: world.worst_routes(day) for day in worst} == worst


def carrier_of(row: Row) -> str:
    return row.carrier


def route_of(row: Row) -> str:
    return row.route
