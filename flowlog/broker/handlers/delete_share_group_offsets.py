"""DeleteShareGroupOffsets (API key 92): an empty share group forgets how far it was in topics.

Version 0. Each topic has its own outcome.
Source: DeleteShareGroupOffsetsRequest.json in apache/kafka; KIP-932.
"""

from __future__ import annotations

from typing import Any, Final

from kio.schema.errors import ErrorCode

from flowlog.broker.wire import messages

from .context import RequestContext
from .error_messages import message_for
from .share_enabled import share_enabled

API_KEY: Final = 92
VERSIONS: Final = (0, 0)


async def handle(request: Any, context: RequestContext) -> Any:
    if not share_enabled(context):
        return messages.delete_share_group_offsets.DeleteShareGroupOffsetsResponse(
            error_code=ErrorCode.unsupported_version,
            error_message=message_for(ErrorCode.unsupported_version),
        )
    names = [topic.topic_name for topic in request.topics]
    deleted = await context.services.groups.share.delete_offsets(request.group_id, names)
    m = messages.delete_share_group_offsets
    if deleted.error is not ErrorCode.none:
        return m.DeleteShareGroupOffsetsResponse(
            error_code=deleted.error, error_message=deleted.message or message_for(deleted.error)
        )
    return m.DeleteShareGroupOffsetsResponse(
        responses=tuple(
            m.DeleteShareGroupOffsetsResponseTopic(
                topic_name=row.topic,
                topic_id=row.topic_id,
                error_code=row.error,
                error_message=row.message or message_for(row.error),
            )
            for row in deleted.topics
        )
    )
