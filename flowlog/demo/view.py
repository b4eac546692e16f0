"""Replays the month into a running broker and worker, and shows the app's answers meanwhile.

One thread takes turns: publish what is due, read what was closed, ask the worker, draw.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Final

from rich.console import Console

from flowlog.client.cluster import Cluster
from flowlog.client.producing import RecordWriter
from flowlog.client.settings import ClientSettings
from flowlog.errors import FlowlogError

from .batch import answer
from .board import Board
from .check import Check, compare
from .closed import ClosedRecords, missing_topics
from .display import Display
from .flights import Flight, flights
from .month import january
from .queries import Queries
from .replay import Replay
from .reports import report
from .screen import Progress

DEFAULT_SPEED: Final = 86_400.0  # a day in a second: the month in half a minute
WAIT_S: Final = 30.0  # for the worker's start, and for its last answers
SAY_S: Final = 2.0  # a longer wait says what it waits for
TURN_S: Final = 0.05
ASK_EVERY_S: Final = 0.25


def run(bootstrap: str, http: str, *, seconds: float | None, speed: float | None) -> int:
    """Show the month; then compare the answers with the batch answers and say so.

    Args:
        bootstrap: the broker, HOST:PORT.
        http: the worker's HTTP server, HOST:PORT.
        seconds: stop publishing after that long; None: at the end of the month.
        speed: how many times faster than the flights left; None: a day in a second.

    Returns: 0 if all answers equal the batch answers over the published flights, else 1.

    Raises:
        FlowlogError: the broker or the worker does not answer.
    """
    cluster = Cluster(ClientSettings(bootstrap=bootstrap))
    display = Display(Console())
    wait_for(lambda: not missing_topics(cluster), "the worker to make its topics", display.say)
    replay = Replay(january(), speed=speed or DEFAULT_SPEED)
    with RecordWriter(cluster, flights.name) as writer, ClosedRecords(cluster) as closed:
        viewer = Viewer(replay, writer, closed, Queries(http))
        with display:
            viewer.replay(display, seconds)
        checks = viewer.check(display.say)
    for check in checks:
        display.say(str(check))
    return 0 if all(check.is_equal for check in checks) else 1


class Viewer:
    """A producer of reports, a reader of closed windows and a client of the worker's queries."""

    def __init__(
        self, replay: Replay, writer: RecordWriter, closed: ClosedRecords, queries: Queries
    ) -> None:
        self._replay = replay
        self._writer = writer
        self._closed = closed
        self._queries = queries
        self._board = Board()
        self._carriers: set[str] = set()
        self._airports: set[str] = set()
        self._next_ask_s = 0.0

    def replay(self, display: Display, seconds: float | None) -> None:
        """Publish at the replay's speed until its end, or for so long, drawing meanwhile."""
        started_s = time.monotonic()
        while not self._replay.is_done:
            elapsed_s = time.monotonic() - started_s
            if seconds is not None and elapsed_s >= seconds:
                break
            for flight in self._replay.due(int(elapsed_s * 1000)):
                self._publish(flight)
            self._listen()
            display.show(self._progress(elapsed_s), self._board)

    def check(self, say: Callable[[str], None]) -> list[Check]:
        """Compare once the app has caught up, or what there is when it takes too long."""
        self._writer.flush()
        batch = answer(self._replay.published)
        checks: list[Check] = []

        def is_equal() -> bool:
            self._closed.read_into(self._board, TURN_S)
            self._ask(self._board.route_days)
            open_hours = self._queries.open_hours(sorted(self._carriers))
            checks[:] = compare(self._board, open_hours or {}, batch)
            return all(check.is_equal for check in checks)

        try:
            wait_for(is_equal, "the last answers", say)
        except FlowlogError:
            assert checks, "compared at least once"
        return checks

    def _publish(self, flight: Flight) -> None:
        self._carriers.add(flight.carrier)
        self._airports.add(flight.origin)
        self._writer.write(report(flight))

    def _listen(self) -> None:
        self._closed.read_into(self._board, TURN_S)
        if time.monotonic() >= self._next_ask_s:
            self._next_ask_s = time.monotonic() + ASK_EVERY_S
            newest_day = self._board.newest_day
            self._ask([newest_day] if newest_day else [])

    def _ask(self, days: Iterable[str]) -> None:
        counts = self._queries.airport_departures(sorted(self._airports))
        if counts is not None:
            self._board.airports = counts
        for day in days:
            worst = self._queries.worst_routes(day)
            if worst is not None:
                self._board.worst[day] = worst

    def _progress(self, elapsed_s: float) -> Progress:
        published_count = len(self._replay.published)
        rate = published_count / max(elapsed_s, 1.0)  # the first second says nothing yet
        return Progress(self._replay.time_ms, published_count, self._replay.total_count, rate)


def wait_for(is_there: Callable[[], bool], what: str, say: Callable[[str], None]) -> None:
    """Ask again and again until it is there.

    Raises:
        FlowlogError: TIMED_OUT; it is not there after `WAIT_S`.
    """
    started_s = time.monotonic()
    has_said = False
    while not is_there():
        waited_s = time.monotonic() - started_s
        if waited_s >= WAIT_S:
            raise FlowlogError(f"waited {WAIT_S:.0f} s for {what}", code="TIMED_OUT")
        if waited_s >= SAY_S and not has_said:
            say(f"waiting for {what}")
            has_said = True
        time.sleep(TURN_S)
