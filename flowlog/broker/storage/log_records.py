"""A whole log's records in order, for those who rebuild their state from it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from flowlog.records.batch import RecordBatchView, iter_batches
from flowlog.records.record import Record, iter_records

from .partition_log import PartitionLog

CHUNK_BYTES: Final = 1 << 20


def iter_log_batches(log: PartitionLog) -> Iterator[RecordBatchView]:
    """Every batch from the log's start to its end as it is now.

    Raises:
        CorruptBatchError: a batch does not hold what its header says.
        OSError: the log cannot be read.
    """
    offset, end_offset = log.log_start_offset, log.log_end_offset
    while offset < end_offset:
        chunk = log.read(offset, end_offset=end_offset, max_bytes=CHUNK_BYTES)
        if not chunk:  # compaction left nothing up to the end
            return
        for batch in iter_batches(chunk):
            yield batch
            offset = batch.next_offset


def iter_log_records(log: PartitionLog) -> Iterator[Record]:
    """Every data record, raising as `iter_log_batches`."""
    for batch in iter_log_batches(log):
        if not batch.is_control:
            yield from iter_records(batch, max_decompressed_bytes=log.config.max_decompressed_bytes)
