"""Fetch (API key 1): read batches from partitions, waiting for some where there are none.

Versions 4-18. v5 adds the log start, v7 sessions (KIP-227), v9 leader epochs, v11 racks, v12
divergence (KIP-595), v13 topic ids, v15 to v18 concern followers. Byte limits are soft: the first
batch of the first partition that has data comes whole (KIP-74).
A session names its partitions once and is answered with what changed (`FetchSession`).
Source: FetchRequest.json in apache/kafka.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from kio.schema.errors import ErrorCode

from flowlog.broker.replication.fetch_session import FetchSession
from flowlog.broker.replication.fetch_sessions import NO_SESSION
from flowlog.broker.replication.fetch_waiter import FetchWaiter
from flowlog.broker.replication.partition import READ_COMMITTED, Partition
from flowlog.broker.storage.log_reading import NO_LIMIT
from flowlog.broker.storage.range_check import RangeCheck
from flowlog.broker.wire.fetch import (
    FetchPartition,
    FetchPartitionResult,
    FetchRequest,
    FetchTopic,
    FetchTopicResult,
    read_fetch_request,
    write_fetch_response,
)
from flowlog.errors import KafkaError

from .context import RequestContext
from .registry import Body

logger = logging.getLogger(__name__)

API_KEY: Final = 1
VERSIONS: Final = (4, 18)
UNKNOWN_EPOCH: Final = -1
CHECK_MAX_BYTES: Final = 256 * 1024
"""More than this is checked in a thread before it is served: a millisecond or two of small batches."""

read_request = read_fetch_request


@dataclass(slots=True)
class Fetched:
    """What one look at the partitions gave."""

    error_code: int = 0
    session_id: int = NO_SESSION
    topics: list[FetchTopicResult] = field(default_factory=list)
    partitions: list[Partition] = field(default_factory=list)
    size_bytes: int = 0
    is_urgent: bool = False  # an error or a divergence: no use in waiting for records
    to_check: list[tuple[Partition, RangeCheck]] = field(default_factory=list)
    """What was left out because its checksums take too long to verify on the event loop."""


def handle(request: FetchRequest, context: RequestContext) -> Fetched | Awaitable[Fetched]:
    try:
        session = context.services.fetch_sessions.session_of(request)
    except KafkaError as error:
        return Fetched(error_code=error.error_code)
    if session is not None:
        request.topics = session.topics()
    fetched = _look(request, context, check_max_bytes=CHECK_MAX_BYTES)
    if fetched.to_check:
        return _check_first(request, context, fetched, session)
    return _answer(request, context, fetched, session)


async def _check_first(
    request: FetchRequest,
    context: RequestContext,
    fetched: Fetched,
    session: FetchSession | None,
) -> Fetched:
    """Have checksums verified in a thread, and look again."""
    for partition, check in fetched.to_check:
        with suppress(KafkaError, OSError):  # The next look says so in its row.
            await partition.log.run_check(check)
    answer = _answer(request, context, _look(request, context), session)
    return answer if isinstance(answer, Fetched) else await answer


def _answer(
    request: FetchRequest,
    context: RequestContext,
    fetched: Fetched,
    session: FetchSession | None,
) -> Fetched | Awaitable[Fetched]:
    if _is_enough(fetched, request):
        return _told(fetched, session)
    # Watch before anything else is served: a produce in between must wake this fetch.
    waiter = FetchWaiter(
        request.min_bytes - fetched.size_bytes,
        reads_committed=request.isolation_level == READ_COMMITTED,
    )
    for partition in fetched.partitions:
        partition.watch(waiter)
    return _wait(request, context, fetched, waiter, session)


def write_response(version: int, fetched: Fetched) -> Body:
    return write_fetch_response(
        version, fetched.topics, error_code=fetched.error_code, session_id=fetched.session_id
    )


def _told(fetched: Fetched, session: FetchSession | None) -> Fetched:
    """What of it the client is to be told."""
    if session is not None:
        fetched.session_id = session.session_id
        fetched.topics = session.changes(fetched.topics)
    return fetched


def _is_enough(fetched: Fetched, request: FetchRequest) -> bool:
    return (
        fetched.size_bytes >= request.min_bytes
        or fetched.is_urgent
        or request.max_wait_ms <= 0
        or not fetched.partitions
    )


async def _wait(
    request: FetchRequest,
    context: RequestContext,
    fetched: Fetched,
    waiter: FetchWaiter,
    session: FetchSession | None,
) -> Fetched:
    """Park until enough bytes have come in, at the latest for the client's longest wait."""
    try:
        await waiter.wait(request.max_wait_ms)
    finally:
        for partition in fetched.partitions:
            partition.unwatch(waiter)
    return _told(_look(request, context), session)


def _look(
    request: FetchRequest, context: RequestContext, *, check_max_bytes: int = NO_LIMIT
) -> Fetched:
    """Read what is there now, within the byte limits.

    Records of which more than `check_max_bytes` have to be checked first are left out.
    """
    fetched = Fetched()
    room_bytes = min(request.max_bytes, context.services.fetch_max_bytes)
    for topic in request.topics:
        rows = []
        for wanted in topic.partitions:
            row = FetchPartitionResult(wanted.index)
            try:
                partition = _find(topic, wanted.index, context)
                room = room_bytes - fetched.size_bytes
                _read(partition, wanted, row, request, room, fetched, check_max_bytes)
            except KafkaError as error:
                row = FetchPartitionResult(wanted.index, error.error_code)
                fetched.is_urgent = True
            except OSError as error:
                logger.error("%s-%d: cannot read: %s", topic.name, wanted.index, error)
                row.error_code = ErrorCode.kafka_storage_error
                fetched.is_urgent = True
            rows.append(row)
        fetched.topics.append(FetchTopicResult(topic.name, topic.topic_id, rows))
    return fetched


def _find(topic: FetchTopic, index: int, context: RequestContext) -> Partition:
    if topic.name is None:
        return context.services.partitions.find_by_id(topic.topic_id, index)
    return context.services.partitions.find(topic.name, index)


def _read(
    partition: Partition,
    wanted: FetchPartition,
    row: FetchPartitionResult,
    request: FetchRequest,
    room_bytes: int,
    fetched: Fetched,
    check_max_bytes: int,
) -> None:
    partition.check_leader_epoch(wanted.current_leader_epoch)
    fetched.partitions.append(partition)
    row.high_watermark = partition.high_watermark
    row.last_stable_offset = partition.last_stable_offset
    row.log_start_offset = partition.log.log_start_offset
    if request.isolation_level == READ_COMMITTED:
        row.aborted_transactions = ()
    if wanted.last_fetched_epoch != UNKNOWN_EPOCH and _diverges(partition, wanted, row):
        fetched.is_urgent = True
        return
    is_first = fetched.size_bytes == 0
    end_offset = partition.readable_end(request.isolation_level)
    if wanted.fetch_offset == end_offset or (room_bytes <= 0 and not is_first):
        return
    records = partition.log.maybe_read(
        wanted.fetch_offset,
        end_offset=end_offset,
        max_bytes=min(wanted.max_bytes, room_bytes),
        min_one_batch=is_first,
        check_max_bytes=check_max_bytes,
    )
    if isinstance(records, RangeCheck):
        fetched.to_check.append((partition, records))
        fetched.size_bytes += records.size_bytes
        return
    row.records = records
    if request.isolation_level == READ_COMMITTED:
        row.aborted_transactions = partition.aborted_transactions(wanted.fetch_offset, records)
    fetched.size_bytes += len(records)


def _diverges(partition: Partition, wanted: FetchPartition, row: FetchPartitionResult) -> bool:
    """Whether the client's last epoch ended, in this log, before where the client stands."""
    epoch, end_offset = partition.end_offset_for(wanted.last_fetched_epoch)
    if end_offset == UNKNOWN_EPOCH:
        raise KafkaError(ErrorCode.offset_out_of_range)
    if epoch < wanted.last_fetched_epoch or end_offset < wanted.fetch_offset:
        row.diverging_epoch = (epoch, end_offset)
        return True
    return False
