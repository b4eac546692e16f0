"""OffsetForLeaderEpoch (API key 23): where a leader epoch's records end (KIP-101, KIP-320).

Versions 2-4. v3 adds the replica id, v4 flexible encoding. An epoch that this log never had is
answered with epoch -1 and offset -1.
Source: OffsetForLeaderEpochRequest.json in apache/kafka.
"""

from __future__ import annotations

from typing import Any, Final

from flowlog.broker.wire import messages
from flowlog.errors import KafkaError

from .context import RequestContext

API_KEY: Final = 23
VERSIONS: Final = (2, 4)


def handle(request: Any, context: RequestContext) -> Any:
    m = messages.offset_for_leader_epoch
    return m.OffsetForLeaderEpochResponse(
        topics=tuple(
            m.OffsetForLeaderTopicResult(
                topic=topic.topic,
                partitions=tuple(
                    _end_offset(topic.topic, query, context) for query in topic.partitions
                ),
            )
            for topic in request.topics
        )
    )


def _end_offset(topic: str, query: Any, context: RequestContext) -> Any:
    row = messages.offset_for_leader_epoch.EpochEndOffset(
        partition=query.partition, leader_epoch=-1, end_offset=-1
    )
    try:
        partition = context.services.partitions.find(topic, query.partition)
        partition.check_leader_epoch(query.current_leader_epoch)
    except KafkaError as error:
        row.error_code = error.error_code
        return row
    row.leader_epoch, row.end_offset = partition.end_offset_for(query.leader_epoch)
    return row
