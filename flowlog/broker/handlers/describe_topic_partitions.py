"""DescribeTopicPartitions (API key 75): topics' partitions, page by page (KIP-966).

Version 0. Topics come in the order of their names; the cursor names the first partition of the
next page. No partition has eligible leader replicas while a cluster is one broker.
Source: DescribeTopicPartitionsRequest.json in apache/kafka.
"""

from __future__ import annotations

from typing import Any, Final

from kio.schema.errors import ErrorCode

from flowlog.broker.admin.topics import INTERNAL_TOPICS, check_name
from flowlog.broker.controller.records import PartitionRecord
from flowlog.broker.wire import messages
from flowlog.errors import KafkaError

from .context import RequestContext
from .operations import TOPIC_OPERATIONS

API_KEY: Final = 75
VERSIONS: Final = (0, 0)
PARTITIONS_PER_PAGE_MAX: Final = 2000


def handle(request: Any, context: RequestContext) -> Any:
    m = messages.describe_topic_partitions
    cursor = request.cursor
    if cursor is not None and cursor.partition_index < 0:
        return _all_refused(request)
    image = context.services.metadata
    names = sorted({topic.name for topic in request.topics} or image.topics)
    first = 0
    if cursor is not None:
        names = [name for name in names if name >= cursor.topic_name]
        if names and names[0] == cursor.topic_name:
            first = cursor.partition_index
    room = max(1, min(request.response_partition_limit, PARTITIONS_PER_PAGE_MAX))
    rows = []
    for name in names:
        topic = image.topic(name)
        if topic is None:
            rows.append(_missing(name))
            continue
        if room == 0:
            return _response(rows, m.response.Cursor(topic_name=name, partition_index=0))
        page = topic.partitions[first : first + room]
        rows.append(
            m.DescribeTopicPartitionsResponseTopic(
                name=name,
                topic_id=topic.topic_id,
                is_internal=name in INTERNAL_TOPICS,
                topic_authorized_operations=TOPIC_OPERATIONS,
                partitions=tuple(map(_partition_row, page)),
            )
        )
        room -= len(page)
        if first + len(page) < len(topic.partitions):
            next_index = first + len(page)
            return _response(rows, m.response.Cursor(topic_name=name, partition_index=next_index))
        first = 0
    return _response(rows, None)


def _all_refused(request: Any) -> Any:
    return _response(
        [
            messages.describe_topic_partitions.DescribeTopicPartitionsResponseTopic(
                name=topic.name, error_code=ErrorCode.invalid_request
            )
            for topic in request.topics
        ],
        None,
    )


def _missing(name: str) -> Any:
    error = ErrorCode.unknown_topic_or_partition
    try:
        check_name(name)
    except KafkaError as refused:
        error = refused.error_code
    return messages.describe_topic_partitions.DescribeTopicPartitionsResponseTopic(
        name=name, error_code=error, topic_authorized_operations=TOPIC_OPERATIONS
    )


def _response(rows: list[Any], next_cursor: Any) -> Any:
    return messages.describe_topic_partitions.DescribeTopicPartitionsResponse(
        topics=tuple(rows), next_cursor=next_cursor
    )


def _partition_row(partition: PartitionRecord) -> Any:
    return messages.describe_topic_partitions.DescribeTopicPartitionsResponsePartition(
        partition_index=partition.partition,
        leader_id=partition.leader,
        leader_epoch=partition.leader_epoch,
        replica_nodes=partition.replicas,
        isr_nodes=partition.isr,
        eligible_leader_replicas=(),
        last_known_elr=(),
    )
