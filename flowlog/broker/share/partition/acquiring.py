"""Delivering records: which of a reading become a member's, and what is known of the others.

Released records come before new ones. Where whole batches of the log may be delivered, the last of
them comes whole, so that the client need not be sent the same bytes twice.

Source: `SharePartition.acquire` in apache/kafka, core.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..persister import ARCHIVED, AVAILABLE, StateBatch
from .extents import data_in, holes_in, last_offset_for
from .requests import Acquired, AcquireMode, Acquisition, Limits, Reading
from .run import NO_CHANGE, Run
from .throttle import delivered_together, is_throttled
from .window import Window


class Delivery:
    """One look at a reading on a member's behalf."""

    def __init__(
        self, window: Window, reading: Reading, wanted: Acquisition, limits: Limits, now_ms: int
    ) -> None:
        self._window = window
        self._reading = reading
        self._wanted = wanted
        self._limits = limits
        self._locked_until_ms = now_ms + limits.lock_duration_ms
        self._left = wanted.max_records
        self.acquired: list[Acquired] = []
        self.archived: list[StateBatch] = []
        """Of what had been delivered before and is not in the log any more."""

    def run(self) -> None:
        if self._reading.end_offset <= self._window.start_offset:
            return
        self._archive_holes()
        if self._redeliver():
            self._deliver_new()

    def _archive_holes(self) -> None:
        """What was released and is no record any more is never delivered again."""
        for first, last in holes_in(self._reading):
            for run in self._window.cut(max(first, self._window.start_offset), last):
                if run.state == AVAILABLE:
                    run.settle(ARCHIVED)
                    if run.was_delivered:
                        self.archived.append(run.batch(ARCHIVED))

    def _redeliver(self) -> bool:
        """Acquire what was released; whether there is a point in going on to new records."""
        together: int | None = None  # the most that may come with a record that keeps failing
        for run in list(self._window.overlapping(self._reading.start_offset, self._last_offset)):
            if run.state != AVAILABLE or run.change != NO_CHANGE:
                continue
            if self._left <= 0:
                return False
            throttled = is_throttled(run, self._limits.delivery_count)
            if throttled:
                most = delivered_together(run, self._limits.delivery_count)
                if together is None and self.acquired:
                    return False  # a delivery of its own, next time
                if together is None:
                    together = most
                elif most == 1:
                    return False
            elif together is not None:
                return False
            count = self._acquire(run, together)
            if together is not None:
                together -= count
                if together <= 0:
                    return False
        return together is None and self._left > 0

    @property
    def _last_offset(self) -> int:
        return self._reading.end_offset - 1

    def _acquire(self, run: Run, most: int | None) -> int:
        """Acquire what the reading has of an available run, up to the limits; how many it was."""
        first = max(run.first, self._reading.start_offset)
        last = min(run.last, self._last_offset)
        exact = self._wanted.mode is AcquireMode.RECORD_LIMIT or most is not None
        limit = self._left if most is None else min(most, self._left)
        if last - first >= limit:
            last = min(last, first + limit - 1)
            if not exact:
                last = min(run.last, last_offset_for(self._reading, last))
        for piece_first, piece_last in self._pieces(first, last):
            for piece in self._window.cut(piece_first, piece_last):
                self._take(piece)
        count = last - first + 1
        self._left -= count
        return count

    def _deliver_new(self) -> None:
        """Let the window grow over the reading, as far as the limits allow."""
        window = self._window
        room = min(self._left, self._limits.record_locks - len(window))
        position = max(window.end_offset, self._reading.start_offset)
        if room <= 0 or position > self._last_offset or position > window.end_offset:
            return
        last = self._grown_to(position, room)
        for first, end, is_data in self._stretches(position, last):
            if is_data:
                for piece_first, piece_last in self._pieces(first, end):
                    run = Run(piece_first, piece_last, AVAILABLE, 0, piece_last - piece_first + 1)
                    window.append(run)
                    self._take(run)
            else:
                window.append(Run(first, end, ARCHIVED, 0, end - first + 1))

    def _grown_to(self, position: int, room: int) -> int:
        """The last offset (inclusive) of a window that grows by about `room` records."""
        last = position - 1
        exact = self._wanted.mode is AcquireMode.RECORD_LIMIT
        for first, extent_last in data_in(self._reading, position, self._last_offset):
            if room <= 0:
                return first - 1  # what is between is no record: it may go with the others
            last = min(extent_last, first + room - 1) if exact else extent_last
            room -= last - first + 1
            if last < extent_last:
                return last
        return self._last_offset

    def _stretches(self, first: int, last: int) -> Iterator[tuple[int, int, bool]]:
        """The offsets in turn, data and holes: neighbouring batches are one stretch of data."""
        position = first
        data_from: int | None = None
        for extent_first, extent_last in data_in(self._reading, first, last):
            if extent_first > position:
                if data_from is not None:
                    yield data_from, position - 1, True
                    data_from = None
                yield position, extent_first - 1, False
            if data_from is None:
                data_from = extent_first
            position = extent_last + 1
        if data_from is not None:
            yield data_from, position - 1, True
        if position <= last:
            yield position, last, False

    def _pieces(self, first: int, last: int) -> Iterator[tuple[int, int]]:
        """Parts of about the batch size that the client prefers, cut where the log's batches are."""
        size = self._wanted.batch_size
        if self._wanted.mode is AcquireMode.RECORD_LIMIT or last - first + 1 <= size:
            yield first, last
            return
        start = first
        for extent_first, _ in data_in(self._reading, first, last):
            if extent_first - start >= size:
                yield start, extent_first - 1
                start = extent_first
        yield start, last

    def _take(self, run: Run) -> None:
        run.acquire(self._wanted.member_id, self._locked_until_ms)
        before = self.acquired[-1] if self.acquired else None
        if (
            before is not None
            and before.last_offset + 1 == run.first
            and before.delivery_count == run.delivery_count
            and run.last - before.first_offset < self._wanted.batch_size
        ):
            self.acquired[-1] = before._replace(last_offset=run.last)
        else:
            self.acquired.append(Acquired(run.first, run.last, run.delivery_count))
