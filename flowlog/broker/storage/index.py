"""The two sparse indexes of a segment, in memory and in Kafka's file formats. No I/O here.

`.index`, 8 bytes an entry:      relative offset i32, position i32
`.timeindex`, 12 bytes an entry: timestamp i64, relative offset i32

Offsets are relative to the segment's base. An entry of the first says: the batch at `position`
ends with that offset. One of the second: up to that offset the largest timestamp is this one.
The files carry no checksum; they are rebuilt from the log whenever in doubt.

Source: OffsetIndex and TimeIndex in apache/kafka, storage.
"""

from __future__ import annotations

import sys
from array import array
from bisect import bisect_right
from itertools import chain
from operator import le, lt
from struct import Struct
from typing import Final

from flowlog.errors import FlowlogError
from flowlog.records.batch import NO_TIMESTAMP

OFFSET_ENTRY_BYTES: Final = 8
TIME_ENTRY: Final = Struct(">qi")
RELATIVE_OFFSET_MAX: Final = 2**31 - 1


class CorruptIndexError(FlowlogError):
    """An index file that cannot be one; the segment has to be scanned."""

    def __init__(self, message: str) -> None:
        super().__init__(message, code="CORRUPT_INDEX")


class OffsetIndex:
    """Where some of a segment's batches start."""

    __slots__ = ("base_offset", "offsets", "positions")

    def __init__(self, base_offset: int) -> None:
        self.base_offset = base_offset
        self.offsets = array("i")
        """Relative last offsets of the indexed batches, ascending."""
        self.positions = array("i")

    def __len__(self) -> int:
        return len(self.offsets)

    def append(self, last_offset: int, position: int) -> None:
        relative = last_offset - self.base_offset
        assert not self.offsets or relative > self.offsets[-1], "index entries ascend"
        self.offsets.append(relative)
        self.positions.append(position)

    def position_for(self, offset: int) -> int:
        """Where to start looking for the batch that holds `offset`: at it or before it."""
        return self.entry_for(offset)[0]

    def entry_for(self, offset: int) -> tuple[int, int | None]:
        """As `position_for`, and the last offset of the batch there; None if that is not known."""
        return self._entry(bisect_right(self.offsets, self._relative(offset)))

    def last_boundary(self, position: int) -> tuple[int, int | None]:
        """The greatest known start of a batch at or before `position`, and its last offset."""
        return self._entry(bisect_right(self.positions, min(position, RELATIVE_OFFSET_MAX)))

    def _entry(self, behind: int) -> tuple[int, int | None]:
        if not behind:
            return 0, None
        return self.positions[behind - 1], self.base_offset + self.offsets[behind - 1]

    def _relative(self, offset: int) -> int:
        return min(offset - self.base_offset, RELATIVE_OFFSET_MAX)

    def truncate(self, size_bytes: int) -> None:
        """Forget batches that start at `size_bytes` or behind it."""
        keep = bisect_right(self.positions, size_bytes - 1)
        del self.offsets[keep:], self.positions[keep:]

    def encode(self) -> bytes:
        entries = array("i", bytes(len(self) * OFFSET_ENTRY_BYTES))
        entries[0::2] = self.offsets
        entries[1::2] = self.positions
        if sys.byteorder == "little":
            entries.byteswap()
        return entries.tobytes()

    @classmethod
    def decode(cls, base_offset: int, data: bytes, *, log_size_bytes: int) -> OffsetIndex:
        """Raises CorruptIndexError when these bytes cannot index a log file of that size."""
        if len(data) % OFFSET_ENTRY_BYTES:
            raise CorruptIndexError(f"{len(data)} bytes are no whole number of index entries")
        index = cls(base_offset)
        entries = array("i", data)
        if sys.byteorder == "little":
            entries.byteswap()
        index.offsets = entries[0::2]
        index.positions = entries[1::2]
        if not (_ascends(index.offsets) and _ascends(index.positions)):
            raise CorruptIndexError("index entries do not ascend")
        if len(index) and (
            index.offsets[0] < 0 or index.positions[0] < 0 or index.positions[-1] >= log_size_bytes
        ):
            raise CorruptIndexError("an index entry points out of the log file")
        return index


class TimeIndex:
    """The largest timestamp so far, at some of a segment's batches."""

    __slots__ = ("base_offset", "offsets", "timestamps")

    def __init__(self, base_offset: int) -> None:
        self.base_offset = base_offset
        self.timestamps = array("q")
        self.offsets = array("i")

    def __len__(self) -> int:
        return len(self.timestamps)

    def maybe_append(self, timestamp_ms: int, offset: int) -> None:
        """Add an entry if the largest timestamp grew since the last one."""
        if timestamp_ms > (self.timestamps[-1] if self.timestamps else NO_TIMESTAMP):
            self.timestamps.append(timestamp_ms)
            self.offsets.append(offset - self.base_offset)

    def last(self) -> tuple[int, int] | None:
        """(timestamp, absolute offset) of the newest entry."""
        if not self.timestamps:
            return None
        return self.timestamps[-1], self.base_offset + self.offsets[-1]

    def entry_before(self, timestamp_ms: int) -> tuple[int, int] | None:
        """The newest entry (timestamp, absolute offset) that is older than `timestamp_ms`.

        Every timestamp before its offset is less than `timestamp_ms`, too.
        """
        i = bisect_right(self.timestamps, timestamp_ms - 1)
        return (self.timestamps[i - 1], self.base_offset + self.offsets[i - 1]) if i else None

    def truncate(self, next_offset: int) -> None:
        """Forget offsets from `next_offset` on."""
        relative = min(next_offset - self.base_offset - 1, RELATIVE_OFFSET_MAX)
        keep = bisect_right(self.offsets, relative)
        del self.offsets[keep:], self.timestamps[keep:]

    def encode(self) -> bytes:
        flat = chain.from_iterable(zip(self.timestamps, self.offsets, strict=True))
        return Struct(">" + "qi" * len(self)).pack(*flat)

    @classmethod
    def decode(cls, base_offset: int, data: bytes) -> TimeIndex:
        """Raises CorruptIndexError when these bytes cannot be a time index."""
        if len(data) % TIME_ENTRY.size:
            raise CorruptIndexError(f"{len(data)} bytes are no whole number of time index entries")
        index = cls(base_offset)
        for timestamp_ms, relative in TIME_ENTRY.iter_unpack(data):
            index.timestamps.append(timestamp_ms)
            index.offsets.append(relative)
        if not _ascends(index.timestamps) or not all(map(le, index.offsets, index.offsets[1:])):
            raise CorruptIndexError("time index entries do not ascend")
        if len(index) and index.offsets[0] < 0:
            raise CorruptIndexError("a time index entry lies before its segment")
        return index


def _ascends(values: array[int]) -> bool:
    return all(map(lt, values, values[1:]))
