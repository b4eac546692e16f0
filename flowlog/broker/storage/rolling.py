"""When a growing segment is full: by size, by age, by its indexes, by relative offsets. Pure."""

from __future__ import annotations

from flowlog.broker.storage.config import LogConfig
from flowlog.broker.storage.index import OFFSET_ENTRY_BYTES, TIME_ENTRY
from flowlog.broker.storage.segment import LogSegment


def must_roll(
    segment: LogSegment,
    config: LogConfig,
    *,
    incoming_bytes: int,
    last_offset: int,
    max_timestamp_ms: int,
    now_ms: int,
) -> bool:
    """Whether the batch has to go into a new segment. An empty segment takes any batch.

    Age counts from the first batch's timestamp to that of the incoming one, so that old data
    replayed is cut by its own time; without timestamps, to the broker's.

    Source: LogSegment.shouldRoll in apache/kafka, storage.
    """
    if not segment.size_bytes:
        return False
    if segment.size_bytes + incoming_bytes > config.segment_bytes:
        return True
    first_ms = segment.first_batch_timestamp()
    if first_ms is not None and first_ms >= 0:
        reference_ms = max_timestamp_ms if max_timestamp_ms >= 0 else now_ms
        if reference_ms - first_ms > config.max_segment_ms:
            return True
    offset_index, time_index = segment.indexes()
    return (
        (len(offset_index) + 1) * OFFSET_ENTRY_BYTES > config.segment_index_bytes
        or (len(time_index) + 2) * TIME_ENTRY.size > config.segment_index_bytes
        or not segment.has_room_for(last_offset)
    )
