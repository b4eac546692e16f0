"""Folds records into one state per key: the cache, the dirty keys, what a commit writes.

States are live Python objects; a fold may change the one it is given. They are encoded once per
commit. After a commit everything is clean, and only then are the least recently used forgotten.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from flowlog.streams.records import UNSET, Tombstone
from flowlog.streams.serdes.serde import Serde
from flowlog.streams.state.entry import Entry, Flushed, pack_value, unpack_value
from flowlog.streams.state.store import Store

from .fold import Fold
from .rows import OnFailure, Row

CACHE_ENTRIES: Final = 200_000


class KeyedTable:
    """One partition of a table without windows."""

    def __init__(
        self,
        store: Store,
        serde: Serde[Any],
        fold: Fold,
        *,
        on_failure: OnFailure,
        cache_entries: int = CACHE_ENTRIES,
    ) -> None:
        self.dropped_count = 0
        self._store = store
        self._serde = serde
        self._fold = fold
        self._on_failure = on_failure
        self._half = max(1, cache_entries // 2)
        self._young: dict[bytes, Entry] = {}
        self._old: dict[bytes, Entry] = {}
        self._dirty: list[Entry] = []
        # True: a key that is not in the cache is in no store either, and need not be looked for.
        self._is_complete = next(iter(store.scan(b"", None)), None) is None

    def process(self, rows: Iterable[Row]) -> None:
        """Fold the rows in; one whose function raises goes to `on_failure` and changes nothing."""
        entries, dirty, fold, init = self._young, self._dirty, self._fold.function, self._fold.init
        guard, bind = self._fold.needs_guard, self._fold.bind
        for row in rows:
            key, value, timestamp_ms, message, _ = row
            if key is None:
                self.dropped_count += 1
                continue
            entry = entries.get(key)
            if entry is None:
                entry = self._load(key)
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

    def dirty_count(self) -> int:
        """How many keys the next commit writes."""
        return len(self._dirty)

    def flush(self) -> Flushed:
        """Encode what changed since the last flush."""
        flushed = Flushed()
        changes, changelog, updates = flushed.changes, flushed.changelog, flushed.updates
        encode = self._serde.encode
        for entry in self._dirty:
            entry.is_dirty = False
            key, value, timestamp_ms = entry.key, entry.value, entry.timestamp_ms
            if value is UNSET:
                changes.append((key, None))
                changelog.append((key, None, timestamp_ms))
                updates.append((key, Tombstone, timestamp_ms, None))
                continue
            encoded = encode(value)
            changes.append((key, pack_value(timestamp_ms, encoded)))
            changelog.append((key, encoded, timestamp_ms))
            updates.append((key, value, timestamp_ms, encoded))
        self._dirty.clear()
        return flushed

    def written(self) -> None:
        """The store now holds what was flushed: forget the least recently used."""
        if len(self._young) > self._half:
            self._is_complete = self._is_complete and not self._old
            self._old, self._young = self._young, {}

    def touch(self, key: bytes) -> None:
        """Have the next commit write the key again, as it is."""
        entry = self._young.get(key) or self._load(key)
        if not entry.is_dirty:
            entry.is_dirty = True
            self._dirty.append(entry)

    def _load(self, key: bytes) -> Entry:
        entry = self._old.pop(key, None)
        if entry is None:
            stored = None if self._is_complete else self._store.get(key)
            entry = Entry(key)
            if stored is not None:
                entry.timestamp_ms, encoded = unpack_value(stored)
                entry.value = self._serde.decode(encoded)
        self._young[key] = entry
        return entry


class CountTable(KeyedTable):
    """The same for the commonest fold, without a call per record."""

    def process(self, rows: Iterable[Row]) -> None:
        entries, dirty = self._young, self._dirty
        for key, _, timestamp_ms, _, _ in rows:
            if key is None:
                self.dropped_count += 1
                continue
            entry = entries.get(key)
            if entry is None:
                entry = self._load(key)
            entry.value = 1 if entry.value is UNSET else entry.value + 1
            if timestamp_ms > entry.timestamp_ms:
                entry.timestamp_ms = timestamp_ms
            if not entry.is_dirty:
                entry.is_dirty = True
                dirty.append(entry)
