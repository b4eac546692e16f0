"""ShareFetch (API key 78): get records that nobody else gets meanwhile, and acknowledge others.

Versions 1-2. v2 can limit the number of records exactly, and ask for more time with records; such
a request brings no new ones, so that its answer is not late (KIP-1206, KIP-1222).
A session names its partitions once (`ShareSession`); it is answered with those that have something
new. The last request of a session (epoch -1) releases what the member still holds.
Source: ShareFetchRequest.json in apache/kafka; KIP-932.
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import Any, Final

import anyio
from kio.schema.errors import ErrorCode

from flowlog.broker.share.fetching import SharedRecords, ShareFetch, WantedRecords
from flowlog.broker.share.partition.requests import AcquireMode
from flowlog.broker.share.sessions import FINAL_EPOCH, INITIAL_EPOCH, ShareSession
from flowlog.broker.wire import messages
from flowlog.errors import KafkaError

from .context import RequestContext
from .share_acknowledgements import (
    Outcomes,
    acknowledge,
    batches_of,
    check_member,
    partitions_of,
)
from .share_enabled import share_enabled
from .share_rows import by_topic, error_fields, lock_timeout_ms

API_KEY: Final = 78
VERSIONS: Final = (1, 2)


def handle(request: Any, context: RequestContext) -> Any | Awaitable[Any]:
    try:
        if not share_enabled(context):
            raise KafkaError(ErrorCode.unsupported_version)
        check_member(request)
        _check_renewal(request)
        session = _session(request, context)
    except KafkaError as error:
        response = _response(request, context, [], {}, error)
        if error.error_code is ErrorCode.share_session_limit_reached:
            return _answer_later(response, request.max_wait_ms)
        return response
    return _fetch(request, context, session)


async def _answer_later(response: Any, wait_ms: int) -> Any:
    """A client that gets no session would ask again at once."""
    await anyio.sleep(max(wait_ms, 0) / 1000)
    return response


def _check_renewal(request: Any) -> None:
    limits = (request.max_bytes, request.min_bytes, request.max_records, request.max_wait_ms)
    if request.is_renew_ack and any(limits):
        raise KafkaError(
            ErrorCode.invalid_request,
            "maxBytes, minBytes, maxRecords and maxWaitMs must be set to 0, if isRenewAck is true.",
        )


def _session(request: Any, context: RequestContext) -> ShareSession:
    """The session that the request opens, goes on with, or ends."""
    sessions = context.services.shares.sessions
    who = request.group_id, request.member_id
    epoch = request.share_session_epoch
    if epoch == FINAL_EPOCH:
        return sessions.find(*who)
    named = partitions_of(request.topics)
    if epoch == INITIAL_EPOCH:
        if batches_of(request.topics):
            raise KafkaError(ErrorCode.invalid_request, "nothing is there to be acknowledged yet")
        return sessions.open(*who, context.client, named)
    session = sessions.go_on(*who, epoch)
    session.update(named, partitions_of(request.forgotten_topics_data))
    return session


async def _fetch(request: Any, context: RequestContext, session: ShareSession) -> Any:
    outcomes = await acknowledge(batches_of(request.topics), request, context)
    rows: Sequence[SharedRecords] = ()
    if request.share_session_epoch == FINAL_EPOCH:
        context.services.shares.end_session(session)
    elif not request.is_renew_ack:
        rows = await ShareFetch(context.services.shares, session, _wanted(request, context)).run()
        if request.share_session_epoch == INITIAL_EPOCH:
            told = {row.partition for row in rows}
            rows = [*rows, *(SharedRecords(p) for p in session.partitions() if p not in told)]
    return _response(request, context, rows, outcomes)


def _wanted(request: Any, context: RequestContext) -> WantedRecords:
    return WantedRecords(
        max_wait_ms=request.max_wait_ms,
        min_bytes=request.min_bytes,
        max_bytes=min(request.max_bytes, context.services.fetch_max_bytes),
        max_records=request.max_records,
        batch_size=request.batch_size,
        mode=AcquireMode.RECORD_LIMIT
        if request.share_acquire_mode == AcquireMode.RECORD_LIMIT
        else AcquireMode.BATCH_OPTIMIZED,
    )


def _response(
    request: Any,
    context: RequestContext,
    rows: Sequence[SharedRecords],
    outcomes: Outcomes,
    error: KafkaError | None = None,
) -> Any:
    m = messages.share_fetch.response
    found = {row.partition: row for row in rows}
    for partition in outcomes:
        found.setdefault(partition, SharedRecords(partition))
    return m.ShareFetchResponse(
        **error_fields(error),
        acquisition_lock_timeout_ms=lock_timeout_ms(request, context, error),
        responses=tuple(
            m.ShareFetchableTopicResponse(
                topic_id=topic_id,
                partitions=tuple(_row(found[p], outcomes.get(p)) for p in partitions),
            )
            for topic_id, partitions in by_topic(found).items()
        ),
        node_endpoints=(),
    )


def _row(row: SharedRecords, refused: KafkaError | None) -> Any:
    m = messages.share_fetch.response
    return m.PartitionData(
        partition_index=row.partition.partition,
        **error_fields(row.error),
        acknowledge_error_code=ErrorCode.none if refused is None else refused.error_code,
        acknowledge_error_message=None if refused is None else refused.message,
        current_leader=m.LeaderIdAndEpoch(leader_id=0, leader_epoch=0),
        records=row.records,
        acquired_records=tuple(
            m.AcquiredRecords(first_offset=first, last_offset=last, delivery_count=count)
            for first, last, count in row.acquired
        ),
    )
