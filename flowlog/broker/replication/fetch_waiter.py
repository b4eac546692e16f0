"""A fetch that waits for records: told of each append, woken once."""

from __future__ import annotations

import anyio


class FetchWaiter:
    """Counts the bytes that arrive on the partitions it watches and wakes its owner in time.

    It wakes when `min_bytes` more have become readable, or at once when a partition is gone.
    """

    __slots__ = ("_event", "_missing_bytes", "reads_committed")

    def __init__(self, missing_bytes: int, *, reads_committed: bool = False) -> None:
        """`reads_committed`: what is not decided yet is not readable."""
        self.reads_committed = reads_committed
        self._missing_bytes = missing_bytes
        self._event = anyio.Event()

    def on_readable(self, size_bytes: int) -> None:
        """`size_bytes` more can be read."""
        self._missing_bytes -= size_bytes
        if self._missing_bytes <= 0:
            self._event.set()

    def on_gone(self) -> None:
        """A watched partition was deleted or moved: the fetch must look again now."""
        self._event.set()

    @property
    def is_awake(self) -> bool:
        return self._event.is_set()

    async def wait(self, timeout_ms: int) -> None:
        """Return when there is enough to read, at the latest after `timeout_ms`."""
        with anyio.move_on_after(timeout_ms / 1000):
            await self._event.wait()
