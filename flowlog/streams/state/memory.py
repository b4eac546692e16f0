"""A store in memory, for tests and for tables that need not outlive the process."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence

from .store import Change, StorePosition


class MemoryStore:
    """A dictionary that sorts its keys when it is scanned."""

    def __init__(self) -> None:
        self._values: dict[bytes, bytes] = {}
        self._position = StorePosition()

    def get(self, key: bytes) -> bytes | None:
        return self._values.get(key)

    def scan(self, begin: bytes, end: bytes | None) -> Iterator[tuple[bytes, bytes]]:
        keys = sorted(self._values)
        last = len(keys) if end is None else bisect_left(keys, end)
        for key in keys[bisect_left(keys, begin) : last]:
            if (value := self._values.get(key)) is not None:
                yield key, value

    def write(self, changes: Sequence[Change], position: StorePosition) -> None:
        for key, value in changes:
            if value is None:
                self._values.pop(key, None)
            else:
                self._values[key] = value
        self._position = position

    def clear(self) -> None:
        self._values.clear()
        self._position = StorePosition()

    def position(self) -> StorePosition:
        return self._position

    def flush(self) -> None:
        """Nothing outlives the process."""

    def close(self) -> None:
        """The values stay, as a directory would."""
