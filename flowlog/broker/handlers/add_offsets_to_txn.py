"""AddOffsetsToTxn (API key 25): a group's offsets become part of a transaction.

Versions 0-4. v2 knows PRODUCER_FENCED, v3 is flexible, v4 knows TRANSACTION_ABORTABLE (KIP-890).
What is added is the partition of `__consumer_offsets` that holds the group; clients of
transaction version 2 leave that to TxnOffsetCommit.
Source: AddOffsetsToTxnRequest.json and `KafkaApis.handleAddOffsetsToTxnRequest` in apache/kafka.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, Final

from flowlog.broker.admin.topics import OFFSETS_TOPIC
from flowlog.broker.transactions.requests import AddPartitions
from flowlog.broker.transactions.transaction import Producer
from flowlog.broker.wire import messages

from .context import RequestContext
from .later import then
from .producer_errors import fenced_as_of

API_KEY: Final = 25
VERSIONS: Final = (0, 4)
FENCED_SINCE: Final = 2


def handle(request: Any, context: RequestContext) -> Any | Awaitable[Any]:
    services = context.services
    adding = AddPartitions(
        request.transactional_id,
        Producer(request.producer_id, request.producer_epoch),
        frozenset({(OFFSETS_TOPIC, services.groups.partition_for(request.group_id))}),
    )
    return then(
        services.transactions.add_partitions(adding),
        lambda error: messages.add_offsets_to_txn.AddOffsetsToTxnResponse(
            error_code=fenced_as_of(context.version, error, since=FENCED_SINCE)
        ),
    )
