"""DescribeShareGroupOffsets (API key 90): how far share groups are, and how far behind.

Versions 0-1. v1 adds the lag: records from the start offset to the end that are not done with;
-1 where that is not known. Without topics all are described in which the group has a state; of a
group that does not exist that is none.
Source: DescribeShareGroupOffsetsRequest.json in apache/kafka; KIP-932, KIP-1226.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final
from uuid import UUID

from kio.schema.errors import ErrorCode

from flowlog.broker.share.persister import (
    UNINITIALIZED_START_OFFSET,
    UNKNOWN_COMPLETE_COUNT,
    SharePartitionKey,
    ShareStateSummary,
)
from flowlog.broker.wire import messages
from flowlog.errors import KafkaError

from .context import RequestContext
from .error_messages import message_for
from .share_enabled import share_enabled

API_KEY: Final = 90
VERSIONS: Final = (0, 1)
NO_LAG: Final = -1

Summaries = Mapping[SharePartitionKey, ShareStateSummary | KafkaError]


async def handle(request: Any, context: RequestContext) -> Any:
    return messages.describe_share_group_offsets.DescribeShareGroupOffsetsResponse(
        groups=tuple([await _group(group, context) for group in request.groups])
    )


async def _group(group: Any, context: RequestContext) -> Any:
    m = messages.describe_share_group_offsets
    services = context.services
    try:
        if not share_enabled(context):
            raise KafkaError(ErrorCode.unsupported_version)
        asked, unknown = _asked(group, context)
    except KafkaError as error:
        return m.DescribeShareGroupOffsetsResponseGroup(
            group_id=group.group_id,
            error_code=error.error_code,
            error_message=error.message or message_for(error.error_code),
        )
    keys = [
        SharePartitionKey(group.group_id, topic_id, partition)
        for topic_id, partitions in asked.items()
        for partition in partitions
    ]
    summaries = await services.groups.share.summaries(keys)
    rows = [_topic(group.group_id, t, asked[t], summaries, context) for t in asked]
    return m.DescribeShareGroupOffsetsResponseGroup(
        group_id=group.group_id, topics=(*rows, *unknown)
    )


def _asked(group: Any, context: RequestContext) -> tuple[dict[UUID, list[int]], list[Any]]:
    """The partitions to describe by topic, and the answers for topics that do not exist."""
    if group.topics is None:
        ready = context.services.groups.share.initialized_partitions(group.group_id)
        known = context.services.metadata.topics_by_id
        return {t: sorted(ps) for t, ps in ready.items() if t in known}, []
    asked: dict[UUID, list[int]] = {}
    unknown: list[Any] = []
    for wanted in group.topics:
        topic = context.services.metadata.topic(wanted.topic_name)
        if topic is None:
            unknown.append(_unknown(wanted))
        else:
            asked[topic.topic_id] = list(wanted.partitions)
    return asked, unknown


def _unknown(wanted: Any) -> Any:
    """As Kafka has it: without an error, as a partition without a state."""
    m = messages.describe_share_group_offsets
    return m.DescribeShareGroupOffsetsResponseTopic(
        topic_name=wanted.topic_name,
        partitions=tuple(_failed(partition, ErrorCode.none) for partition in wanted.partitions),
    )


def _failed(partition: int, error: ErrorCode) -> Any:
    return messages.describe_share_group_offsets.DescribeShareGroupOffsetsResponsePartition(
        partition_index=partition,
        start_offset=UNINITIALIZED_START_OFFSET,
        leader_epoch=0,
        lag=NO_LAG,
        error_code=error,
        error_message=message_for(error),
    )


def _topic(
    group_id: str,
    topic_id: UUID,
    partitions: Iterable[int],
    summaries: Summaries,
    context: RequestContext,
) -> Any:
    m = messages.describe_share_group_offsets
    name = context.services.metadata.topic_name(topic_id) or ""
    return m.DescribeShareGroupOffsetsResponseTopic(
        topic_name=name,
        topic_id=topic_id,
        partitions=tuple(
            _partition(
                name,
                partition,
                summaries[SharePartitionKey(group_id, topic_id, partition)],
                context,
            )
            for partition in partitions
        ),
    )


def _partition(
    topic: str, partition: int, summary: ShareStateSummary | KafkaError, context: RequestContext
) -> Any:
    if isinstance(summary, KafkaError):
        return _failed(partition, summary.error_code)
    try:
        lag = _lag(topic, partition, summary, context)
    except KafkaError as error:
        return _failed(partition, error.error_code)
    return messages.describe_share_group_offsets.DescribeShareGroupOffsetsResponsePartition(
        partition_index=partition,
        start_offset=summary.start_offset,
        leader_epoch=summary.leader_epoch,
        lag=lag,
    )


def _lag(topic: str, partition: int, summary: ShareStateSummary, context: RequestContext) -> int:
    """Raises `KafkaError` while the partition is not here."""
    if (
        summary.start_offset == UNINITIALIZED_START_OFFSET
        or summary.delivery_complete_count == UNKNOWN_COMPLETE_COUNT
    ):
        return NO_LAG
    end_offset = context.services.partitions.find(topic, partition).high_watermark
    return end_offset - summary.start_offset - summary.delivery_complete_count
