"""The offset map: for each key of the dirty range, where its last record is."""

from __future__ import annotations

from bisect import bisect_left
from typing import Final

from flowlog.records.batch import RecordBatchView
from flowlog.records.compression import decompress

from .record_walk import note_latest

NOT_THERE: Final = -1


class OffsetMap:
    """Built once, batch by batch in the order of the log; then asked.

    An entry is the offset times two, plus one where the record is a tombstone.
    """

    def __init__(self, first_offset: int, *, keys_max: int, max_decompressed_bytes: int) -> None:
        self.end_offset = first_offset
        """Exclusive: what lies at it or behind it is not in the map."""
        self._latest: dict[bytes, int] = {}
        self._keys_max = keys_max
        self._max_decompressed_bytes = max_decompressed_bytes
        self._survivors: list[int] = []

    def __len__(self) -> int:
        return len(self._latest)

    @property
    def is_full(self) -> bool:
        return len(self._latest) >= self._keys_max

    def note(self, batch: RecordBatchView) -> None:
        """Take in a batch of data."""
        records = plain_records(batch, self._max_decompressed_bytes)
        is_dense = batch.record_count == batch.last_offset_delta + 1
        note_latest(records, batch.base_offset, self._latest, is_dense=is_dense)
        self.end_offset = batch.next_offset

    def skip(self, batch: RecordBatchView) -> None:
        """A batch whose records count for no key: a marker, or aborted."""
        self.end_offset = batch.next_offset

    def finish(self) -> None:
        """No more batches: now what survives can be asked by offset."""
        self._survivors = sorted(self._latest.values())

    def survivors_in(self, batch: RecordBatchView) -> list[int]:
        """The records of a batch noted here that are the last of their key: offset deltas times
        two, plus one for a tombstone.
        """
        base = batch.base_offset << 1
        first = bisect_left(self._survivors, base)
        end = bisect_left(self._survivors, batch.next_offset << 1)
        return [code - base for code in self._survivors[first:end]]

    def is_last(self, key: bytes, offset: int) -> bool:
        """Whether no later record of the key is known."""
        return offset >= (self._latest.get(key, NOT_THERE) >> 1)


def plain_records(batch: RecordBatchView, max_decompressed_bytes: int) -> bytes:
    """The records of a batch, expanded.

    Raises:
        CorruptBatchError, DecompressedTooLargeError: it cannot be expanded.
    """
    expanded = decompress(batch.codec, batch.records_blob, max_bytes=max_decompressed_bytes)
    return bytes(expanded)
