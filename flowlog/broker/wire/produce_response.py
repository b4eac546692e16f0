"""Write Produce responses, versions 3 to 13, by hand.

    topics: name or id, partitions: index (4), error (2), base offset (8), log append time (8),
    from 5 log start offset (8), from 8 record errors and error message; throttle time (4)

Version 9 made it flexible, version 10 added tags with the leader's address, version 13 names
topics by id. Property tests hold this against the compiled writer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from struct import Struct
from typing import Final
from uuid import UUID

from flowlog.broker.wire.endpoints import NodeEndpoint, put_last_tags
from flowlog.broker.wire.writing import (
    put_compact_count,
    put_compact_string,
    put_count,
    put_nullable_compact_string,
    put_nullable_string,
    put_string,
    put_tag,
    uuid_bytes,
)

_FIRST_LOG_START_VERSION: Final = 5
_FIRST_RECORD_ERRORS_VERSION: Final = 8
_FIRST_FLEXIBLE_VERSION: Final = 9
_FIRST_LEADER_VERSION: Final = 10
_FIRST_TOPIC_ID_VERSION: Final = 13

_int32: Final = Struct(">i").pack
_row_v3: Final = Struct(">ihqq").pack
_row_v5: Final = Struct(">ihqqq").pack
_plain_row_v8: Final = Struct(">ihqqqih").pack
_plain_row_v9: Final = Struct(">ihqqqBBB").pack
_leader: Final = Struct(">iix").pack
_NO_ERRORS_NULL_MESSAGE: Final = (0, -1)
_NO_COMPACT_ERRORS_NULL_MESSAGE_NO_TAGS: Final = (1, 0, 0)


@dataclass(slots=True)
class ProducePartitionResult:
    """The answer for one partition.

    `record_errors` holds index within the batch and a message; `current_leader` leader id and
    epoch, for a client that asked the wrong node. Versions that lack a field leave it out.
    """

    index: int
    error_code: int = 0
    base_offset: int = -1
    log_append_time_ms: int = -1
    log_start_offset: int = -1
    record_errors: Sequence[tuple[int, str | None]] = ()
    error_message: str | None = None
    current_leader: tuple[int, int] | None = None


@dataclass(slots=True)
class ProduceTopicResult:
    """The answer for one topic: its name is written up to version 12, its id after it."""

    name: str | None
    topic_id: UUID | None
    partitions: Sequence[ProducePartitionResult]


def write_produce_response(
    version: int,
    topics: Sequence[ProduceTopicResult],
    *,
    throttle_time_ms: int = 0,
    node_endpoints: Sequence[NodeEndpoint] = (),
) -> bytearray:
    """Write a response's body; `node_endpoints` have the addresses of all `current_leader`s."""
    out = bytearray()
    if version < _FIRST_FLEXIBLE_VERSION:
        _put_legacy_topics(out, version, topics)
        out += _int32(throttle_time_ms)
        return out
    put_compact_count(out, len(topics))
    for topic in topics:
        _put_topic(out, version, topic)
    out += _int32(throttle_time_ms)
    put_last_tags(out, node_endpoints if version >= _FIRST_LEADER_VERSION else ())
    return out


def _put_legacy_topics(out: bytearray, version: int, topics: Sequence[ProduceTopicResult]) -> None:
    put_count(out, len(topics))
    for topic in topics:
        put_string(out, topic.name or "")
        put_count(out, len(topic.partitions))
        for row in topic.partitions:
            _put_legacy_row(out, version, row)


def _put_legacy_row(out: bytearray, version: int, row: ProducePartitionResult) -> None:
    if version < _FIRST_LOG_START_VERSION:
        out += _row_v3(row.index, row.error_code, row.base_offset, row.log_append_time_ms)
        return
    fields = (
        row.index,
        row.error_code,
        row.base_offset,
        row.log_append_time_ms,
        row.log_start_offset,
    )
    if version < _FIRST_RECORD_ERRORS_VERSION:
        out += _row_v5(*fields)
    elif not row.record_errors and row.error_message is None:
        out += _plain_row_v8(*fields, *_NO_ERRORS_NULL_MESSAGE)
    else:
        out += _row_v5(*fields)
        put_count(out, len(row.record_errors))
        for batch_index, message in row.record_errors:
            out += _int32(batch_index)
            put_nullable_string(out, message)
        put_nullable_string(out, row.error_message)


def _put_topic(out: bytearray, version: int, topic: ProduceTopicResult) -> None:
    if version >= _FIRST_TOPIC_ID_VERSION:
        out += uuid_bytes(topic.topic_id)
    else:
        put_compact_string(out, topic.name or "")
    put_compact_count(out, len(topic.partitions))
    for row in topic.partitions:
        _put_row(out, version, row)
    out.append(0)


def _put_row(out: bytearray, version: int, row: ProducePartitionResult) -> None:
    fields = (
        row.index,
        row.error_code,
        row.base_offset,
        row.log_append_time_ms,
        row.log_start_offset,
    )
    leader = row.current_leader if version >= _FIRST_LEADER_VERSION else None
    if not row.record_errors and row.error_message is None and leader is None:
        out += _plain_row_v9(*fields, *_NO_COMPACT_ERRORS_NULL_MESSAGE_NO_TAGS)
        return
    out += _row_v5(*fields)
    put_compact_count(out, len(row.record_errors))
    for batch_index, message in row.record_errors:
        out += _int32(batch_index)
        put_nullable_compact_string(out, message)
        out.append(0)
    put_nullable_compact_string(out, row.error_message)
    if leader is None:
        out.append(0)
    else:
        out.append(1)
        put_tag(out, 0, _leader(*leader))
