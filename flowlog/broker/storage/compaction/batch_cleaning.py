"""What becomes of one batch in a cleaning: kept as it is, rewritten with fewer records, or gone.

Offsets never change: a rewritten batch keeps its base offset and last offset delta, a kept record
its delta. Tombstones and markers that have no delete horizon get one in the base timestamp
(KIP-534) and go with a cleaning after it.
Source: LogCleaner and MemoryRecords.filterTo in apache/kafka.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from flowlog.records.batch import (
    CODEC_MASK,
    DELETE_HORIZON_BIT,
    HEADER,
    HEADER_BYTES,
    LENGTH_PREFIX_BYTES,
    RecordBatchView,
)
from flowlog.records.builder import seal
from flowlog.records.compression import compress
from flowlog.records.varint import append_varint

from .job import CleaningJob
from .offset_map import OffsetMap, plain_records
from .record_walk import Walked, walk_chosen, walk_records

Encoded = bytes | bytearray | memoryview


class AbortedData:
    """Which batches belong to transactions that were aborted."""

    def __init__(self, aborted: Iterable[tuple[int, int, int, int]]) -> None:
        self._extents: dict[int, list[tuple[int, int]]] = defaultdict(list)
        for producer_id, first_offset, last_offset, _ in aborted:
            self._extents[producer_id].append((first_offset, last_offset))

    def has(self, batch: RecordBatchView) -> bool:
        if not self._extents or not batch.is_transactional or batch.is_control:
            return False
        return any(
            first <= batch.base_offset <= last
            for first, last in self._extents.get(batch.producer_id, ())
        )


class BatchCleaner:
    """Goes through the batches of a log in their order, once."""

    def __init__(self, job: CleaningJob, offsets: OffsetMap, aborted: AbortedData) -> None:
        self._job = job
        self._offsets = offsets
        self._aborted = aborted
        self._has_data: set[int] = set()
        """Producers with records of the transaction whose marker comes next."""
        self._segment_end_offset = 0

    def start_segment(self, next_offset: int) -> None:
        """The batches that come go into a new segment, up to `next_offset` (exclusive)."""
        self._segment_end_offset = next_offset

    def clean(self, batch: RecordBatchView) -> Encoded | None:
        """The batch's new bytes; None where nothing of it stays.

        Raises:
            CorruptBatchError, DecompressedTooLargeError: its records cannot be read.
        """
        if batch.base_offset >= self._offsets.end_offset:
            return batch.encoded
        if batch.is_control:
            return self._clean_marker(batch)
        if batch.is_transactional:
            self._has_data.add(batch.producer_id)
        if self._aborted.has(batch):
            return self._emptied(batch)
        if batch.base_offset < self._job.first_dirty_offset:
            return self._clean_data(batch)
        survivors = self._offsets.survivors_in(batch)
        if not survivors:
            return self._emptied(batch)
        if len(survivors) == batch.record_count and not any(code & 1 for code in survivors):
            return batch.encoded
        return self._clean_data(batch, survivors)

    def _clean_marker(self, batch: RecordBatchView) -> Encoded | None:
        """A marker stays while records of its transaction were there, and then to its horizon."""
        had_data = batch.producer_id in self._has_data
        self._has_data.discard(batch.producer_id)
        if had_data or self._must_stay(batch):
            return batch.encoded
        if not batch.has_delete_horizon:
            records = plain_records(batch, self._job.max_decompressed_bytes)
            return self._rewritten(batch, records, list(walk_records(records)), gets_horizon=True)
        return batch.encoded if batch.base_timestamp_ms > self._job.now_ms else None

    def _clean_data(
        self, batch: RecordBatchView, survivors: Sequence[int] | None = None
    ) -> Encoded | None:
        """Keep the last record of each key; `survivors` says which ones where it is known."""
        records = plain_records(batch, self._job.max_decompressed_bytes)
        if survivors is not None and batch.record_count == batch.last_offset_delta + 1:
            found = walk_chosen(records, [code >> 1 for code in survivors])
        else:
            found = walk_records(records)
        keeps_tombstones = (
            not batch.has_delete_horizon or batch.base_timestamp_ms > self._job.now_ms
        )
        base_offset = batch.base_offset
        kept = [
            record
            for record in found
            if record.key is not None
            and (keeps_tombstones or not record.is_tombstone)
            and self._offsets.is_last(record.key, base_offset + record.offset_delta)
        ]
        if not kept:
            return self._emptied(batch)
        gets_horizon = not batch.has_delete_horizon and any(r.is_tombstone for r in kept)
        if len(kept) == batch.record_count and not gets_horizon:
            return batch.encoded
        return self._rewritten(batch, records, kept, gets_horizon=gets_horizon)

    def _must_stay(self, batch: RecordBatchView) -> bool:
        """The last batch of a producer that may go on keeps its sequence, and markers its epoch
        where it wrote nothing else in it; the last of a segment and of the cleaned range keep the
        log's offsets known: segments follow on one another without a gap, so that a recovery
        without checkpoints takes none for a loss.
        """
        last_offset = batch.last_offset
        if last_offset + 1 in (self._segment_end_offset, self._offsets.end_offset):
            return True
        if batch.is_control:
            return (batch.producer_id, batch.producer_epoch) in self._job.markers_only
        return batch.has_producer_id and last_offset in self._job.last_offsets

    def _emptied(self, batch: RecordBatchView) -> Encoded | None:
        """The header alone where it has to stay."""
        if not self._must_stay(batch):
            return None
        return _encode(
            batch,
            b"",
            attributes=batch.attributes & ~CODEC_MASK,
            base_timestamp_ms=batch.base_timestamp_ms,
            max_timestamp_ms=batch.max_timestamp_ms,
            record_count=0,
        )

    def _rewritten(
        self,
        batch: RecordBatchView,
        records: bytes,
        kept: list[Walked],
        *,
        gets_horizon: bool,
    ) -> bytes:
        attributes, base_ms = batch.attributes, batch.base_timestamp_ms
        if gets_horizon:
            attributes |= DELETE_HORIZON_BIT
            base_ms = self._job.now_ms + self._job.delete_retention_ms
        shift_ms = batch.base_timestamp_ms - base_ms
        body = bytearray()
        for record in kept:
            if shift_ms:
                _append_shifted(body, records, record, shift_ms)
            else:
                body += records[record.start : record.end]
        if batch.is_log_append_time:
            max_timestamp_ms = batch.max_timestamp_ms
        else:
            max_timestamp_ms = batch.base_timestamp_ms + max(r.timestamp_delta for r in kept)
        return _encode(
            batch,
            compress(batch.codec, body),
            attributes=attributes,
            base_timestamp_ms=base_ms,
            max_timestamp_ms=max_timestamp_ms,
            record_count=len(kept),
        )


def _append_shifted(body: bytearray, records: bytes, record: Walked, shift_ms: int) -> None:
    """A record whose timestamp counts from another base."""
    start = bytearray(1)  # Attributes of a record: unused, zero.
    append_varint(start, record.timestamp_delta + shift_ms)
    rest = records[record.after_timestamp : record.end]
    append_varint(body, len(start) + len(rest))
    body += start
    body += rest


def _encode(
    batch: RecordBatchView,
    blob: bytes,
    *,
    attributes: int,
    base_timestamp_ms: int,
    max_timestamp_ms: int,
    record_count: int,
) -> bytes:
    encoded = bytearray(
        HEADER.pack(
            batch.base_offset,
            HEADER_BYTES + len(blob) - LENGTH_PREFIX_BYTES,
            batch.leader_epoch,
            batch.magic,
            0,
            attributes,
            batch.last_offset_delta,
            base_timestamp_ms,
            max_timestamp_ms,
            batch.producer_id,
            batch.producer_epoch,
            batch.base_sequence,
            record_count,
        )
    )
    encoded += blob
    seal(encoded)
    return bytes(encoded)
