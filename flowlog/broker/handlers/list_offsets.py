"""ListOffsets (API key 2): find the offset for a timestamp, or for a special timestamp.

Versions 1-11. v2 adds the isolation level, v4 the leader epoch used for fencing (KIP-320), v7 the
max timestamp (KIP-734), v8, v9 and v11 ask about tiers of storage (KIP-405): everything is local
here, so the earliest local offset is the log's start and nothing is ever tiered.
Source: ListOffsetsRequest.json in apache/kafka.
"""

from __future__ import annotations

from typing import Any, Final

from kio.schema.errors import ErrorCode

from flowlog.broker.replication.partition import Partition
from flowlog.broker.wire import messages
from flowlog.errors import KafkaError

from .context import RequestContext

API_KEY: Final = 2
VERSIONS: Final = (1, 11)

LATEST: Final = -1
EARLIEST: Final = -2
MAX_TIMESTAMP: Final = -3
EARLIEST_LOCAL: Final = -4
UNKNOWN: Final = -1
NEVER: Final = 2**15

SPECIAL_SINCE: Final = {EARLIEST: 1, LATEST: 1, MAX_TIMESTAMP: 7, EARLIEST_LOCAL: 8, -5: 9, -6: 11}
"""The versions that brought the special timestamps; -5 and -6 ask about tiers of storage."""

Found = tuple[int, int, int]  # offset, timestamp in milliseconds, leader epoch; -1 for unknown


def handle(request: Any, context: RequestContext) -> Any:
    m = messages.list_offsets
    return m.ListOffsetsResponse(
        topics=tuple(
            m.ListOffsetsTopicResponse(
                name=topic.name,
                partitions=tuple(
                    _row(topic.name, query, request.isolation_level, context)
                    for query in topic.partitions
                ),
            )
            for topic in request.topics
        )
    )


def _row(topic: str, query: Any, isolation_level: int, context: RequestContext) -> Any:
    row = messages.list_offsets.ListOffsetsPartitionResponse(
        partition_index=query.partition_index,
        offset=UNKNOWN,
        timestamp=UNKNOWN,
        leader_epoch=UNKNOWN,
    )
    try:
        if query.timestamp < 0 and context.version < SPECIAL_SINCE.get(query.timestamp, NEVER):
            raise KafkaError(ErrorCode.unsupported_version)
        partition = context.services.partitions.find(topic, query.partition_index)
        partition.check_leader_epoch(query.current_leader_epoch)
        found = find_offset(partition, query.timestamp, isolation_level)
    except KafkaError as error:  # a row fails alone, never its neighbours
        row.error_code = error.error_code
    else:
        row.offset, row.timestamp, row.leader_epoch = found
    return row


def find_offset(partition: Partition, timestamp_ms: int, isolation_level: int) -> Found:
    """The first readable record at or after `timestamp_ms`, or what a special timestamp asks."""
    log = partition.log
    end_offset = partition.readable_end(isolation_level)
    if timestamp_ms == LATEST:
        return end_offset, UNKNOWN, partition.leader_epoch
    if timestamp_ms in (EARLIEST, EARLIEST_LOCAL):
        start = log.log_start_offset
        return start, UNKNOWN, log.epochs.epoch_for_offset(start)
    if timestamp_ms == MAX_TIMESTAMP:
        found = log.max_timestamp()
    elif timestamp_ms < 0:
        found = None  # tiers of storage: nothing is in one
    else:
        found = log.find_offset_for_timestamp(timestamp_ms)
    if found is None or found.offset >= end_offset:
        return UNKNOWN, UNKNOWN, UNKNOWN
    return found.offset, found.timestamp_ms, found.leader_epoch
