"""Produce (API key 0): append batches to partitions.

Versions 3-13; 0-2 are advertised but not served, because old librdkafka turns gzip off where they
are missing (KAFKA-18659). v9 is flexible, v10 hints at new leaders, v13 names topics by id.
acks=0 has no response: an error closes the connection. acks=1 and acks=all are answered once the
records are committed as the topic's flush policy says; with one replica they are the same.
A transactional batch that starts a transaction in its partition waits for the coordinator's word
(`transaction_gate`), from v12 on for being added to the transaction.
Source: ProduceRequest.json in apache/kafka.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable
from contextlib import suppress
from typing import Final

from kio.schema.errors import ErrorCode

from flowlog.broker.admin.topics import INTERNAL_TOPICS
from flowlog.broker.replication.partition import Partition
from flowlog.broker.replication.verification import Verification
from flowlog.broker.wire.produce import (
    ProducePartitionResult,
    ProduceRequest,
    ProduceTopic,
    ProduceTopicResult,
    read_produce_request,
    write_produce_response,
)
from flowlog.errors import KafkaError

from .context import RequestContext
from .transaction_gate import NO_ADMISSIONS, Admissions, Admitting, admitted, is_transactional

logger = logging.getLogger(__name__)

API_KEY: Final = 0
VERSIONS: Final = (0, 13)
MIN_SERVED_VERSION: Final = 3
NO_RESPONSE: Final = 0
ZSTD_SINCE: Final = 7

read_request = read_produce_request

Results = list[ProduceTopicResult]
Appended = tuple[Partition, int, ProducePartitionResult]  # partition, end offset, its answer


def handle(
    request: ProduceRequest, context: RequestContext
) -> Results | Awaitable[Results | None] | None:
    """Append each partition's batch; the answer, or an awaitable of it when a disk must be waited for.

    Raises:
        KafkaError: acks=0 and an error that the client can learn of in no other way.
    """
    if request.transactional_id is not None:
        return _handle_transactional(request, request.transactional_id, context)
    uncommitted: list[Appended] = []
    results = [_append_topic(topic, request, context, uncommitted) for topic in request.topics]
    if uncommitted:
        return _when_committed(request, results, uncommitted)
    return _answer(request, results)


async def _handle_transactional(
    request: ProduceRequest, transactional_id: str, context: RequestContext
) -> Results | None:
    """As `handle`, after the coordinator said which batches are part of the transaction."""
    admitting = Admitting(context.services.transaction_gate, context.version)
    for topic in request.topics:
        for index, records in topic.partitions:
            with suppress(KafkaError):  # Its append will tell.
                partition = _find(topic, index, request, context)
                if records is not None:
                    admitting.add((topic.name or topic.topic_id, index), partition, records)
    admissions = await admitting.ask(transactional_id)
    uncommitted: list[Appended] = []
    results = [
        _append_topic(topic, request, context, uncommitted, admissions) for topic in request.topics
    ]
    return await _when_committed(request, results, uncommitted)


def write_response(version: int, results: Results | None) -> tuple[bytearray] | None:
    return None if results is None else (write_produce_response(version, results),)


async def _when_committed(
    request: ProduceRequest, results: Results, uncommitted: list[Appended]
) -> Results | None:
    for partition, end_offset, row in uncommitted:
        try:
            await partition.wait_committed(end_offset)
        except OSError as error:
            # Not an error line for each request: storage said it once, when it began.
            logger.debug("%r: not kept by the disk: %s", partition, error)
            row.error_code = ErrorCode.kafka_storage_error
            row.base_offset = -1
        except KafkaError as error:  # The topic was deleted meanwhile.
            row.error_code = error.error_code
            row.base_offset = -1
    return _answer(request, results)


def _answer(request: ProduceRequest, results: Results) -> Results | None:
    if request.acks != NO_RESPONSE:
        return results
    for topic in results:
        for row in topic.partitions:
            if row.error_code:
                raise KafkaError(
                    ErrorCode(row.error_code), f"acks=0 to {topic.name}: {row.error_message}"
                )
    return None


def _append_topic(
    topic: ProduceTopic,
    request: ProduceRequest,
    context: RequestContext,
    uncommitted: list[Appended],
    admissions: Admissions = NO_ADMISSIONS,
) -> ProduceTopicResult:
    rows = []
    for index, records in topic.partitions:
        row = ProducePartitionResult(index)
        try:
            partition = _find(topic, index, request, context)
            if records is None:
                raise KafkaError(ErrorCode.invalid_record, "no records")
            verification = None
            if is_transactional(records):
                if request.transactional_id is None:
                    raise KafkaError(ErrorCode.transactional_id_authorization_failed)
                verification = admitted(admissions, (topic.name or topic.topic_id, index))
            _append(partition, records, row, context, uncommitted, verification)
        except KafkaError as error:
            row.error_code, row.error_message = error.error_code, error.message
        except OSError as error:
            logger.debug("%s-%d: cannot append: %s", topic.name or topic.topic_id, index, error)
            row.error_code = ErrorCode.kafka_storage_error
        rows.append(row)
    return ProduceTopicResult(topic.name, topic.topic_id, rows)


def _find(
    topic: ProduceTopic, index: int, request: ProduceRequest, context: RequestContext
) -> Partition:
    if request.acks not in (-1, 0, 1):
        raise KafkaError(ErrorCode.invalid_required_acks, f"acks={request.acks}")
    partitions = context.services.partitions
    if topic.name is None:
        partition = partitions.find_by_id(topic.topic_id, index)
    else:
        partition = partitions.find(topic.name, index)
    if partition.topic in INTERNAL_TOPICS:
        raise KafkaError(ErrorCode.invalid_topic_exception, f"{partition.topic} is internal")
    return partition


def _append(
    partition: Partition,
    records: memoryview,
    row: ProducePartitionResult,
    context: RequestContext,
    uncommitted: list[Appended],
    verification: Verification | None,
) -> None:
    result = partition.append(
        records,
        now_ms=context.services.clock.now_ms(),
        zstd_allowed=context.version >= ZSTD_SINCE,
        verification=verification,
    )
    row.base_offset = result.base_offset
    row.log_append_time_ms = result.log_append_time_ms
    row.log_start_offset = result.log_start_offset
    end_offset = result.last_offset + 1
    if not partition.is_committed(end_offset):
        uncommitted.append((partition, end_offset, row))
