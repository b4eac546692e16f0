"""Reading a share partition's records: bytes of the log, and what of them a group may have.

Record batches go out as they are stored; only their headers are looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from flowlog.broker.replication.partition import READ_COMMITTED, Partition
from flowlog.broker.storage.range_check import RangeCheck
from flowlog.broker.storage.transaction_index import AbortedTransaction
from flowlog.records.batch import RecordBatchView, iter_batches

from .partition.requests import Acquired, Extent, Reading


class Place(NamedTuple):
    """Where a batch lies in what was read, in bytes, and the last offset that it has."""

    last_offset: int
    position: int


class ReadRecords(NamedTuple):
    """Bytes of whole batches, and what they are to the group."""

    records: bytes
    places: tuple[Place, ...]
    reading: Reading

    def slice(self, acquired: Sequence[Acquired]) -> memoryview:
        """The batches from the first to the last of the records that were acquired."""
        first, last = acquired[0].first_offset, acquired[-1].last_offset
        start, end = 0, len(self.records)
        for place in self.places:
            if place.last_offset < first:
                start = place.position
            if place.last_offset >= last:
                end = place.position
                break
        return memoryview(self.records)[start:end]


def read(
    partition: Partition,
    start_offset: int,
    *,
    isolation_level: int,
    max_bytes: int,
    min_one_batch: bool,
    check_max_bytes: int,
) -> ReadRecords | RangeCheck | None:
    """Read from `start_offset` on; None where nothing is, or nothing that fits.

    A `RangeCheck` has to be run first, in a thread: its checksums take too long here.

    Raises:
        KafkaError: OFFSET_OUT_OF_RANGE, or CORRUPT_MESSAGE for a damaged log file.
        OSError: the disk failed.
    """
    end_offset = partition.readable_end(isolation_level)
    if start_offset >= end_offset:
        return None
    records = partition.log.maybe_read(
        start_offset,
        end_offset=end_offset,
        max_bytes=max_bytes,
        min_one_batch=min_one_batch,
        check_max_bytes=check_max_bytes,
    )
    if isinstance(records, RangeCheck):
        return records
    if not records:
        return None
    aborted: Sequence[AbortedTransaction] = ()
    if isolation_level == READ_COMMITTED:
        aborted = partition.log.aborted_transactions(start_offset, end_offset)
    return interpret(records, start_offset, aborted)


def interpret(
    records: bytes, start_offset: int, aborted: Sequence[AbortedTransaction] = ()
) -> ReadRecords:
    """What the bytes are to a group that reads from `start_offset` on."""
    places, extents = [], []
    end_offset = start_offset
    for batch in iter_batches(records):
        end_offset = batch.next_offset
        places.append(Place(batch.last_offset, batch.position + batch.size_bytes))
        if not batch.is_control and not (aborted and _is_aborted(batch, aborted)):
            extents.append(Extent(batch.base_offset, batch.last_offset))
    return ReadRecords(records, tuple(places), Reading(start_offset, end_offset, tuple(extents)))


def _is_aborted(batch: RecordBatchView, aborted: Sequence[AbortedTransaction]) -> bool:
    return batch.is_transactional and any(
        a.producer_id == batch.producer_id and a.first_offset <= batch.base_offset <= a.last_offset
        for a in aborted
    )
