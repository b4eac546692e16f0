"""AddPartitionsToTxn (API key 24): partitions become part of a transaction, all of them or none.

Versions 0-5. Clients send v0-3; v2 knows PRODUCER_FENCED, v3 is flexible. Brokers send v4 and v5:
many transactions at once, each to be added to or only verified, by producers of transaction
version 2 (KIP-890). Internal topics are not for clients.
Source: AddPartitionsToTxnRequest.json and `KafkaApis.handleAddPartitionsToTxnRequest` in
apache/kafka.
"""

from __future__ import annotations

from collections.abc import Awaitable, Iterator, Mapping, Sequence
from typing import Any, Final

from kio.schema.errors import ErrorCode

from flowlog.broker.admin.topics import INTERNAL_TOPICS
from flowlog.broker.transactions.requests import AddPartitions
from flowlog.broker.transactions.transaction import EPOCH_BUMP_SINCE, Producer, TopicPartition
from flowlog.broker.wire import messages

from .context import RequestContext
from .later import then
from .producer_errors import fenced_as_of

API_KEY: Final = 24
VERSIONS: Final = (0, 5)
FENCED_SINCE: Final = 2
OF_BROKERS_SINCE: Final = 4

Outcomes = Mapping[TopicPartition, ErrorCode]


def handle(request: Any, context: RequestContext) -> Any | Awaitable[Any]:
    if context.version >= OF_BROKERS_SINCE:
        return _handle_many(request, context)
    m = messages.add_partitions_to_txn
    adding = AddPartitions(
        request.v3_and_below_transactional_id,
        Producer(request.v3_and_below_producer_id, request.v3_and_below_producer_epoch),
        frozenset(_partitions(request.v3_and_below_topics)),
    )
    topics = request.v3_and_below_topics
    return then(
        _add(adding, context),
        lambda outcomes: m.AddPartitionsToTxnResponse(
            results_by_topic_v3_and_below=_results(topics, outcomes)
        ),
    )


async def _handle_many(request: Any, context: RequestContext) -> Any:
    m = messages.add_partitions_to_txn
    results = []
    for transaction in request.transactions:
        outcomes = _add_or_verify(transaction, context)
        if isinstance(outcomes, Awaitable):
            outcomes = await outcomes
        results.append(
            m.AddPartitionsToTxnResult(
                transactional_id=transaction.transactional_id,
                topic_results=_results(transaction.topics, outcomes),
            )
        )
    return m.AddPartitionsToTxnResponse(results_by_transaction=tuple(results))


def _add_or_verify(transaction: Any, context: RequestContext) -> Outcomes | Awaitable[Outcomes]:
    adding = AddPartitions(
        transaction.transactional_id,
        Producer(transaction.producer_id, transaction.producer_epoch),
        frozenset(_partitions(transaction.topics)),
        EPOCH_BUMP_SINCE,
    )
    if not transaction.verify_only:
        return _add(adding, context)
    unusable = _unusable(adding, context)
    if unusable:
        return unusable
    return context.services.transactions.verify(
        adding.transactional_id, adding.producer, adding.partitions
    )


def _add(adding: AddPartitions, context: RequestContext) -> Outcomes | Awaitable[Outcomes]:
    unusable = _unusable(adding, context)
    if unusable:
        return unusable

    def outcomes(error: ErrorCode) -> Outcomes:
        code = fenced_as_of(context.version, error, since=FENCED_SINCE)
        return dict.fromkeys(adding.partitions, code)

    return then(context.services.transactions.add_partitions(adding), outcomes)


def _unusable(adding: AddPartitions, context: RequestContext) -> Outcomes:
    """Outcomes for all if one of the partitions cannot be had; empty if all can."""
    errors = {key: _error(*key, context) for key in adding.partitions}
    if all(error is ErrorCode.none for error in errors.values()):
        return {}
    return {
        key: ErrorCode.operation_not_attempted if error is ErrorCode.none else error
        for key, error in errors.items()
    }


def _error(topic: str, index: int, context: RequestContext) -> ErrorCode:
    if topic in INTERNAL_TOPICS and context.version < OF_BROKERS_SINCE:
        return ErrorCode.topic_authorization_failed
    image = context.services.metadata.topic(topic)
    if image is None or not 0 <= index < len(image.partitions):
        return ErrorCode.unknown_topic_or_partition
    return ErrorCode.none


def _partitions(topics: Sequence[Any]) -> Iterator[TopicPartition]:
    return ((topic.name, index) for topic in topics for index in topic.partitions)


def _results(topics: Sequence[Any], outcomes: Outcomes) -> tuple[Any, ...]:
    m = messages.add_partitions_to_txn
    return tuple(
        m.AddPartitionsToTxnTopicResult(
            name=topic.name,
            results_by_partition=tuple(
                m.AddPartitionsToTxnPartitionResult(
                    partition_index=index, partition_error_code=outcomes[topic.name, index]
                )
                for index in topic.partitions
            ),
        )
        for topic in topics
    )
