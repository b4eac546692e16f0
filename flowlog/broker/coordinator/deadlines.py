"""`DeadlineQueue`: which of many keys is due next, at a cost that does not grow with the keys."""

from __future__ import annotations

import heapq
from collections.abc import Hashable, Iterator
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)


class DeadlineQueue(Generic[K]):
    """Each key has at most one deadline, in milliseconds of the monotonic clock.

    Entries of the heap that a later `schedule` or `cancel` made void are dropped when they come up.
    """

    def __init__(self) -> None:
        self._deadlines: dict[K, int] = {}
        self._heap: list[tuple[int, int, K]] = []
        self._serial = 0  # ties are broken by age, so that keys need no order

    def __len__(self) -> int:
        return len(self._deadlines)

    def schedule(self, key: K, deadline_ms: int | None) -> None:
        """Set the key's deadline, earlier or later than before; None takes it away."""
        if deadline_ms is None:
            self._deadlines.pop(key, None)
        elif self._deadlines.get(key) != deadline_ms:
            self._deadlines[key] = deadline_ms
            self._serial += 1
            heapq.heappush(self._heap, (deadline_ms, self._serial, key))

    def next_deadline_ms(self) -> int | None:
        """The earliest deadline, or None when nothing is scheduled."""
        while self._heap:
            deadline_ms, _, key = self._heap[0]
            if self._deadlines.get(key) == deadline_ms:
                return deadline_ms
            heapq.heappop(self._heap)
        return None

    def pop_due(self, now_ms: int) -> Iterator[K]:
        """Take out, earliest first, every key whose deadline is not after `now_ms`."""
        while (deadline_ms := self.next_deadline_ms()) is not None and deadline_ms <= now_ms:
            _, _, key = heapq.heappop(self._heap)
            del self._deadlines[key]
            yield key
