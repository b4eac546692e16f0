"""What a store is: ordered bytes to bytes, and a position that is written together with them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

import msgspec

Change = tuple[bytes, bytes | None]
"""A key and its new value; None deletes."""


class StorePosition(msgspec.Struct, frozen=True, array_like=True):
    """How far a store is.

    changelog_offset: the next record of the changelog that is not in the store (exclusive).
    stream_time_ms: the task's stream time when the store was written; -1 before any record.
    """

    changelog_offset: int = 0
    stream_time_ms: int = -1


class Store(Protocol):
    """One partition of one table. Written by one thread; read by any.

    A write is atomic: after a crash a store holds all of it or nothing, and never a later write
    without the earlier ones.
    """

    def get(self, key: bytes) -> bytes | None:
        """The value, or None."""
        ...

    def scan(self, begin: bytes, end: bytes | None) -> Iterator[tuple[bytes, bytes]]:
        """Keys from `begin` on and below `end` (exclusive; None: to the last), in order."""
        ...

    def write(self, changes: Sequence[Change], position: StorePosition) -> None:
        """Apply changes and position together."""
        ...

    def clear(self) -> None:
        """Delete everything, the position too."""
        ...

    def position(self) -> StorePosition:
        """The position that was written last."""
        ...

    def flush(self) -> None:
        """Make what has been written survive a crash of the process."""
        ...

    def close(self) -> None:
        """Flush and give the store up; it may be opened again."""
        ...


def prefix_end(prefix: bytes) -> bytes | None:
    """The first key after all keys that begin with the prefix; None if there is no such key."""
    stripped = prefix.rstrip(b"\xff")
    return stripped[:-1] + bytes([stripped[-1] + 1]) if stripped else None
