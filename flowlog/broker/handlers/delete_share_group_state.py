"""DeleteShareGroupState (API key 86): forget the states of share partitions.

Version 0. One that is not there is no error.
Source: DeleteShareGroupStateRequest.json in apache/kafka; KIP-932.
"""

from __future__ import annotations

from typing import Any, Final

from kio.schema.errors import ErrorCode

from flowlog.broker.share.persister import SharePartitionKey
from flowlog.broker.share_service import partition_exists
from flowlog.broker.wire import messages
from flowlog.errors import KafkaError

from .context import RequestContext
from .share_state_rows import answered

API_KEY: Final = 86
VERSIONS: Final = (0, 0)


async def handle(request: Any, context: RequestContext) -> Any:
    m = messages.delete_share_group_state
    states = context.services.share_states

    async def ask(key: SharePartitionKey, _: Any) -> None:
        if not partition_exists(context.services.metadata)(key.topic_id, key.partition):
            raise KafkaError(ErrorCode.unknown_topic_or_partition)
        await states.delete(key)

    topics = await answered(request, ask, _row, _error)
    return m.DeleteShareGroupStateResponse(
        results=tuple(
            m.DeleteStateResult(topic_id=topic_id, partitions=rows) for topic_id, rows in topics
        )
    )


def _row(partition: int, _: None) -> Any:
    return messages.delete_share_group_state.PartitionResult(partition=partition)


def _error(partition: int, error: ErrorCode, message: str | None) -> Any:
    return messages.delete_share_group_state.PartitionResult(
        partition=partition,
        error_code=error,
        error_message=message,
    )
