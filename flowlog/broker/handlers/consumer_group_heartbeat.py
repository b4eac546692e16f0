"""ConsumerGroupHeartbeat (API key 68): be a member of a KIP-848 group, and hear what to consume.

Versions 0-1. v1 adds subscriptions by regular expression, and its clients bring their own member
id; a client of v0 may be given one.
Source: ConsumerGroupHeartbeatRequest.json in apache/kafka; KIP-848.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, Final
from uuid import uuid4

from kio.schema.errors import ErrorCode

from flowlog.broker.controller.features import GROUP_VERSION, level
from flowlog.broker.groups.consumer.requests import ConsumerHeartbeat, HeartbeatResult
from flowlog.broker.wire import messages

from .context import RequestContext
from .later import then

API_KEY: Final = 68
VERSIONS: Final = (0, 1)


def handle(request: Any, context: RequestContext) -> Any | Awaitable[Any]:
    if level(context.services.metadata, GROUP_VERSION) < 1:
        return messages.consumer_group_heartbeat.ConsumerGroupHeartbeatResponse(
            error_code=ErrorCode.unsupported_version
        )
    return then(context.services.groups.consumer_heartbeat(_heartbeat(request, context)), _response)


def _heartbeat(request: Any, context: RequestContext) -> ConsumerHeartbeat:
    names, owned = request.subscribed_topic_names, request.topic_partitions
    member_id = request.member_id
    if context.version == 0 and not member_id and not request.member_epoch:
        member_id = str(uuid4())
    return ConsumerHeartbeat(
        group_id=request.group_id,
        member_id=member_id,
        member_epoch=request.member_epoch,
        client_id=context.client_id or "",
        client_host=context.client_host,
        instance_id=request.instance_id,
        rack_id=request.rack_id,
        rebalance_timeout_ms=request.rebalance_timeout_ms,
        topics=None if names is None else frozenset(names),
        regex=request.subscribed_topic_regex,
        assignor=request.server_assignor,
        owned=None if owned is None else {t.topic_id: frozenset(t.partitions) for t in owned},
    )


def _response(result: HeartbeatResult) -> Any:
    m = messages.consumer_group_heartbeat
    assignment = None
    if result.assignment is not None:
        assignment = m.Assignment(
            topic_partitions=tuple(
                m.response.TopicPartitions(topic_id=topic_id, partitions=tuple(sorted(partitions)))
                for topic_id, partitions in result.assignment.items()
            )
        )
    return m.ConsumerGroupHeartbeatResponse(
        error_code=result.error,
        error_message=result.message,
        member_id=result.member_id,
        member_epoch=result.member_epoch,
        heartbeat_interval_ms=result.interval_ms,
        assignment=assignment,
    )
