"""Rebuilds a store from its changelog: which records to apply, and which to make good.

Records below the committed end are applied. A worker that died between writing its changelog and
committing its offsets left records beyond it; they are of input that will be read again, so they
are not applied, and the next commit writes the right values of their keys once more.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flowlog.streams.state.entry import pack_value
from flowlog.streams.state.store import Change, Store, StorePosition
from flowlog.streams.topology.nodes import FoldNode, StoreNode, TableSourceNode
from flowlog.streams.windows.keys import store_key_of_changelog


class Restoring:
    """The state of one store's restore."""

    def __init__(self, node: StoreNode, store: Store, end_offset: int, stream_time_ms: int) -> None:
        """`end_offset`: exclusive; what the last commit says belongs to it."""
        self.repairs: list[bytes] = []
        self.applied_count = 0
        self._store = store
        self._end_offset = end_offset
        self._stream_time_ms = stream_time_ms
        self._is_windowed = isinstance(node, FoldNode) and node.window is not None
        self._needs_repairs = not isinstance(node, TableSourceNode)
        self._next_offset = store.position().changelog_offset

    def apply(self, messages: Iterable[Any]) -> None:
        """Write a batch of changelog records to the store."""
        changes: list[Change] = []
        append, end, windowed = changes.append, self._end_offset, self._is_windowed
        for message in messages:
            key = message.key()
            if key is None:
                continue
            if windowed:
                key = store_key_of_changelog(key)
            if message.offset() >= end:
                if self._needs_repairs:
                    self.repairs.append(key)
                continue
            value = message.value()
            append((key, None if value is None else pack_value(message.timestamp()[1], value)))
            self._next_offset = message.offset() + 1
        if changes:
            self.applied_count += len(changes)
            self._store.write(changes, StorePosition(self._next_offset, self._stream_time_ms))

    def finish(self) -> None:
        """All records that there were have been applied."""
        position = StorePosition(
            max(self._end_offset, self._store.position().changelog_offset), self._stream_time_ms
        )
        if position != self._store.position():
            self._store.write((), position)
