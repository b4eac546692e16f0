"""TxnOffsetCommit (API key 28): offsets that count if a producer's transaction is committed.

Versions 0-5. v2 adds leader epochs and knows COORDINATOR_LOAD_IN_PROGRESS, v3 is flexible and says
for which member it commits (KIP-447), so that a member which lost its partitions is fenced; v4
knows TRANSACTION_ABORTABLE; from v5 on the offsets are made part of the transaction, which before
needed an AddOffsetsToTxn (KIP-890).
The transaction's coordinator is asked first, then the group's.
Source: TxnOffsetCommitRequest.json and `KafkaApis.handleTxnOffsetCommitRequest` in apache/kafka.
"""

from __future__ import annotations

from collections.abc import Awaitable, Iterator
from typing import Any, Final

from kio.schema.errors import ErrorCode

from flowlog.broker.admin.topics import OFFSETS_TOPIC
from flowlog.broker.coordinator.commit_log import RecordProducer
from flowlog.broker.groups.requests import Commit, CommitRow, Committed
from flowlog.broker.wire import messages

from .context import RequestContext

API_KEY: Final = 28
VERSIONS: Final = (0, 5)
LOADING_SINCE: Final = 2
ABORTABLE_SINCE: Final = 4
IMPLICIT_SINCE: Final = 5


async def handle(request: Any, context: RequestContext) -> Any:
    rows = tuple(_rows(request, context))
    committed = Committed(ErrorCode.none)
    if rows:
        error = await _admit(request, context)
        committed = (
            await _commit(request, rows, context) if error is ErrorCode.none else Committed(error)
        )
    errors = _by_partition(rows, committed, context.version)
    m = messages.txn_offset_commit
    return m.TxnOffsetCommitResponse(
        topics=tuple(
            m.TxnOffsetCommitResponseTopic(
                name=topic.name,
                partitions=tuple(
                    m.TxnOffsetCommitResponsePartition(
                        partition_index=row.partition_index,
                        error_code=errors.get(
                            (topic.name, row.partition_index), ErrorCode.unknown_topic_or_partition
                        ),
                    )
                    for row in topic.partitions
                ),
            )
            for topic in request.topics
        )
    )


def _rows(request: Any, context: RequestContext) -> Iterator[CommitRow]:
    """The rows whose partitions exist."""
    for topic in request.topics:
        image = context.services.metadata.topic(topic.name)
        for row in topic.partitions:
            if image is not None and 0 <= row.partition_index < len(image.partitions):
                yield CommitRow(
                    topic.name,
                    row.partition_index,
                    row.committed_offset,
                    row.committed_leader_epoch,
                    row.committed_metadata,
                )


async def _admit(request: Any, context: RequestContext) -> ErrorCode:
    """Whether the offsets are part of the producer's transaction."""
    if not request.group_id:
        return ErrorCode.invalid_group_id
    services = context.services
    partition = (OFFSETS_TOPIC, services.groups.partition_for(request.group_id))
    errors = await services.transactions.admit(
        request.transactional_id,
        producer_id=request.producer_id,
        producer_epoch=request.producer_epoch,
        partitions=(partition,),
        is_implicit=context.version >= IMPLICIT_SINCE,
    )
    error = errors[partition]
    if error is ErrorCode.transaction_abortable and context.version < ABORTABLE_SINCE:
        return ErrorCode.invalid_txn_state
    return error


async def _commit(request: Any, rows: tuple[CommitRow, ...], context: RequestContext) -> Committed:
    commit = Commit(
        group_id=request.group_id,
        member_id=request.member_id,
        group_instance_id=request.group_instance_id,
        generation_id=request.generation_id,
        rows=rows,
        hears_of_missing_groups=False,
        producer=RecordProducer(request.producer_id, request.producer_epoch),
    )
    answer = context.services.groups.commit_offsets(commit)
    return await answer if isinstance(answer, Awaitable) else answer


def _by_partition(
    rows: tuple[CommitRow, ...], committed: Committed, version: int
) -> dict[tuple[str, int], ErrorCode]:
    error = committed.error
    if error is ErrorCode.coordinator_load_in_progress and version < LOADING_SINCE:
        error = ErrorCode.coordinator_not_available
    errors = committed.rows or (error,) * len(rows)
    return {(row.topic, row.partition): e for row, e in zip(rows, errors, strict=True)}
