"""Which stretches of a log file were checked since this process started. Pure.

Positions are bytes from the file's start; every stretch begins and ends where a batch does.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right


class CheckedExtents:
    """Disjoint stretches `[start, end)` in order, each with the offset that its last batch ends at.

    Consumers read on, so stretches touch and become one: there are rarely more than a few.
    """

    __slots__ = ("_ends", "_next_offsets", "_starts", "generation")

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        self._next_offsets: list[int] = []
        self.generation = 0
        """Counts how often all was forgotten."""

    def __len__(self) -> int:
        return len(self._starts)

    def known_from(self, position: int) -> tuple[int, int] | None:
        """If the byte at `position` was checked: where its stretch ends, and at which offset."""
        i = bisect_right(self._starts, position) - 1
        if i < 0 or self._ends[i] <= position:
            return None
        return self._ends[i], self._next_offsets[i]

    def covers(self, start: int, end: int) -> bool:
        """Whether all of `[start, end)` was checked."""
        known = self.known_from(start)
        return start >= end or (known is not None and known[0] >= end)

    def add(self, start: int, end: int, next_offset: int) -> None:
        """`[start, end)` was checked; its last batch ends at `next_offset` (exclusive)."""
        if start >= end:
            return
        first = bisect_left(self._ends, start)
        behind = bisect_right(self._starts, end)
        if first < behind:
            start = min(start, self._starts[first])
            if self._ends[behind - 1] > end:
                end, next_offset = self._ends[behind - 1], self._next_offsets[behind - 1]
        self._starts[first:behind] = [start]
        self._ends[first:behind] = [end]
        self._next_offsets[first:behind] = [next_offset]

    def clear(self) -> None:
        """The file was cut or written anew: nothing is known of it."""
        self.generation += 1
        self._starts.clear()
        self._ends.clear()
        self._next_offsets.clear()
