"""DescribeQuorum (API key 55): who votes on the metadata log, and how far each one is.

Versions 0-2. v1 adds fetch times, v2 directories, addresses and messages. This node is a quorum
of one: leader, only voter, always caught up.
Source: DescribeQuorumRequest.json in apache/kafka; KIP-595, KIP-836, KIP-853.
"""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from kio.schema.errors import ErrorCode

from flowlog.broker.controller.metadata_log import LEADER_EPOCH, TOPIC
from flowlog.broker.storage.checkpoints import decode_topic_id
from flowlog.broker.wire import messages

from .context import RequestContext

API_KEY: Final = 55
VERSIONS: Final = (0, 2)


def handle(request: Any, context: RequestContext) -> Any:
    m = messages.describe_quorum.response
    host, port = context.broker_address()
    listener = m.Listener(name="PLAINTEXT", host=host, port=port)
    return m.DescribeQuorumResponse(
        topics=tuple(
            m.TopicData(
                topic_name=topic.topic_name,
                partitions=tuple(
                    _partition(topic.topic_name, row.partition_index, context)
                    for row in topic.partitions
                ),
            )
            for topic in request.topics
        ),
        nodes=(m.Node(node_id=context.services.node_id, listeners=(listener,)),)
        if any(topic.topic_name == TOPIC for topic in request.topics)
        else (),
    )


def _partition(topic: str, index: int, context: RequestContext) -> Any:
    m = messages.describe_quorum.response
    if (topic, index) != (TOPIC, 0):
        return m.PartitionData(
            partition_index=index,
            error_code=ErrorCode.unknown_topic_or_partition,
            error_message=f"only partition 0 of {TOPIC} has a quorum",
        )
    services = context.services
    end_offset, now_ms = services.metadata.offset, services.clock.now_ms()
    return m.PartitionData(
        partition_index=index,
        leader_id=services.node_id,
        leader_epoch=LEADER_EPOCH,
        high_watermark=end_offset,
        current_voters=(
            m.ReplicaState(
                replica_id=services.node_id,
                replica_directory_id=_directory(services.directory_id),
                log_end_offset=end_offset,
                last_fetch_timestamp=now_ms,
                last_caught_up_timestamp=now_ms,
            ),
        ),
    )


def _directory(text: str) -> UUID | None:
    """The data folder's id; None for one that was made before folders had ids."""
    return decode_topic_id(text) if text else None
