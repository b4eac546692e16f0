"""WriteTxnMarkers (API key 27): how transactions ended, told to the partitions led here.

Versions 1-2, both flexible; v2 says which transaction version the coordinator ended it by
(KIP-890). Coordinators on other brokers send it, and tools to end a transaction that hangs.
Source: WriteTxnMarkersRequest.json and `KafkaApis.handleWriteTxnMarkersRequest` in apache/kafka.
"""

from __future__ import annotations

from collections.abc import Awaitable, Iterator, Mapping
from typing import Any, Final

from kio.schema.errors import ErrorCode

from flowlog.broker.transactions.markers import Marker
from flowlog.broker.transactions.transaction import TopicPartition
from flowlog.broker.wire import messages

from .context import RequestContext

API_KEY: Final = 27
VERSIONS: Final = (1, 2)


async def handle(request: Any, context: RequestContext) -> Any:
    m = messages.write_txn_markers
    return m.WriteTxnMarkersResponse(
        markers=tuple([await _write(row, context) for row in request.markers])
    )


async def _write(row: Any, context: RequestContext) -> Any:
    m = messages.write_txn_markers
    marker = Marker(
        row.producer_id,
        row.producer_epoch,
        row.transaction_result,
        row.coordinator_epoch,
        row.transaction_version,
    )
    written = context.services.markers.write(marker, tuple(_known(row, context)))
    outcomes: Mapping[TopicPartition, ErrorCode] = (
        await written if isinstance(written, Awaitable) else written
    )
    return m.WritableTxnMarkerResult(
        producer_id=row.producer_id,
        topics=tuple(
            m.WritableTxnMarkerTopicResult(
                name=topic.name,
                partitions=tuple(
                    m.WritableTxnMarkerPartitionResult(
                        partition_index=index,
                        error_code=outcomes.get(
                            (topic.name, index), ErrorCode.unknown_topic_or_partition
                        ),
                    )
                    for index in topic.partition_indexes
                ),
            )
            for topic in row.topics
        ),
    )


def _known(row: Any, context: RequestContext) -> Iterator[TopicPartition]:
    for topic in row.topics:
        image = context.services.metadata.topic(topic.name)
        for index in topic.partition_indexes:
            if image is not None and 0 <= index < len(image.partitions):
                yield topic.name, index
