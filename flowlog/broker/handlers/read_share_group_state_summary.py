"""ReadShareGroupStateSummary (API key 87): how far share groups are, without the batches.

Versions 0-1. v1 adds how many records are done with. Fences nobody.
Source: ReadShareGroupStateSummaryRequest.json in apache/kafka; KIP-932.
"""

from __future__ import annotations

from typing import Any, Final

from kio.schema.errors import ErrorCode

from flowlog.broker.share.persister import SharePartitionKey, ShareStateSummary
from flowlog.broker.wire import messages

from .context import RequestContext
from .share_state_rows import answered

API_KEY: Final = 87
VERSIONS: Final = (0, 1)


async def handle(request: Any, context: RequestContext) -> Any:
    m = messages.read_share_group_state_summary
    states = context.services.share_states

    async def ask(key: SharePartitionKey, row: Any) -> ShareStateSummary:
        return await states.summary(key, leader_epoch=row.leader_epoch)

    topics = await answered(request, ask, _row, _error)
    return m.ReadShareGroupStateSummaryResponse(
        results=tuple(
            m.ReadStateSummaryResult(topic_id=topic_id, partitions=rows)
            for topic_id, rows in topics
        )
    )


def _row(partition: int, summary: ShareStateSummary) -> Any:
    return messages.read_share_group_state_summary.PartitionResult(
        partition=partition,
        state_epoch=summary.state_epoch,
        leader_epoch=summary.leader_epoch,
        start_offset=summary.start_offset,
        delivery_complete_count=summary.delivery_complete_count,
    )


def _error(partition: int, error: ErrorCode, message: str | None) -> Any:
    return messages.read_share_group_state_summary.PartitionResult(
        partition=partition,
        error_code=error,
        error_message=message,
    )
