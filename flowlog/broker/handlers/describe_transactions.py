"""DescribeTransactions (API key 65): transactional ids and their transactions (KIP-664).

Version 0. Source: DescribeTransactionsRequest.json and
`TransactionCoordinator.handleDescribeTransactions` in apache/kafka.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from flowlog.broker.transactions.transaction import TopicPartition
from flowlog.broker.wire import messages
from flowlog.errors import KafkaError

from .context import RequestContext

API_KEY: Final = 65
VERSIONS: Final = (0, 0)


def handle(request: Any, context: RequestContext) -> Any:
    return messages.describe_transactions.DescribeTransactionsResponse(
        transaction_states=tuple(_row(name, context) for name in request.transactional_ids)
    )


def _row(transactional_id: str, context: RequestContext) -> Any:
    row = messages.describe_transactions.TransactionState(transactional_id=transactional_id)
    try:
        transaction = context.services.transactions.describe(transactional_id).transaction
    except KafkaError as error:
        row.error_code = error.error_code
        return row
    row.producer_id = transaction.producer_id
    row.producer_epoch = transaction.producer_epoch
    row.transaction_state = transaction.state.label
    row.transaction_timeout_ms = transaction.timeout_ms
    row.transaction_start_time_ms = transaction.started_ms
    row.topics = _topics(transaction.partitions)
    return row


def _topics(partitions: Iterable[TopicPartition]) -> tuple[Any, ...]:
    topics: dict[str, list[int]] = {}
    for topic, index in sorted(partitions):
        topics.setdefault(topic, []).append(index)
    row_class = messages.describe_transactions.TopicData
    return tuple(row_class(topic=name, partitions=tuple(rows)) for name, rows in topics.items())
