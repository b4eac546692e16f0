"""AlterShareGroupOffsets (API key 91): where an empty share group goes on.

Version 0. A group that is not there is made. What became of the records before is forgotten: each
partition begins anew at the offset.
Source: AlterShareGroupOffsetsRequest.json in apache/kafka; KIP-932.
"""

from __future__ import annotations

from typing import Any, Final

from kio.schema.errors import ErrorCode

from flowlog.broker.groups.share.requests import Altered, TopicOffsets
from flowlog.broker.wire import messages

from .context import RequestContext
from .error_messages import message_for
from .share_enabled import share_enabled

API_KEY: Final = 91
VERSIONS: Final = (0, 0)


async def handle(request: Any, context: RequestContext) -> Any:
    if not share_enabled(context):
        return messages.alter_share_group_offsets.AlterShareGroupOffsetsResponse(
            error_code=ErrorCode.unsupported_version,
            error_message=message_for(ErrorCode.unsupported_version),
        )
    wanted = [
        TopicOffsets(
            topic.topic_name, {row.partition_index: row.start_offset for row in topic.partitions}
        )
        for topic in request.topics
    ]
    altered = await context.services.groups.share.alter_offsets(request.group_id, wanted)
    m = messages.alter_share_group_offsets
    if altered.error is not ErrorCode.none:
        return m.AlterShareGroupOffsetsResponse(
            error_code=altered.error, error_message=altered.message or message_for(altered.error)
        )
    return m.AlterShareGroupOffsetsResponse(
        responses=tuple(_topic(asked, altered, context) for asked in wanted)
    )


def _topic(asked: TopicOffsets, altered: Altered, context: RequestContext) -> Any:
    m = messages.alter_share_group_offsets
    topic = context.services.metadata.topic(asked.topic)
    rows = ((partition, altered.rows[asked.topic, partition]) for partition in asked.offsets)
    return m.AlterShareGroupOffsetsResponseTopic(
        topic_name=asked.topic,
        topic_id=None if topic is None else topic.topic_id,
        partitions=tuple(
            m.AlterShareGroupOffsetsResponsePartition(
                partition_index=partition, error_code=error, error_message=message_for(error)
            )
            for partition, error in rows
        ),
    )
