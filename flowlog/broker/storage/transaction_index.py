"""`.txnindex`: the aborted transactions whose markers lie in one segment, in Kafka's format. Pure.

34 bytes an entry: version i16 = 0, producer id i64, first offset i64, last offset i64 (the
marker's), last stable offset i64 (exclusive: what was decided once the marker was written).

A reader of committed records is told the entries that overlap what it reads, and leaves those
producers' records out from the first offset to the marker. The format has no checksum: `decode`
holds the entries to all that is true of any honest index, and the rest is left to `log verify`.

Source: TransactionIndex and AbortedTxn in apache/kafka, storage.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from operator import attrgetter
from struct import Struct
from typing import Final, NamedTuple

from flowlog.broker.storage.index import CorruptIndexError

ENTRY: Final = Struct(">hqqqq")
VERSION: Final = 0
_last_offset: Final = attrgetter("last_offset")


class AbortedTransaction(NamedTuple):
    """Offsets inclusive but for the last stable one; the last is the marker's own."""

    producer_id: int
    first_offset: int
    last_offset: int
    last_stable_offset: int


class TransactionIndex:
    """Aborted transactions in the order of their markers."""

    __slots__ = ("_entries",)

    def __init__(self) -> None:
        self._entries: list[AbortedTransaction] = []

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[AbortedTransaction]:
        return iter(self._entries)

    def append(self, entry: AbortedTransaction) -> None:
        assert not self._entries or entry.last_offset > self._entries[-1].last_offset, entry
        self._entries.append(entry)

    def overlapping(
        self, start_offset: int, end_offset: int
    ) -> tuple[list[AbortedTransaction], bool]:
        """What was aborted of [start, end), and whether no later marker can add to it."""
        found = []
        first = bisect_left(self._entries, start_offset, key=_last_offset)
        for entry in self._entries[first:]:
            if entry.first_offset < end_offset:
                found.append(entry)
            if entry.last_stable_offset >= end_offset:
                return found, True
        return found, False

    def truncate(self, next_offset: int) -> None:
        """Forget markers at `next_offset` and behind it."""
        del self._entries[bisect_left(self._entries, next_offset, key=_last_offset) :]

    def encode(self) -> bytes:
        return b"".join(ENTRY.pack(VERSION, *entry) for entry in self._entries)

    @classmethod
    def decode(cls, data: bytes, *, base_offset: int, next_offset: int) -> TransactionIndex:
        """Raises CorruptIndexError when these bytes cannot index a segment of that extent."""
        if len(data) % ENTRY.size:
            raise CorruptIndexError(f"{len(data)} bytes are no whole number of transactions")
        index = cls()
        ends: dict[int, int] = {}
        before = AbortedTransaction(-1, -1, base_offset - 1, 0)
        for version, *fields in ENTRY.iter_unpack(data):
            entry = AbortedTransaction(*fields)
            if version != VERSION:
                raise CorruptIndexError(f"an aborted transaction of version {version}")
            if not before.last_offset < entry.last_offset < next_offset:
                raise CorruptIndexError(f"the marker of {entry} does not belong here")
            if not ends.get(entry.producer_id, -1) < entry.first_offset < entry.last_offset:
                raise CorruptIndexError(f"{entry} overlaps another of its producer")
            if not before.last_stable_offset <= entry.last_stable_offset <= entry.last_offset + 1:
                raise CorruptIndexError(f"the last stable offset of {entry} goes back or ahead")
            if entry.producer_id < 0:
                raise CorruptIndexError(f"{entry} has no producer")
            index.append(entry)
            ends[entry.producer_id] = entry.last_offset
            before = entry
        return index
