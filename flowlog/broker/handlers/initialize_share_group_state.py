"""InitializeShareGroupState (API key 83): set the states of share partitions anew.

Version 0. Between brokers: here group and share coordinator are in one, and the API is for tools.
Source: InitializeShareGroupStateRequest.json in apache/kafka; KIP-932.
"""

from __future__ import annotations

from typing import Any, Final

from kio.schema.errors import ErrorCode

from flowlog.broker.share.persister import SharePartitionKey
from flowlog.broker.wire import messages

from .context import RequestContext
from .share_state_rows import answered

API_KEY: Final = 83
VERSIONS: Final = (0, 0)


async def handle(request: Any, context: RequestContext) -> Any:
    m = messages.initialize_share_group_state
    states = context.services.share_states

    async def ask(key: SharePartitionKey, row: Any) -> None:
        await states.initialize(key, state_epoch=row.state_epoch, start_offset=row.start_offset)

    topics = await answered(request, ask, _row, _error)
    return m.InitializeShareGroupStateResponse(
        results=tuple(
            m.InitializeStateResult(topic_id=topic_id, partitions=rows) for topic_id, rows in topics
        )
    )


def _row(partition: int, _: None) -> Any:
    return messages.initialize_share_group_state.PartitionResult(partition=partition)


def _error(partition: int, error: ErrorCode, message: str | None) -> Any:
    return messages.initialize_share_group_state.PartitionResult(
        partition=partition,
        error_code=error,
        error_message=message,
    )
