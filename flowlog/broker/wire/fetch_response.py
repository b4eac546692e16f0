"""Write Fetch responses, versions 4 to 18, by hand: as buffers, so that no record byte is copied.

    throttle time (4), from 7 error (2) and session id (4), topics: name or id,
    partitions: index (4), error (2), high watermark (8), last stable offset (8),
    from 5 log start offset (8), aborted transactions, from 11 preferred replica (4), records

Version 12 made it flexible and added tags, version 13 names topics by id, version 16 adds the
leaders' addresses. Property tests hold this against the compiled writer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from struct import Struct
from typing import Final
from uuid import UUID

from flowlog.broker.wire.endpoints import NodeEndpoint, put_last_tags
from flowlog.broker.wire.reading import Buffer
from flowlog.broker.wire.writing import (
    put_compact_count,
    put_compact_string,
    put_count,
    put_string,
    put_tag,
    put_uvarint,
    uuid_bytes,
)

_FIRST_LOG_START_VERSION: Final = 5
_FIRST_SESSION_VERSION: Final = 7
_FIRST_PREFERRED_REPLICA_VERSION: Final = 11
_FIRST_FLEXIBLE_VERSION: Final = 12
_FIRST_TOPIC_ID_VERSION: Final = 13
_FIRST_ENDPOINTS_VERSION: Final = 16

_int32: Final = Struct(">i").pack
_start_v4: Final = Struct(">i").pack
_start_v7: Final = Struct(">ihi").pack
_row_v4: Final = Struct(">ihqq").pack
_row_v5: Final = Struct(">ihqqq").pack
_aborted: Final = Struct(">qq").pack
_compact_aborted: Final = Struct(">qqx").pack
_epoch_end_offset: Final = Struct(">iqx").pack
_leader: Final = Struct(">iix").pack
_snapshot: Final = Struct(">qix").pack

Records = Buffer | Sequence[Buffer] | None


@dataclass(slots=True)
class FetchPartitionResult:
    """The answer for one partition; versions that lack a field leave it out.

    Attributes:
        aborted_transactions: producer id and first offset of each; `None` for read uncommitted.
        records: encoded batches as one buffer or several; the buffers go out as they are.
        diverging_epoch: epoch and end offset where a follower's log differs (KIP-595).
        current_leader: leader id and epoch, for a client that asked the wrong node (KIP-951).
        snapshot_id: end offset and epoch of the snapshot to fetch instead (KIP-630).
    """

    index: int
    error_code: int = 0
    high_watermark: int = -1
    last_stable_offset: int = -1
    log_start_offset: int = -1
    aborted_transactions: Sequence[tuple[int, int]] | None = None
    preferred_read_replica: int = -1
    records: Records = b""
    diverging_epoch: tuple[int, int] | None = None
    current_leader: tuple[int, int] | None = None
    snapshot_id: tuple[int, int] | None = None


@dataclass(slots=True)
class FetchTopicResult:
    """The answer for one topic: its name is written up to version 12, its id after it."""

    name: str | None
    topic_id: UUID | None
    partitions: Sequence[FetchPartitionResult]


def write_fetch_response(
    version: int,
    topics: Sequence[FetchTopicResult],
    *,
    throttle_time_ms: int = 0,
    error_code: int = 0,
    session_id: int = 0,
    node_endpoints: Sequence[NodeEndpoint] = (),
) -> list[Buffer]:
    """Write a response's body as a list of buffers to send one after the other.

    `error_code` and `session_id` exist from version 7; `node_endpoints` have the addresses of all
    `current_leader`s.
    """
    body = _Body()
    if version >= _FIRST_SESSION_VERSION:
        body.out += _start_v7(throttle_time_ms, error_code, session_id)
    else:
        body.out += _start_v4(throttle_time_ms)
    if version < _FIRST_FLEXIBLE_VERSION:
        _put_legacy_topics(body, version, topics)
        return body.finished()
    put_compact_count(body.out, len(topics))
    for topic in topics:
        _put_topic(body, version, topic)
    put_last_tags(body.out, node_endpoints if version >= _FIRST_ENDPOINTS_VERSION else ())
    return body.finished()


class _Body:
    """Buffers done, and `out`, the one that grows."""

    __slots__ = ("_done", "out")

    def __init__(self) -> None:
        self._done: list[Buffer] = []
        self.out = bytearray()

    def put_records(self, records: Records, *, is_flexible: bool) -> None:
        buffers: Sequence[Buffer]
        if records is None:
            size_bytes, buffers = -1, ()
        elif isinstance(records, Buffer):
            size_bytes, buffers = len(records), (records,)
        else:
            size_bytes, buffers = sum(map(len, records)), records
        if is_flexible:
            put_uvarint(self.out, size_bytes + 1)
        else:
            self.out += _int32(size_bytes)
        if size_bytes > 0:
            self._done.append(self.out)
            self._done += buffers
            self.out = bytearray()

    def finished(self) -> list[Buffer]:
        if self.out:
            self._done.append(self.out)
        return self._done


def _put_legacy_topics(body: _Body, version: int, topics: Sequence[FetchTopicResult]) -> None:
    put_count(body.out, len(topics))
    for topic in topics:
        put_string(body.out, topic.name or "")
        put_count(body.out, len(topic.partitions))
        for row in topic.partitions:
            _put_legacy_row(body, version, row)


def _put_legacy_row(body: _Body, version: int, row: FetchPartitionResult) -> None:
    out = body.out
    fields = (row.index, row.error_code, row.high_watermark, row.last_stable_offset)
    if version >= _FIRST_LOG_START_VERSION:
        out += _row_v5(*fields, row.log_start_offset)
    else:
        out += _row_v4(*fields)
    aborted = row.aborted_transactions
    put_count(out, -1 if aborted is None else len(aborted))
    for producer_id, first_offset in aborted or ():
        out += _aborted(producer_id, first_offset)
    if version >= _FIRST_PREFERRED_REPLICA_VERSION:
        out += _int32(row.preferred_read_replica)
    body.put_records(row.records, is_flexible=False)


def _put_topic(body: _Body, version: int, topic: FetchTopicResult) -> None:
    out = body.out
    if version >= _FIRST_TOPIC_ID_VERSION:
        out += uuid_bytes(topic.topic_id)
    else:
        put_compact_string(out, topic.name or "")
    put_compact_count(out, len(topic.partitions))
    for row in topic.partitions:
        _put_row(body, row)
    body.out.append(0)


def _put_row(body: _Body, row: FetchPartitionResult) -> None:
    out = body.out
    out += _row_v5(
        row.index,
        row.error_code,
        row.high_watermark,
        row.last_stable_offset,
        row.log_start_offset,
    )
    aborted = row.aborted_transactions
    put_compact_count(out, -1 if aborted is None else len(aborted))
    for producer_id, first_offset in aborted or ():
        out += _compact_aborted(producer_id, first_offset)
    out += _int32(row.preferred_read_replica)
    body.put_records(row.records, is_flexible=True)
    _put_row_tags(body.out, row)


def _put_row_tags(out: bytearray, row: FetchPartitionResult) -> None:
    tags: list[tuple[int, bytes]] = []
    if row.diverging_epoch is not None:
        tags.append((0, _epoch_end_offset(*row.diverging_epoch)))
    if row.current_leader is not None:
        tags.append((1, _leader(*row.current_leader)))
    if row.snapshot_id is not None:
        tags.append((2, _snapshot(*row.snapshot_id)))
    out.append(len(tags))
    for tag, value in tags:
        put_tag(out, tag, value)
