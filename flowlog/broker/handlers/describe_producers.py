"""DescribeProducers (API key 61): the producers that a partition remembers (KIP-664).

Version 0. `current_txn_start_offset` tells who holds the last stable offset back: what an operator
looks for when readers of committed records stand still.
Source: DescribeProducersRequest.json in apache/kafka.
"""

from __future__ import annotations

from typing import Any, Final

from flowlog.broker.storage.producer_state import ProducerEntry
from flowlog.broker.wire import messages
from flowlog.errors import KafkaError

from .context import RequestContext

API_KEY: Final = 61
VERSIONS: Final = (0, 0)


def handle(request: Any, context: RequestContext) -> Any:
    m = messages.describe_producers
    return m.DescribeProducersResponse(
        topics=tuple(
            m.TopicResponse(
                name=topic.name,
                partitions=tuple(
                    _row(topic.name, index, context) for index in topic.partition_indexes
                ),
            )
            for topic in request.topics
        )
    )


def _row(topic: str, index: int, context: RequestContext) -> Any:
    row = messages.describe_producers.PartitionResponse(partition_index=index)
    try:
        partition = context.services.partitions.find(topic, index)
        partition.log.check_open()
    except KafkaError as error:
        row.error_code = error.error_code
        row.error_message = str(error)
        return row
    row.active_producers = tuple(map(_producer, partition.log.producers))
    return row


def _producer(entry: ProducerEntry) -> Any:
    return messages.describe_producers.ProducerState(
        producer_id=entry.producer_id,
        producer_epoch=entry.epoch,
        last_sequence=entry.last_sequence,
        last_timestamp=entry.last_timestamp_ms,
        coordinator_epoch=entry.coordinator_epoch,
        current_txn_start_offset=entry.transaction_first_offset,
    )
