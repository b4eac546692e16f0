"""ListPartitionReassignments (API key 46): which partitions are on their way to other replicas.

Version 0. With one broker there are none: see AlterPartitionReassignments.
Source: ListPartitionReassignmentsRequest.json in apache/kafka; KIP-455.
"""

from __future__ import annotations

from typing import Any, Final

from flowlog.broker.wire import messages

from .context import RequestContext

API_KEY: Final = 46
VERSIONS: Final = (0, 0)


def handle(request: Any, context: RequestContext) -> Any:
    return messages.list_partition_reassignments.ListPartitionReassignmentsResponse()
