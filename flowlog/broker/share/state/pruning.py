"""What of `__share_group_state` has been superseded, and may be deleted from its beginning on.

Compaction would not do: a change has a key of its own, under which only the last one would stay.
So the topic is not compacted, and what lies before the oldest whole state that counts is deleted.

Source: `ShareCoordinatorOffsetsManager` in apache/kafka.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from flowlog.broker.coordinator.commit_log import CommitLog, CoordinatorRecord, LogEntry

from .records import SNAPSHOT

_KIND_SIZE = 2


class SnapshotOffsets:
    """Where each state was last written whole."""

    def __init__(self) -> None:
        self._last: dict[bytes, int] = {}  # by the key without its kind, oldest first

    def note(self, entry: LogEntry, offset: int) -> None:
        """An entry is in the log at that offset."""
        if not isinstance(entry, CoordinatorRecord):
            return
        if int.from_bytes(entry.key[:_KIND_SIZE], "big") != SNAPSHOT:
            return
        name = entry.key[_KIND_SIZE:]
        self._last.pop(name, None)
        if entry.value is not None:
            self._last[name] = offset

    def superseded_before(self, end_offset: int) -> int:
        """The offset (exclusive) before which nothing counts in a log that ends there."""
        return next(iter(self._last.values()), end_offset)


class PrunableLog:
    """A `CommitLog` that knows where its states were last written whole.

    Its records are dense from `start_offset` on: one entry, one offset.
    """

    def __init__(self, log: CommitLog, start_offset: int) -> None:
        self._log = log
        self._end_offset = start_offset
        self._snapshots = SnapshotOffsets()

    def append(self, entries: Sequence[LogEntry]) -> int:
        end_offset = self._log.append(entries)
        for offset, entry in enumerate(entries, end_offset - len(entries)):
            self._snapshots.note(entry, offset)
        self._end_offset = end_offset
        return end_offset

    def is_committed(self, end_offset: int) -> bool:
        return self._log.is_committed(end_offset)

    async def wait_committed(self, end_offset: int) -> None:
        await self._log.wait_committed(end_offset)

    def read_all(self) -> Iterator[LogEntry]:
        for entry in self._log.read_all():
            self._snapshots.note(entry, self._end_offset)
            self._end_offset += 1
            yield entry

    @property
    def superseded_before(self) -> int:
        """The offset (exclusive) before which the log may be deleted; at most what is committed."""
        offset = self._snapshots.superseded_before(self._end_offset)
        return offset if self._log.is_committed(offset) else 0
