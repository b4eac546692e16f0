"""Index files held against the batches that they describe.

An entry is right when the one batch that it means exists and is as the entry says; that leaves no
bit of an index file unchecked. The batches come by once, in order: entries are sorted first, so
that a damaged one is one finding and not one for each that follows.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct
from typing import Final, NamedTuple

from flowlog.broker.storage.inspect.findings import Finding
from flowlog.broker.storage.inspect.scan import ScannedBatch
from flowlog.records.batch import NO_TIMESTAMP

OFFSET_ENTRY: Final = Struct(">ii")
TIME_ENTRY: Final = Struct(">qi")


class OffsetEntry(NamedTuple):
    """An entry of an `.index` file, and where it stands in it. The offset is absolute."""

    at: int
    last_offset: int
    position: int


class TimeEntry(NamedTuple):
    """An entry of a `.timeindex` file, and where it stands in it. The offset is absolute."""

    at: int
    timestamp_ms: int
    last_offset: int


def offset_entries(data: bytes, base_offset: int) -> list[OffsetEntry]:
    """The whole entries of an `.index` file."""
    whole = memoryview(data)[: len(data) - len(data) % OFFSET_ENTRY.size]
    return [
        OffsetEntry(i * OFFSET_ENTRY.size, base_offset + relative, position)
        for i, (relative, position) in enumerate(OFFSET_ENTRY.iter_unpack(whole))
    ]


def time_entries(data: bytes, base_offset: int) -> list[TimeEntry]:
    """The whole entries of a `.timeindex` file."""
    whole = memoryview(data)[: len(data) - len(data) % TIME_ENTRY.size]
    return [
        TimeEntry(i * TIME_ENTRY.size, timestamp_ms, base_offset + relative)
        for i, (timestamp_ms, relative) in enumerate(TIME_ENTRY.iter_unpack(whole))
    ]


class OffsetIndexCheck:
    """An `.index` file: each entry's position starts a batch that ends with its offset."""

    def __init__(self, path: str, data: bytes, base_offset: int) -> None:
        self._path = path
        self._odd_bytes = len(data) % OFFSET_ENTRY.size
        self._size = len(data)
        entries = offset_entries(data, base_offset)
        self._in_order = entries
        self._open = sorted(entries, key=lambda entry: entry.position, reverse=True)

    def on_batch(self, batch: ScannedBatch) -> Iterator[Finding]:
        while self._open and self._open[-1].position <= batch.position:
            entry = self._open.pop()
            if entry.position < batch.position:
                yield self._finding(entry, f"no batch starts at position {entry.position}")
            elif entry.last_offset != batch.header.last_offset:
                yield self._finding(
                    entry,
                    f"offset {entry.last_offset}, but the batch at position {entry.position} "
                    f"ends with {batch.header.last_offset}",
                )

    def finish(self, *, is_whole: bool) -> Iterator[Finding]:
        """The log file is over; not `is_whole`: it could not be read to its end."""
        for entry in self._open if is_whole else ():
            yield self._finding(entry, f"position {entry.position} lies behind the log file's end")
        for before, entry in zip(self._in_order, self._in_order[1:], strict=False):
            if entry.last_offset <= before.last_offset or entry.position <= before.position:
                yield self._finding(entry, "does not ascend from the entry before it")
        if self._odd_bytes:
            at = self._size - self._odd_bytes
            yield Finding(self._path, at, f"{self._odd_bytes} bytes are no whole index entry")

    def _finding(self, entry: OffsetEntry, what: str) -> Finding:
        return Finding(self._path, entry.at, f"index entry: {what}")


class TimeIndexCheck:
    """A `.timeindex` file: at each entry's offset ends the first batch with the largest timestamp
    so far, and the entry says that timestamp. The last entry has the segment's largest.
    """

    def __init__(self, path: str, data: bytes, base_offset: int) -> None:
        self._path = path
        self._odd_bytes = len(data) % TIME_ENTRY.size
        self._size = len(data)
        self._in_order = time_entries(data, base_offset)
        self._open = sorted(self._in_order, key=lambda entry: entry.last_offset, reverse=True)
        self._largest_ms = NO_TIMESTAMP

    def on_batch(self, batch: ScannedBatch) -> Iterator[Finding]:
        last_offset, max_timestamp_ms = batch.header.last_offset, batch.header.max_timestamp_ms
        is_largest = max_timestamp_ms > self._largest_ms
        self._largest_ms = max(self._largest_ms, max_timestamp_ms)
        while self._open and self._open[-1].last_offset <= last_offset:
            entry = self._open.pop()
            if entry.last_offset < last_offset:
                yield self._finding(entry, f"no batch ends with offset {entry.last_offset}")
            elif entry.timestamp_ms != max_timestamp_ms or not is_largest:
                yield self._finding(
                    entry,
                    f"timestamp {entry.timestamp_ms} at offset {last_offset}, but its batch has "
                    f"{max_timestamp_ms} and the largest up to there is {self._largest_ms}",
                )

    def finish(self, *, is_whole: bool) -> Iterator[Finding]:
        """The log file is over; not `is_whole`: it could not be read to its end."""
        for entry in self._open if is_whole else ():
            yield self._finding(entry, f"offset {entry.last_offset} lies behind the segment's end")
        for before, entry in zip(self._in_order, self._in_order[1:], strict=False):
            if entry.timestamp_ms <= before.timestamp_ms or entry.last_offset <= before.last_offset:
                yield self._finding(entry, "does not ascend from the entry before it")
        last_ms = self._in_order[-1].timestamp_ms if self._in_order else NO_TIMESTAMP
        if is_whole and last_ms < self._largest_ms:
            yield Finding(
                self._path,
                self._size,
                f"ends before the segment's largest timestamp, {self._largest_ms}",
            )
        if self._odd_bytes:
            at = self._size - self._odd_bytes
            yield Finding(self._path, at, f"{self._odd_bytes} bytes are no whole index entry")

    def _finding(self, entry: TimeEntry, what: str) -> Finding:
        return Finding(self._path, entry.at, f"time index entry: {what}")
