"""DeleteRecords (API key 21): move the start of partitions up, giving up the records before it.

Versions 0-2; the versions differ in encoding only. Offset -1 means the high watermark.
Source: DeleteRecordsRequest.json in apache/kafka; KIP-107.
"""

from __future__ import annotations

from typing import Any, Final

from kio.schema.errors import ErrorCode

from flowlog.broker.admin.topics import INTERNAL_TOPICS
from flowlog.broker.wire import messages
from flowlog.errors import KafkaError

from .context import RequestContext

API_KEY: Final = 21
VERSIONS: Final = (0, 2)
HIGH_WATERMARK: Final = -1


def handle(request: Any, context: RequestContext) -> Any:
    m = messages.delete_records
    return m.DeleteRecordsResponse(
        topics=tuple(
            m.DeleteRecordsTopicResult(
                name=topic.name,
                partitions=tuple(_row(topic.name, wanted, context) for wanted in topic.partitions),
            )
            for topic in request.topics
        )
    )


def _row(topic: str, wanted: Any, context: RequestContext) -> Any:
    row = messages.delete_records.DeleteRecordsPartitionResult(
        partition_index=wanted.partition_index, low_watermark=-1
    )
    try:
        if topic in INTERNAL_TOPICS:
            raise KafkaError(ErrorCode.invalid_topic_exception, "an internal topic")
        partition = context.services.partitions.find(topic, wanted.partition_index)
        if "delete" not in partition.log.config.cleanup_policy:
            raise KafkaError(ErrorCode.policy_violation, "cleanup.policy has no delete")
        offset = wanted.offset
        if offset == HIGH_WATERMARK:
            offset = partition.high_watermark
        if not 0 <= offset <= partition.high_watermark:
            raise KafkaError(ErrorCode.offset_out_of_range)
        partition.log.delete_records_before(offset)
        row.low_watermark = partition.log.log_start_offset
    except KafkaError as error:
        row.error_code = error.error_code
    except OSError:
        row.error_code = ErrorCode.kafka_storage_error
    return row
