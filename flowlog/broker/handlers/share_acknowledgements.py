"""Acknowledgements as ShareFetch and ShareAcknowledge carry them, and what became of them.

Source: `validateAcknowledgementBatches`, `handleAcknowledgements`, `KafkaApis` in apache/kafka.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, TypeAlias
from uuid import UUID

import anyio
from kio.schema.errors import ErrorCode

from flowlog.broker.share.errors import fetch_error
from flowlog.broker.share.partition.requests import Acknowledgement, AcknowledgeType
from flowlog.broker.share.persister import SharePartitionKey
from flowlog.broker.share.sessions import TopicPartition
from flowlog.errors import KafkaError

from .context import RequestContext

MEMBER_ID_LENGTH_MAX: Final = 36
RENEW_SINCE: Final = 2

Outcomes: TypeAlias = dict[TopicPartition, KafkaError | None]


def check_member(request: Any) -> None:
    """Raises KafkaError INVALID_REQUEST for a group or a member that cannot be."""
    if request.group_id is None:
        raise KafkaError(ErrorCode.invalid_request, "Invalid group id in the request.")
    if not request.member_id or len(request.member_id) > MEMBER_ID_LENGTH_MAX:
        raise KafkaError(ErrorCode.invalid_request, "Invalid member id in the request.")


def partitions_of(topics: Iterable[Any]) -> list[TopicPartition]:
    """The partitions that a request names, or forgets."""
    return [
        TopicPartition(_topic_id(topic), getattr(row, "partition_index", row))
        for topic in topics
        for row in topic.partitions
    ]


def batches_of(topics: Iterable[Any]) -> dict[TopicPartition, Sequence[Any]]:
    """What the request acknowledges, in its own classes, by partition; no partition without any."""
    return {
        TopicPartition(_topic_id(topic), row.partition_index): row.acknowledgement_batches
        for topic in topics
        for row in topic.partitions
        if row.acknowledgement_batches
    }


async def acknowledge(
    batches: Mapping[TopicPartition, Sequence[Any]], request: Any, context: RequestContext
) -> Outcomes:
    """Carry out what a member says of its records; None for what is durable now."""
    outcomes: Outcomes = {}

    async def one(partition: TopicPartition, rows: Sequence[Any]) -> None:
        try:
            said = _checked(rows, request, context.version)
            await _acknowledge(partition, said, request, context)
        except KafkaError as error:
            outcomes[partition] = fetch_error(error)
        else:
            outcomes[partition] = None

    if len(batches) == 1:
        for partition, rows in batches.items():
            await one(partition, rows)
        return outcomes
    async with anyio.create_task_group() as tasks:
        for partition, rows in batches.items():
            tasks.start_soon(one, partition, rows)
    return outcomes


async def _acknowledge(
    partition: TopicPartition,
    acknowledgements: Sequence[Acknowledgement],
    request: Any,
    context: RequestContext,
) -> None:
    shares = context.services.shares
    live = shares.find(SharePartitionKey(request.group_id, *partition))
    if live is None:
        raise KafkaError(ErrorCode.unknown_topic_or_partition)
    await live.acknowledge(
        request.member_id,
        acknowledgements,
        shares.settings(request.group_id).limits,
        shares.clock.monotonic_ms(),
    )


def _checked(rows: Sequence[Any], request: Any, version: int) -> list[Acknowledgement]:
    """The rows as acknowledgements; raises KafkaError INVALID_REQUEST for what makes no sense."""
    type_max = AcknowledgeType.RENEW if version >= RENEW_SINCE else AcknowledgeType.REJECT
    found: list[Acknowledgement] = []
    before = -1
    for row in rows:
        first, last, types = row.first_offset, row.last_offset, row.acknowledge_types
        if first > last or first < before or not types:
            raise _invalid("the offsets of acknowledgements must ascend, and each needs a type")
        if len(types) > 1 and len(types) != last - first + 1:
            raise _invalid("one acknowledge type for all records, or one for each")
        if not all(0 <= number <= type_max for number in types):
            raise _invalid(f"acknowledge types are 0 to {type_max}")
        if AcknowledgeType.RENEW in types and not request.is_renew_ack:
            raise _invalid("the request does not say that it renews")
        found.append(Acknowledgement(first, last, tuple(map(AcknowledgeType, types))))
        before = last
    return found


def _topic_id(topic: Any) -> UUID:
    """A request's nil id is None in kio."""
    return topic.topic_id or UUID(int=0)


def _invalid(message: str) -> KafkaError:
    return KafkaError(ErrorCode.invalid_request, message)
