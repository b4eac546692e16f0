"""AlterPartitionReassignments (API key 45): give partitions other replicas, or stop doing so.

Versions 0-1. v1 can forbid to change the number of replicas (KIP-860). With one broker the only
replicas to be had are the present ones, so a request that fits is done at once.
Source: AlterPartitionReassignmentsRequest.json in apache/kafka; KIP-455.
"""

from __future__ import annotations

from typing import Any, Final

from flowlog.broker.admin.reassignments import check_reassignment
from flowlog.broker.wire import messages
from flowlog.errors import KafkaError

from .context import RequestContext

API_KEY: Final = 45
VERSIONS: Final = (0, 1)


def handle(request: Any, context: RequestContext) -> Any:
    m = messages.alter_partition_reassignments
    return m.AlterPartitionReassignmentsResponse(
        allow_replication_factor_change=request.allow_replication_factor_change,
        responses=tuple(
            m.ReassignableTopicResponse(
                name=topic.name,
                partitions=tuple(_outcome(topic.name, row, context) for row in topic.partitions),
            )
            for topic in request.topics
        ),
    )


def _outcome(topic: str, row: Any, context: RequestContext) -> Any:
    answer = messages.alter_partition_reassignments.ReassignablePartitionResponse(
        partition_index=row.partition_index
    )
    try:
        check_reassignment(context.services.metadata, topic, row.partition_index, row.replicas)
    except KafkaError as error:
        answer.error_code, answer.error_message = error.error_code, error.message
    return answer
