"""A key's state as a live Python object, and what a commit makes of the changed ones.

A stored value is the timestamp of the result, then the value as its serde writes it:

    timestamp ms, int64 | value …
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Any, Final

from flowlog.streams.records import UNSET

from .store import Change

_TIMESTAMP: Final = struct.Struct(">q")
TIMESTAMP_BYTES: Final = _TIMESTAMP.size

ChangelogRow = tuple[bytes, bytes | None, int]
"""Key, value (None: deleted) and timestamp in ms, as they go to the changelog."""

Update = tuple[bytes, Any, int, bytes | None]
"""Key, value (or `Tombstone`), timestamp in ms and the value's bytes, as a table hands them on."""


class Entry:
    """One key in the cache. `value` is UNSET where the key has none."""

    __slots__ = ("is_dirty", "key", "start_ms", "timestamp_ms", "value")

    def __init__(
        self, key: bytes, value: Any = UNSET, timestamp_ms: int = -1, start_ms: int = 0
    ) -> None:
        self.key = key
        self.value = value
        self.timestamp_ms = timestamp_ms
        self.start_ms = start_ms
        self.is_dirty = False


@dataclass(slots=True)
class Flushed:
    """What a commit writes for one table: to the store, to the changelog, and on to its readers."""

    changes: list[Change] = field(default_factory=list)
    changelog: list[ChangelogRow] = field(default_factory=list)
    updates: list[Update] = field(default_factory=list)


def pack_value(timestamp_ms: int, value: bytes) -> bytes:
    """The stored form."""
    return _TIMESTAMP.pack(timestamp_ms) + value


def unpack_value(stored: bytes) -> tuple[int, bytes]:
    """Timestamp and value of the stored form."""
    (timestamp_ms,) = _TIMESTAMP.unpack_from(stored)
    return timestamp_ms, stored[TIMESTAMP_BYTES:]
