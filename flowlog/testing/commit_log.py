"""A coordinator's log in memory, whose commits and failures the test decides."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import anyio

from flowlog.broker.coordinator.commit_log import LogEntry


class MemoryCommitLog:
    """`CommitLog` over a list. It commits at once, unless `hold()` was called."""

    def __init__(self, records: Sequence[LogEntry] = ()) -> None:
        self.records = list(records)
        self.append_error: Exception | None = None  # raised by the next appends
        self._commit_error: Exception | None = None
        self._committed = len(self.records)
        self._held = False
        self._moved = anyio.Event()

    def append(self, entries: Sequence[LogEntry]) -> int:
        if self.append_error is not None:
            raise self.append_error
        self.records += entries
        if not self._held:
            self._committed = len(self.records)
        return len(self.records)

    def is_committed(self, end_offset: int) -> bool:
        return self._committed >= end_offset

    async def wait_committed(self, end_offset: int) -> None:
        while self._committed < end_offset:
            if self._commit_error is not None:
                raise self._commit_error
            await self._moved.wait()

    def read_all(self) -> Iterator[LogEntry]:
        yield from tuple(self.records)

    # What a test does to it.

    def hold(self) -> None:
        """Commit nothing more until `release`."""
        self._held = True

    def release(self) -> None:
        """Commit everything, now and from now on."""
        self._held = False
        self._committed = len(self.records)
        self._move()

    def fail_commits(self, error: Exception) -> None:
        """Let whoever waits for a commit hear of `error`."""
        self._commit_error = error
        self._move()

    def _move(self) -> None:
        moved, self._moved = self._moved, anyio.Event()
        moved.set()
