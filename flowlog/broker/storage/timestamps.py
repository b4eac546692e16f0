"""Look-ups by time: which record is the first at or after a moment, which has the latest time.

Headers lead to one batch; only that batch is decoded, its expansion bounded.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from flowlog.broker.storage.segment import LogSegment
from flowlog.broker.storage.segment_read import good_headers, seek
from flowlog.broker.storage.walk import Located, read_batch
from flowlog.records.record import iter_records


class TimestampOffset(NamedTuple):
    """A record found by time: where it is, its timestamp, and the leader epoch of its batch."""

    offset: int
    timestamp_ms: int
    leader_epoch: int


def find_first_at(
    segments: Iterable[LogSegment],
    timestamp_ms: int,
    *,
    log_start_offset: int,
    max_decompressed_bytes: int,
) -> TimestampOffset | None:
    """The first record, by offset, with a timestamp of `timestamp_ms` or more.

    Raises:
        CorruptBatchError, DecompressedTooLargeError: the batch in question cannot be decoded.
    """
    for segment in segments:
        largest = segment.largest_timestamp()
        if largest is None or largest[0] < timestamp_ms or segment.next_offset <= log_start_offset:
            continue
        start_offset = max(_start_offset(segment, timestamp_ms), log_start_offset)
        found = _find_in_segment(
            segment, timestamp_ms, start_offset, log_start_offset, max_decompressed_bytes
        )
        if found is not None:
            return found
    return None


def _start_offset(segment: LogSegment, timestamp_ms: int) -> int:
    """An offset before which every timestamp is less than `timestamp_ms`."""
    entry = segment.indexes()[1].entry_before(timestamp_ms)
    if entry is not None and not segment.has_time(*entry):
        segment.rebuild_wrong_indexes()
        entry = segment.indexes()[1].entry_before(timestamp_ms)
    return segment.base_offset if entry is None else entry[1]


def _find_in_segment(
    segment: LogSegment,
    timestamp_ms: int,
    start_offset: int,
    log_start_offset: int,
    max_decompressed_bytes: int,
) -> TimestampOffset | None:
    first = seek(segment, start_offset)
    if first is None:
        return None
    for located in good_headers(segment, first.position):
        if located.header.max_timestamp_ms < timestamp_ms:
            continue
        found = _find_in_batch(
            segment, located, timestamp_ms, log_start_offset, max_decompressed_bytes
        )
        if found is not None:
            return found
    return None


def _find_in_batch(
    segment: LogSegment,
    located: Located,
    timestamp_ms: int,
    log_start_offset: int,
    max_decompressed_bytes: int,
) -> TimestampOffset | None:
    batch = read_batch(segment.log, located)
    for record in iter_records(batch, max_decompressed_bytes=max_decompressed_bytes):
        if record.timestamp_ms >= timestamp_ms and record.offset >= log_start_offset:
            return TimestampOffset(record.offset, record.timestamp_ms, batch.leader_epoch)
    return None


def find_latest(
    segments: Iterable[LogSegment], *, log_start_offset: int, max_decompressed_bytes: int
) -> TimestampOffset | None:
    """The first record that carries the largest timestamp of all (ListOffsets' -3)."""
    latest: tuple[int, LogSegment] | None = None
    for segment in segments:
        largest = segment.largest_timestamp()
        if largest is not None and (latest is None or largest[0] > latest[0]):
            latest = largest[0], segment
    if latest is None:
        return None
    return find_first_at(
        [latest[1]],
        latest[0],
        log_start_offset=log_start_offset,
        max_decompressed_bytes=max_decompressed_bytes,
    )
