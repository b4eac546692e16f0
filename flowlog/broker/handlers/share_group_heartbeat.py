"""ShareGroupHeartbeat (API key 76): be a member of a share group, and hear what to share.

Version 1. Members bring their own ids. A member hears what to consume in the first answer; Kafka's
brokers give it nothing until the group's states are made, a heartbeat later.
Source: ShareGroupHeartbeatRequest.json in apache/kafka; KIP-932.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, Final

from kio.schema.errors import ErrorCode

from flowlog.broker.groups.share.requests import ShareHeartbeat, ShareHeartbeatResult
from flowlog.broker.wire import messages

from .context import RequestContext
from .later import then
from .share_enabled import share_enabled

API_KEY: Final = 76
VERSIONS: Final = (1, 1)


def handle(request: Any, context: RequestContext) -> Any | Awaitable[Any]:
    if not share_enabled(context):
        return messages.share_group_heartbeat.ShareGroupHeartbeatResponse(
            error_code=ErrorCode.unsupported_version
        )
    return then(context.services.groups.share.heartbeat(_heartbeat(request, context)), _response)


def _heartbeat(request: Any, context: RequestContext) -> ShareHeartbeat:
    names = request.subscribed_topic_names
    return ShareHeartbeat(
        group_id=request.group_id,
        member_id=request.member_id,
        member_epoch=request.member_epoch,
        client_id=context.client_id or "",
        client_host=context.client_host,
        rack_id=request.rack_id,
        topics=None if names is None else frozenset(names),
    )


def _response(result: ShareHeartbeatResult) -> Any:
    m = messages.share_group_heartbeat
    assignment = None
    if result.assignment is not None:
        assignment = m.Assignment(
            topic_partitions=tuple(
                m.TopicPartitions(topic_id=topic_id, partitions=tuple(sorted(partitions)))
                for topic_id, partitions in result.assignment.items()
            )
        )
    return m.ShareGroupHeartbeatResponse(
        error_code=result.error,
        error_message=result.message,
        member_id=result.member_id,
        member_epoch=result.member_epoch,
        heartbeat_interval_ms=result.interval_ms,
        assignment=assignment,
    )
