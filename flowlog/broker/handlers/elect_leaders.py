"""ElectLeaders (API key 43): let the preferred replica lead, or any replica where none is in sync.

Versions 0-2. v1 adds unclean elections, v2 is flexible. With one broker each partition is led by
its only replica, so there is never an election to hold; partitions that were not named are left
out of the answer then, as in Kafka.
Source: ElectLeadersRequest.json and `ReplicationControlManager.electLeaders` in apache/kafka;
KIP-183, KIP-460.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from kio.schema.errors import ErrorCode

from flowlog.broker.wire import messages

from .context import RequestContext

API_KEY: Final = 43
VERSIONS: Final = (0, 2)
PREFERRED: Final = 0
UNCLEAN: Final = 1


def handle(request: Any, context: RequestContext) -> Any:
    m = messages.elect_leaders
    valid = request.election_type in (PREFERRED, UNCLEAN)
    error = ErrorCode.none if valid else ErrorCode.invalid_request
    if request.topic_partitions is None:
        rows = [m.ReplicaElectionResult(topic=topic) for topic in context.services.metadata.topics]
    else:
        rows = [
            m.ReplicaElectionResult(
                topic=wanted.topic,
                partition_result=tuple(_outcomes(wanted, context, valid=valid)),
            )
            for wanted in request.topic_partitions
        ]
    return m.ElectLeadersResponse(error_code=error, replica_election_results=tuple(rows))


def _outcomes(wanted: Any, context: RequestContext, *, valid: bool) -> Iterator[Any]:
    topic = context.services.metadata.topic(wanted.topic)
    count = 0 if topic is None else len(topic.partitions)
    for index in wanted.partitions:
        if not valid:
            error, message = ErrorCode.invalid_request, "no such type of election"
        elif not 0 <= index < count:
            error = ErrorCode.unknown_topic_or_partition
            message = f"no partition {wanted.topic}-{index}"
        else:
            error, message = ErrorCode.election_not_needed, "its only replica leads it"
        yield messages.elect_leaders.PartitionResult(
            partition_id=index, error_code=error, error_message=message
        )
