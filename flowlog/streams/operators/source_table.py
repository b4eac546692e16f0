"""A table that is a topic: the last value of each key, stored as the bytes that came."""

from __future__ import annotations

from collections.abc import Iterable

from flowlog.streams.records import Tombstone
from flowlog.streams.state.entry import Flushed, pack_value

from .rows import Row


class SourceTable:
    """One partition of a source table. The topic is its own changelog: nothing is written to it."""

    def __init__(self) -> None:
        self.dropped_count = 0
        self._latest: dict[bytes, tuple[bytes | None, int]] = {}

    def process(self, rows: Iterable[Row]) -> None:
        """Remember the last value of each key; a null value deletes."""
        latest = self._latest
        for key, value, timestamp_ms, _, _ in rows:
            if key is None:
                self.dropped_count += 1
            else:
                latest[key] = (value, timestamp_ms)

    def dirty_count(self) -> int:
        """How many keys the next commit writes."""
        return len(self._latest)

    def flush(self) -> Flushed:
        """What changed since the last flush."""
        flushed = Flushed()
        for key, (value, timestamp_ms) in self._latest.items():
            stored = None if value is None else pack_value(timestamp_ms, value)
            flushed.changes.append((key, stored))
            update = Tombstone if value is None else value
            flushed.updates.append((key, update, timestamp_ms, value))
        self._latest = {}
        return flushed
