"""Which windows are open, by start, and which of them close when stream time moves."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator


class OpenWindows:
    """The starts of the open windows of one task, smallest first.

    Checked once per batch against the smallest start, so that closing costs nothing per record.
    """

    def __init__(self, starts: Iterable[int] = ()) -> None:
        self._known = set(starts)
        self._heap = list(self._known)
        heapq.heapify(self._heap)

    def __len__(self) -> int:
        return len(self._heap)

    def add(self, start_ms: int) -> None:
        """Note a window; a known one changes nothing."""
        if start_ms not in self._known:
            self._known.add(start_ms)
            heapq.heappush(self._heap, start_ms)

    def last_start_ms(self) -> int | None:
        """The start of the youngest window."""
        return max(self._heap, default=None)

    def close(self, *, wait_ms: int, stream_time_ms: int) -> Iterator[int]:
        """Forget and yield the starts of the windows that are closed now, the oldest first."""
        while self._heap and self._heap[0] + wait_ms <= stream_time_ms:
            start_ms = heapq.heappop(self._heap)
            self._known.discard(start_ms)
            yield start_ms
