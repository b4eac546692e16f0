"""OffsetCommit (API key 8): keep where a group is in its partitions.

Versions 2-10. v2-4 carry a retention time, which is honoured; v6 adds leader epochs, v7 static
members, v8 is flexible, v9 speaks of member epochs too (KIP-848) and hears GROUP_ID_NOT_FOUND,
v10 names topics by id. A partition that does not exist fails alone; the others are kept.
Source: OffsetCommitRequest.json and `KafkaApis.handleOffsetCommitRequest` in apache/kafka.
"""

from __future__ import annotations

from collections.abc import Awaitable, Iterator
from typing import Any, Final

from kio.schema.errors import ErrorCode

from flowlog.broker.groups.requests import Commit, CommitRow, Committed
from flowlog.broker.wire import messages

from .context import RequestContext
from .later import then

API_KEY: Final = 8
VERSIONS: Final = (2, 10)
MISSING_GROUPS_SINCE: Final = 9
TOPIC_IDS_SINCE: Final = 10

Errors = list[list[ErrorCode]]  # by topic and partition, in the request's order


def handle(request: Any, context: RequestContext) -> Any | Awaitable[Any]:
    names = [_topic_name(topic, context) for topic in request.topics]
    errors: Errors = [
        [_partition_error(name, row.partition_index, context) for row in topic.partitions]
        for name, topic in zip(names, request.topics, strict=True)
    ]
    rows = tuple(_rows_to_commit(request, names, errors))
    if not rows:
        return _response(request, errors)
    commit = Commit(
        group_id=request.group_id,
        member_id=request.member_id,
        group_instance_id=request.group_instance_id,
        generation_id=request.generation_id_or_member_epoch,
        rows=rows,
        retention_ms=request.retention_time_ms,
        hears_of_missing_groups=context.version >= MISSING_GROUPS_SINCE,
    )

    def render(result: Committed) -> Any:
        return _response(request, _merge(errors, result))

    return then(context.services.groups.commit_offsets(commit), render)


def _topic_name(topic: Any, context: RequestContext) -> str | None:
    """The topic's name; None for an id that no topic has."""
    if context.version < TOPIC_IDS_SINCE:
        name: str = topic.name
        return name
    if topic.topic_id is None:
        return None
    return context.services.metadata.topic_name(topic.topic_id)


def _partition_error(name: str | None, partition: int, context: RequestContext) -> ErrorCode:
    if name is None:
        return ErrorCode.unknown_topic_id
    topic = context.services.metadata.topic(name)
    if topic is None or not 0 <= partition < len(topic.partitions):
        return ErrorCode.unknown_topic_or_partition
    return ErrorCode.none


def _rows_to_commit(request: Any, names: list[str | None], errors: Errors) -> Iterator[CommitRow]:
    for topic, name, topic_errors in zip(request.topics, names, errors, strict=True):
        for row, error in zip(topic.partitions, topic_errors, strict=True):
            if name is not None and error is ErrorCode.none:
                yield CommitRow(
                    name,
                    row.partition_index,
                    row.committed_offset,
                    row.committed_leader_epoch,
                    row.committed_metadata,
                )


def _merge(errors: Errors, result: Committed) -> Errors:
    """Put the coordinator's outcomes where ours said that there was nothing against it."""
    outcomes = iter(result.rows)

    def outcome(error: ErrorCode) -> ErrorCode:
        if error is not ErrorCode.none:
            return error
        return next(outcomes) if result.error is ErrorCode.none else result.error

    return [[outcome(error) for error in topic_errors] for topic_errors in errors]


def _response(request: Any, errors: Errors) -> Any:
    m = messages.offset_commit
    return m.OffsetCommitResponse(
        topics=tuple(
            m.OffsetCommitResponseTopic(
                name=topic.name,
                topic_id=topic.topic_id,
                partitions=tuple(
                    m.OffsetCommitResponsePartition(
                        partition_index=row.partition_index, error_code=error
                    )
                    for row, error in zip(topic.partitions, topic_errors, strict=True)
                ),
            )
            for topic, topic_errors in zip(request.topics, errors, strict=True)
        )
    )
