"""WriteShareGroupState (API key 85): lay updates over the states of share partitions.

Versions 0-1. v1 adds how many records are done with, for the group's lag.
Source: WriteShareGroupStateRequest.json in apache/kafka; KIP-932.
"""

from __future__ import annotations

from typing import Any, Final

from kio.schema.errors import ErrorCode

from flowlog.broker.share.persister import SharePartitionKey, ShareStateUpdate, StateBatch
from flowlog.broker.wire import messages

from .context import RequestContext
from .share_state_rows import answered

API_KEY: Final = 85
VERSIONS: Final = (0, 1)


async def handle(request: Any, context: RequestContext) -> Any:
    m = messages.write_share_group_state
    states = context.services.share_states

    async def ask(key: SharePartitionKey, row: Any) -> None:
        await states.write(
            key,
            ShareStateUpdate(
                row.state_epoch,
                row.leader_epoch,
                row.start_offset,
                tuple(
                    StateBatch(b.first_offset, b.last_offset, b.delivery_state, b.delivery_count)
                    for b in row.state_batches
                ),
                row.delivery_complete_count,
            ),
        )

    topics = await answered(request, ask, _row, _error)
    return m.WriteShareGroupStateResponse(
        results=tuple(
            m.WriteStateResult(topic_id=topic_id, partitions=rows) for topic_id, rows in topics
        )
    )


def _row(partition: int, _: None) -> Any:
    return messages.write_share_group_state.PartitionResult(partition=partition)


def _error(partition: int, error: ErrorCode, message: str | None) -> Any:
    return messages.write_share_group_state.PartitionResult(
        partition=partition,
        error_code=error,
        error_message=message,
    )
