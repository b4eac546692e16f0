"""The same three questions, answered in one go over a list: what the stream must come to.

Plain loops over flights; nothing of `flowlog.streams` is used here but the types of the rows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from .flights import FEWEST_DEPARTURES, WORST_COUNT, Delays, Flight, RouteDay


@dataclass(slots=True)
class BatchAnswers:
    """Totals over some flights; days are UTC days of the scheduled departure."""

    departures: int = 0
    cancelled: int = 0
    airports: dict[str, int] = field(default_factory=dict)
    carriers: dict[str, Delays] = field(default_factory=dict)
    route_days: dict[str, dict[str, RouteDay]] = field(default_factory=dict)  # day, then route

    def worst_routes(self, day: str) -> list[RouteDay]:
        """The day's routes with the greatest mean delays, the worst first."""
        busy = [r for r in self.route_days[day].values() if r.departures >= FEWEST_DEPARTURES]
        return sorted(busy, key=lambda r: (-r.mean_minutes, r.route))[:WORST_COUNT]


def answer(flights: Iterable[Flight]) -> BatchAnswers:
    """Count the flights; cancelled ones are no departures."""
    answers = BatchAnswers()
    airports: defaultdict[str, int] = defaultdict(int)
    carriers: defaultdict[str, Delays] = defaultdict(Delays)
    for flight in flights:
        if flight.delay_minutes is None:
            answers.cancelled += 1
            continue
        answers.departures += 1
        airports[flight.origin] += 1
        carriers[flight.carrier].departures += 1
        carriers[flight.carrier].delay_minutes += flight.delay_minutes
        _add_to_day(answers.route_days, flight, flight.delay_minutes)
    answers.airports = dict(airports)
    answers.carriers = dict(carriers)
    return answers


def _add_to_day(days: dict[str, dict[str, RouteDay]], flight: Flight, delay_minutes: int) -> None:
    day = flight.scheduled.date().isoformat()
    total = days.setdefault(day, {}).setdefault(flight.route, RouteDay(day, flight.route))
    total.departures += 1
    total.delay_minutes += delay_minutes
