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

from flowlog.broker.controller.image import TopicImage
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
    images = [_find(topic, context) for topic in request.topics]
    missing = (
        ErrorCode.unknown_topic_id
        if context.version >= TOPIC_IDS_SINCE
        else ErrorCode.unknown_topic_or_partition
    )
    errors: Errors = [
        [_error(image, row.partition_index, missing) for row in topic.partitions]
        for image, topic in zip(images, request.topics, strict=True)
    ]
    rows = tuple(_rows_to_commit(request, images, errors))
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


def _find(topic: Any, context: RequestContext) -> TopicImage | None:
    """The topic that is meant, by name or by id."""
    metadata = context.services.metadata
    if context.version < TOPIC_IDS_SINCE:
        return metadata.topic(topic.name)
    name = None if topic.topic_id is None else metadata.topic_name(topic.topic_id)
    return None if name is None else metadata.topic(name)


def _error(topic: TopicImage | None, partition: int, missing: ErrorCode) -> ErrorCode:
    if topic is None:
        return missing
    if not 0 <= partition < len(topic.partitions):
        return ErrorCode.unknown_topic_or_partition
    return ErrorCode.none


def _rows_to_commit(
    request: Any, images: list[TopicImage | None], errors: Errors
) -> Iterator[CommitRow]:
    for topic, image, topic_errors in zip(request.topics, images, errors, strict=True):
        for row, error in zip(topic.partitions, topic_errors, strict=True):
            if image is not None and error is ErrorCode.none:
                yield CommitRow(
                    image.name,
                    row.partition_index,
                    row.committed_offset,
                    row.committed_leader_epoch,
                    row.committed_metadata,
                    image.topic_id,
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
