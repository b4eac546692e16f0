"""What the viewer knows so far, gathered from the app's topics and tables. Pure.

Closed windows, late reports and counts replace or repeat themselves harmlessly: a record that
comes twice, as it may after a worker's crash, changes nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from .flights import Delays, Flight, RouteDay

Hour = tuple[str, int]  # carrier, start of the hour in ms


@dataclass(slots=True)
class Board:
    """The app's answers as received."""

    hours: dict[Hour, Delays] = field(default_factory=dict)  # closed ones
    newest_hours: dict[str, int] = field(default_factory=dict)  # by carrier: newest closed start
    late: set[Flight] = field(default_factory=set)
    route_days: dict[str, dict[str, RouteDay]] = field(default_factory=dict)  # closed: day, route
    worst: dict[str, list[RouteDay]] = field(default_factory=dict)  # by day
    airports: dict[str, int] = field(default_factory=dict)

    def add_hour(self, carrier: str, start_ms: int, delays: Delays) -> None:
        self.hours[carrier, start_ms] = delays
        self.newest_hours[carrier] = max(self.newest_hours.get(carrier, 0), start_ms)

    def add_route_day(self, total: RouteDay) -> None:
        self.route_days.setdefault(total.day, {})[total.route] = total

    @property
    def departures(self) -> int:
        """How many the app has counted."""
        return sum(self.airports.values())

    @property
    def newest_day(self) -> str | None:
        """The newest day of which a route is closed."""
        return max(self.route_days, default=None)

    def carriers(self, open_hours: Mapping[Hour, Delays]) -> dict[str, Delays]:
        """Totals by carrier over closed hours, late reports and the hours given as still open."""
        totals: defaultdict[str, Delays] = defaultdict(Delays)
        for carrier, delays in self._parts(open_hours):
            totals[carrier].departures += delays.departures
            totals[carrier].delay_minutes += delays.delay_minutes
        return dict(totals)

    def _parts(self, open_hours: Mapping[Hour, Delays]) -> Iterator[tuple[str, Delays]]:
        for (carrier, _start_ms), delays in self.hours.items():
            yield carrier, delays
        for hour, delays in open_hours.items():
            if hour not in self.hours:
                yield hour[0], delays
        for flight in self.late:
            yield flight.carrier, Delays(1, flight.delay_minutes or 0)
