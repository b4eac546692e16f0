"""Folds records into one state per key and window; hands windows on when they change or close.

Stream time comes with every row, so what is late does not depend on how records are batched. Open
windows are dictionaries by start; closing is looked at once per batch.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from flowlog.streams.records import UNSET, Tombstone
from flowlog.streams.serdes.serde import Serde
from flowlog.streams.state.entry import Entry, Flushed, Update, pack_value, unpack_value
from flowlog.streams.state.store import Store
from flowlog.streams.windows.keys import (
    changelog_key,
    pack_start,
    split_store_key,
    store_key,
)
from flowlog.streams.windows.open_windows import OpenWindows
from flowlog.streams.windows.tumbling import TumblingWindow

from .fold import Fold
from .rows import OnFailure, Row

CACHE_ENTRIES: Final = 200_000


class WindowTable:
    """One partition of a table with tumbling windows."""

    def __init__(
        self,
        store: Store,
        serde: Serde[Any],
        fold: Fold,
        window: TumblingWindow,
        *,
        emits_on_close: bool,
        stream_time_ms: int,
        on_failure: OnFailure,
        cache_entries: int = CACHE_ENTRIES,
    ) -> None:
        """`stream_time_ms` is the task's, as of the last commit; -1 before any record."""
        self.dropped_count = 0
        self.late: list[Row] = []
        self._store = store
        self._serde = serde
        self._fold = fold
        self._window = window
        self._emits_on_close = emits_on_close
        self._on_failure = on_failure
        self._cache_entries = cache_entries
        self._windows: dict[int, dict[bytes, Entry]] = {}
        self._stored_starts = set(stored_starts(store))
        # Windows of which every key is in the cache: others are not looked for in the store.
        self._complete: set[int] = set()
        self._open = OpenWindows(
            start for start in self._stored_starts if not window.is_closed(start, stream_time_ms)
        )
        self._restored_time_ms = stream_time_ms
        self._dirty: list[Entry] = []
        self._expired: list[bytes] = []
        self._expired_before_ms = 0

    def process(self, rows: Iterable[Row]) -> None:
        """Fold the rows in; late ones are added to `late`, failing ones go to `on_failure`."""
        dirty, fold, init = self._dirty, self._fold.function, self._fold.init
        guard, bind = self._fold.needs_guard, self._fold.bind
        size_ms, wait_ms = self._window.size_ms, self._window.wait_ms
        entries: dict[bytes, Entry] = {}
        entries_start_ms: int | None = None
        for row in rows:
            key, value, timestamp_ms, message, stream_time_ms = row
            if key is None:
                self.dropped_count += 1
                continue
            start_ms = timestamp_ms - timestamp_ms % size_ms
            if start_ms + wait_ms <= stream_time_ms:
                self.late.append(row)
                continue
            if start_ms != entries_start_ms:
                entries = self._entries_of(start_ms)
                entries_start_ms = start_ms
            entry = entries.get(key)
            if entry is None:
                entry = self._load(entries, key, start_ms)
            state = entry.value
            before = self._serde.encode(state) if guard and state is not UNSET else None
            try:
                if bind is not None:
                    bind(message, key, timestamp_ms)
                state = fold(init() if state is UNSET else state, value)
                if state is None:
                    self._fold.refuse_none()
            except Exception as error:
                if before is not None:
                    entry.value = self._serde.decode(before)
                self._on_failure(error, row)
                continue
            entry.value = UNSET if state is Tombstone else state
            if timestamp_ms > entry.timestamp_ms:
                entry.timestamp_ms = timestamp_ms
            if not entry.is_dirty:
                entry.is_dirty = True
                dirty.append(entry)

    def close_windows(self, stream_time_ms: int) -> list[Update]:
        """The final values of the windows that closed; by start, then by key."""
        updates: list[Update] = []
        for start_ms in self._open.close(
            wait_ms=self._window.wait_ms, stream_time_ms=stream_time_ms
        ):
            if self._emits_on_close:
                updates.extend(self._final_values(start_ms))
        return updates

    def idle_stream_time_ms(self) -> int | None:
        """The stream time at which all open windows are closed; None if there are none."""
        start_ms = self._open.last_start_ms()
        return None if start_ms is None else start_ms + self._window.wait_ms

    def dirty_count(self) -> int:
        """How many windows the next commit writes."""
        return len(self._dirty)

    def flush(self) -> Flushed:
        """Encode what changed since the last flush; updates are for `emit="update"` only."""
        flushed = Flushed()
        encode = self._serde.encode
        updates = None if self._emits_on_close else flushed.updates
        for entry in self._dirty:
            entry.is_dirty = False
            key, start_ms, timestamp_ms = entry.key, entry.start_ms, entry.timestamp_ms
            encoded = None if entry.value is UNSET else encode(entry.value)
            stored = None if encoded is None else pack_value(timestamp_ms, encoded)
            flushed.changes.append((store_key(key, start_ms), stored))
            flushed.changelog.append((changelog_key(key, start_ms), encoded, timestamp_ms))
            if updates is not None:
                value = Tombstone if encoded is None else entry.value
                updates.append((key + pack_start(start_ms), value, timestamp_ms, encoded))
        self._dirty.clear()
        for stored_key in self._expired:
            start_ms, key = split_store_key(stored_key)
            flushed.changes.append((stored_key, None))
            flushed.changelog.append((changelog_key(key, start_ms), None, start_ms))
        self._expired.clear()
        return flushed

    def written(self, stream_time_ms: int) -> None:
        """The store now holds what was flushed: forget closed windows, and others if too many."""
        self._stored_starts.update(self._windows)
        for start_ms in [s for s in self._windows if self._window.is_closed(s, stream_time_ms)]:
            del self._windows[start_ms]
            self._complete.discard(start_ms)
        if sum(map(len, self._windows.values())) > self._cache_entries:
            self._windows.clear()
            self._complete.clear()
        self._expire(stream_time_ms)

    def touch(self, stored_key: bytes) -> None:
        """Have the next commit write the window again, as it is; the key is the store's.

        The window is open again if it was when the task was restored: a worker that died may have
        written its end to the changelog and not to the output.
        """
        start_ms, key = split_store_key(stored_key)
        entries = self._windows.setdefault(start_ms, {})
        self._stored_starts.add(start_ms)
        entry = entries.get(key) or self._load(entries, key, start_ms)
        if not entry.is_dirty:
            entry.is_dirty = True
            self._dirty.append(entry)
        if not self._window.is_closed(start_ms, self._restored_time_ms):
            self._open.add(start_ms)

    def _entries_of(self, start_ms: int) -> dict[bytes, Entry]:
        entries = self._windows.get(start_ms)
        if entries is None:
            entries = self._windows[start_ms] = {}
            self._open.add(start_ms)
            if start_ms not in self._stored_starts:
                self._complete.add(start_ms)
        return entries

    def _load(self, entries: dict[bytes, Entry], key: bytes, start_ms: int) -> Entry:
        entry = entries[key] = Entry(key, start_ms=start_ms)
        if start_ms not in self._complete:
            stored = self._store.get(store_key(key, start_ms))
            if stored is not None:
                entry.timestamp_ms, encoded = unpack_value(stored)
                entry.value = self._serde.decode(encoded)
        return entry

    def _final_values(self, start_ms: int) -> Iterator[Update]:
        entries = self._windows.get(start_ms, {})
        found = {
            key: (entry.value, entry.timestamp_ms)
            for key, entry in entries.items()
            if entry.value is not UNSET
        }
        if start_ms not in self._complete:
            prefix = pack_start(start_ms)
            for stored_key, stored in self._store.scan(prefix, pack_start(start_ms + 1)):
                key = stored_key[len(prefix) :]
                if key not in entries:
                    timestamp_ms, encoded = unpack_value(stored)
                    found[key] = (self._serde.decode(encoded), timestamp_ms)
        suffix = pack_start(start_ms)
        for key in sorted(found):
            value, timestamp_ms = found[key]
            yield key + suffix, value, timestamp_ms, None

    def _expire(self, stream_time_ms: int) -> None:
        """Have the next commit delete windows past retention, from store and changelog alike.

        The changelog is compacted and never deleted by age: its records carry event time, which
        a broker would compare with its own clock.
        """
        before_ms = stream_time_ms - self._window.retention_ms + 1
        if before_ms < self._expired_before_ms + self._window.size_ms:
            return
        begin = pack_start(self._expired_before_ms)
        self._expired += [key for key, _ in self._store.scan(begin, pack_start(before_ms))]
        self._expired_before_ms = before_ms
        self._stored_starts = {start for start in self._stored_starts if start >= before_ms}


def stored_starts(store: Store, from_ms: int = 0) -> Iterator[int]:
    """The starts of the windows in a store, in order, without reading all their keys."""
    begin = pack_start(max(0, from_ms))
    while (found := next(iter(store.scan(begin, None)), None)) is not None:
        start_ms, _ = split_store_key(found[0])
        yield start_ms
        begin = pack_start(start_ms + 1)
