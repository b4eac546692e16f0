"""Departures from New York: three questions about flights, answered while the reports come in.

    flowlog demo                            this app with a month of flights, in the terminal
    flowlog dev examples/flights.py         this app and a broker; then publish the whole year:
    python examples/flights.py

A flight is reported when it leaves the gate, or, cancelled, at the time at which it should have
left. It belongs to the hour for which it was scheduled. So a delay is lateness in the sense of
event time: the reports of an hour come in over many hours, and every table says how long it
waits for them (its grace) before it calls its answer final.

All times are UTC. A New York day is therefore cut at 19:00 (20:00 in summer).
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

import flowlog as fl

TASKS: Final = 4  # into how many parts each table is cut, for workers to share
KEEP: Final = {"retention.ms": "-1"}  # records of 2013 are older than any broker keeps
LONGEST_WAIT: Final = "24h"  # above the longest delay of the year: 1,301 minutes
WORST_COUNT: Final = 5
FEWEST_DEPARTURES: Final = 3  # one unlucky flight does not make a bad route


class Flight(msgspec.Struct, frozen=True):
    """One report. A cancelled flight has no delay."""

    scheduled: datetime
    delay_minutes: int | None  # negative: it left early
    carrier: str
    number: int
    origin: str
    destination: str

    @property
    def route(self) -> str:
        return f"{self.origin}-{self.destination}"

    @property
    def report_time_ms(self) -> int:
        """When the report comes in, in ms since 1970."""
        return round(self.scheduled.timestamp()) * 1000 + (self.delay_minutes or 0) * 60_000


class Delays(msgspec.Struct):
    """Departures and the sum of their delays; whole minutes, so that sums are exact."""

    departures: int = 0
    delay_minutes: int = 0

    @property
    def mean_minutes(self) -> float:
        return self.delay_minutes / self.departures


class RouteDay(msgspec.Struct):
    """One route on one day."""

    day: str = ""
    route: str = ""
    departures: int = 0
    delay_minutes: int = 0

    @property
    def mean_minutes(self) -> float:
        return self.delay_minutes / self.departures


class WorstRoutes(msgspec.Struct):
    """The routes of a day with the greatest mean delays, the worst first."""

    routes: list[RouteDay] = []


app = fl.App("flights", partitions=TASKS)

# One partition keeps the reports in their order: of several partitions one may run ahead, and the
# reports of the others would then be later than they were. The tables are spread all the same.
flights = app.topic("flights", value=Flight, ts="scheduled", partitions=1)


@app.stream(flights)
def departures(flight: Flight) -> Flight | None:
    """Drop the cancelled flights."""
    return None if flight.delay_minutes is None else flight


# 1. Departures and delay per carrier and hour. Not all delays fit into two hours: reports that
#    come later go to a topic of their own.

late_departures = app.topic("late-departures", value=Flight, config=KEEP)


@app.table(
    departures,
    by=lambda flight: flight.carrier,
    partitions=TASKS,
    window=fl.tumbling("1h", grace="2h"),
    emit="close",
    late=late_departures,
)
def carrier_hours(delays: Delays, flight: Flight) -> Delays:
    delays.departures += 1
    delays.delay_minutes += flight.delay_minutes or 0
    return delays


carrier_hours_closed = app.topic(
    "carrier-hours-closed", key=fl.Windowed[str], value=Delays, config=KEEP
)
carrier_hours.to(carrier_hours_closed)


# 2. The worst routes of each day: first every route's day, waiting for the last report; then,
#    from the closed days, the few routes to show.


@app.table(
    departures,
    by=lambda flight: flight.route,
    partitions=TASKS,
    window=fl.tumbling("1d", grace=LONGEST_WAIT),
    emit="close",
)
def route_days(total: RouteDay, flight: Flight) -> RouteDay:
    total.day = flight.scheduled.date().isoformat()
    total.route = flight.route
    total.departures += 1
    total.delay_minutes += flight.delay_minutes or 0
    return total


route_days_closed = app.topic(
    "route-days-closed", key=fl.Windowed[str], value=RouteDay, config=KEEP
)
route_days.to(route_days_closed)


@app.table(route_days_closed, by=lambda total: total.day)
def worst_routes(worst: WorstRoutes, total: RouteDay) -> WorstRoutes:
    """A route that comes twice replaces itself: a repeated record changes nothing."""
    if total.departures >= FEWEST_DEPARTURES:
        others = [other for other in worst.routes if other.route != total.route]
        ranked = sorted([*others, total], key=lambda day: (-day.mean_minutes, day.route))
        worst.routes = ranked[:WORST_COUNT]
    return worst


# 3. How many have left each airport.

airport_departures = departures.group_by(
    lambda flight: flight.origin, name="by-airport", partitions=TASKS
).count(name="airport-departures")
