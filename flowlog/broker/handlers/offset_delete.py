"""OffsetDelete (API key 47): forget where a group is in some partitions.

Version 0. Offsets in topics that a member consumes stay (GROUP_SUBSCRIBED_TO_TOPIC); of groups
with members only consumers' can be deleted at all.
Source: OffsetDeleteRequest.json and `KafkaApis.handleOffsetDeleteRequest` in apache/kafka; KIP-496.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, Final

from kio.schema.errors import ErrorCode

from flowlog.broker.groups.requests import Committed
from flowlog.broker.wire import messages

from .context import RequestContext
from .later import then

API_KEY: Final = 47
VERSIONS: Final = (0, 0)


def handle(request: Any, context: RequestContext) -> Any | Awaitable[Any]:
    existing = [
        (topic.name, row.partition_index)
        for topic in request.topics
        for row in topic.partitions
        if _exists(topic.name, row.partition_index, context)
    ]

    def render(result: Committed) -> Any:
        if result.error is not ErrorCode.none:
            return messages.offset_delete.OffsetDeleteResponse(error_code=result.error)
        return _response(request, dict(zip(existing, result.rows, strict=True)))

    return then(context.services.groups.delete_offsets(request.group_id, existing), render)


def _exists(name: str, partition: int, context: RequestContext) -> bool:
    topic = context.services.metadata.topic(name)
    return topic is not None and 0 <= partition < len(topic.partitions)


def _response(request: Any, outcomes: dict[tuple[str, int], ErrorCode]) -> Any:
    m = messages.offset_delete
    unknown = ErrorCode.unknown_topic_or_partition
    return m.OffsetDeleteResponse(
        topics=tuple(
            m.OffsetDeleteResponseTopic(
                name=topic.name,
                partitions=tuple(
                    m.OffsetDeleteResponsePartition(
                        partition_index=row.partition_index,
                        error_code=outcomes.get((topic.name, row.partition_index), unknown),
                    )
                    for row in topic.partitions
                ),
            )
            for topic in request.topics
        )
    )
