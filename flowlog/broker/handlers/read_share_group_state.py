"""ReadShareGroupState (API key 84): the states of share partitions, for their leader.

Version 0. A leader's epoch that is newer than the state's fences those before it.
Source: ReadShareGroupStateRequest.json in apache/kafka; KIP-932.
"""

from __future__ import annotations

from typing import Any, Final

from kio.schema.errors import ErrorCode

from flowlog.broker.share.persister import SharePartitionKey, ShareState
from flowlog.broker.wire import messages

from .context import RequestContext
from .share_state_rows import answered

API_KEY: Final = 84
VERSIONS: Final = (0, 0)


async def handle(request: Any, context: RequestContext) -> Any:
    m = messages.read_share_group_state
    states = context.services.share_states

    async def ask(key: SharePartitionKey, row: Any) -> ShareState:
        return await states.read(key, leader_epoch=row.leader_epoch)

    topics = await answered(request, ask, _row, _error)
    return m.ReadShareGroupStateResponse(
        results=tuple(
            m.ReadStateResult(topic_id=topic_id, partitions=rows) for topic_id, rows in topics
        )
    )


def _row(partition: int, state: ShareState) -> Any:
    m = messages.read_share_group_state
    return m.PartitionResult(
        partition=partition,
        state_epoch=state.state_epoch,
        start_offset=state.start_offset,
        state_batches=tuple(
            m.StateBatch(
                first_offset=batch.first_offset,
                last_offset=batch.last_offset,
                delivery_state=batch.delivery_state,
                delivery_count=batch.delivery_count,
            )
            for batch in state.batches
        ),
    )


def _error(partition: int, error: ErrorCode, message: str | None) -> Any:
    return messages.read_share_group_state.PartitionResult(
        partition=partition,
        error_code=error,
        error_message=message,
    )
