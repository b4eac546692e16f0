"""ShareAcknowledge (API key 79): say what became of records, and perhaps take leave.

Versions 1-2. v2 can ask for more time with records (KIP-1222). Answered once it is durable. The
last request of a session (epoch -1) releases what the member still holds.
Source: ShareAcknowledgeRequest.json in apache/kafka; KIP-932.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, Final

from kio.schema.errors import ErrorCode

from flowlog.broker.share.sessions import FINAL_EPOCH, INITIAL_EPOCH, ShareSession
from flowlog.broker.wire import messages
from flowlog.errors import KafkaError

from .context import RequestContext
from .share_acknowledgements import (
    Outcomes,
    acknowledge,
    batches_of,
    check_member,
)
from .share_enabled import share_enabled
from .share_rows import by_topic, error_fields, lock_timeout_ms

API_KEY: Final = 79
VERSIONS: Final = (1, 2)


def handle(request: Any, context: RequestContext) -> Any | Awaitable[Any]:
    try:
        if not share_enabled(context):
            raise KafkaError(ErrorCode.unsupported_version)
        check_member(request)
        session = _session(request, context)
    except KafkaError as error:
        return _response(request, context, {}, error)
    return _acknowledge(request, context, session)


def _session(request: Any, context: RequestContext) -> ShareSession:
    """The session that the request goes on with, or ends."""
    sessions = context.services.shares.sessions
    epoch = request.share_session_epoch
    if epoch == INITIAL_EPOCH:
        raise KafkaError(ErrorCode.invalid_share_session_epoch)
    if epoch == FINAL_EPOCH:
        return sessions.find(request.group_id, request.member_id)
    return sessions.go_on(request.group_id, request.member_id, epoch)


async def _acknowledge(request: Any, context: RequestContext, session: ShareSession) -> Any:
    outcomes = await acknowledge(batches_of(request.topics), request, context)
    if request.share_session_epoch == FINAL_EPOCH:
        context.services.shares.end_session(session)
    return _response(request, context, outcomes)


def _response(
    request: Any, context: RequestContext, outcomes: Outcomes, error: KafkaError | None = None
) -> Any:
    m = messages.share_acknowledge.response
    return m.ShareAcknowledgeResponse(
        **error_fields(error),
        acquisition_lock_timeout_ms=lock_timeout_ms(request, context, error),
        responses=tuple(
            m.ShareAcknowledgeTopicResponse(
                topic_id=topic_id,
                partitions=tuple(
                    m.PartitionData(
                        partition_index=partition.partition,
                        **error_fields(outcomes[partition]),
                        current_leader=m.LeaderIdAndEpoch(leader_id=0, leader_epoch=0),
                    )
                    for partition in partitions
                ),
            )
            for topic_id, partitions in by_topic(outcomes).items()
        ),
        node_endpoints=(),
    )
