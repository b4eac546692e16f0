"""OffsetFetch (API key 9): where a group is in its partitions.

Versions 1-10. Null topics ask for all (since v2, which also has an error for the whole answer),
v5 adds leader epochs, v6 is flexible, v7 asks for stable offsets, v8 takes many groups, v9 member
epochs (KIP-848; ignored for classic groups, as in Kafka), v10 names topics by id.
Without a committed offset the answer is -1 and no error. Offsets are only ever answered when they
are committed; who asks for stable ones hears UNSTABLE_OFFSET_COMMIT where an undecided transaction
may still move one.
Source: OffsetFetchRequest.json and `KafkaApis.handleOffsetFetchRequest` in apache/kafka.
"""

from __future__ import annotations

from collections.abc import Awaitable, Iterator, Mapping, Sequence
from typing import Any, Final

from kio.schema.errors import ErrorCode

from flowlog.broker.groups.record_types import CommittedOffset
from flowlog.broker.groups.requests import Fetched, Wanted
from flowlog.broker.wire import messages

from .context import RequestContext
from .later import then

API_KEY: Final = 9
VERSIONS: Final = (1, 10)
WHOLE_ERROR_SINCE: Final = 2
GROUPS_SINCE: Final = 8
TOPIC_IDS_SINCE: Final = 10

NO_OFFSET: Final = CommittedOffset(-1)

Rows = Mapping[int, CommittedOffset | None]


def handle(request: Any, context: RequestContext) -> Any | Awaitable[Any]:
    if context.version < GROUPS_SINCE:
        return _handle_single(request, context)
    answers = [_group(group, request, context) for group in request.groups]
    if any(isinstance(answer, Awaitable) for answer in answers):
        return _wait_for_all(answers)
    return _of_groups(answers)


# One group in the request itself, before version 8.


def _handle_single(request: Any, context: RequestContext) -> Any | Awaitable[Any]:
    m = messages.offset_fetch
    wanted = _wanted_by_name(request.topics, context)

    def render(fetched: Fetched) -> Any:
        topics = fetched.topics
        row_error = ErrorCode.none
        if fetched.error is not ErrorCode.none and context.version < WHOLE_ERROR_SINCE:
            topics = {asked.topic: dict.fromkeys(asked.partitions) for asked in wanted or ()}
            row_error = fetched.error
        return m.OffsetFetchResponse(
            error_code=fetched.error,
            topics=tuple(
                m.OffsetFetchResponseTopic(
                    name=name,
                    partitions=_rows(
                        m.OffsetFetchResponsePartition,
                        rows,
                        row_error,
                        _unstable(name, fetched, request),
                    ),
                )
                for name, rows in topics.items()
            ),
        )

    return then(context.services.groups.fetch_offsets(request.group_id, wanted), render)


def _wanted_by_name(topics: Sequence[Any] | None, context: RequestContext) -> list[Wanted] | None:
    if topics is None:
        return None
    images = ((topic, context.services.metadata.topic(topic.name)) for topic in topics)
    return [
        Wanted(topic.name, topic.partition_indexes, None if image is None else image.topic_id)
        for topic, image in images
    ]


def _unstable(topic: str, fetched: Fetched, request: Any) -> frozenset[int]:
    """The topic's partitions whose offset may still move, if the client minds."""
    if not request.require_stable:
        return frozenset()
    return frozenset(index for name, index in fetched.unstable if name == topic)


def _rows(
    row_class: Any,
    rows: Rows,
    error: ErrorCode = ErrorCode.none,
    unstable: frozenset[int] = frozenset(),
) -> tuple[Any, ...]:
    return tuple(
        row_class(
            partition_index=partition,
            committed_offset=committed.offset,
            committed_leader_epoch=committed.leader_epoch,
            metadata=committed.metadata,
            error_code=ErrorCode.unstable_offset_commit if partition in unstable else error,
        )
        for partition, committed in (
            (n, NO_OFFSET if found is None or n in unstable else found) for n, found in rows.items()
        )
    )


# Many groups, since version 8.


async def _wait_for_all(answers: list[Any]) -> Any:
    return _of_groups([await a if isinstance(a, Awaitable) else a for a in answers])


def _of_groups(groups: list[Any]) -> Any:
    return messages.offset_fetch.OffsetFetchResponse(groups=tuple(groups))


def _group(group: Any, request: Any, context: RequestContext) -> Any | Awaitable[Any]:
    by_id = context.version >= TOPIC_IDS_SINCE
    wanted = (_wanted_by_id if by_id else _wanted_by_name)(group.topics, context)

    def render(fetched: Fetched) -> Any:
        topics = (
            _topics_by_id(group, fetched, request, context)
            if by_id
            else _topics_by_name(fetched, request)
        )
        return messages.offset_fetch.OffsetFetchResponseGroup(
            group_id=group.group_id,
            error_code=fetched.error,
            topics=tuple(topics) if fetched.error is ErrorCode.none else (),
        )

    found = context.services.groups.fetch_offsets(
        group.group_id, wanted, group.member_id, group.member_epoch
    )
    return then(found, render)


def _stable_rows(name: str, rows: Rows, fetched: Fetched, request: Any) -> tuple[Any, ...]:
    row_class = messages.offset_fetch.OffsetFetchResponsePartitions
    return _rows(row_class, rows, unstable=_unstable(name, fetched, request))


def _topics_by_name(fetched: Fetched, request: Any) -> Iterator[Any]:
    m = messages.offset_fetch
    for name, rows in fetched.topics.items():
        yield m.OffsetFetchResponseTopics(
            name=name, partitions=_stable_rows(name, rows, fetched, request)
        )


def _wanted_by_id(topics: Sequence[Any] | None, context: RequestContext) -> list[Wanted] | None:
    """The topics whose ids are known."""
    if topics is None:
        return None
    named = ((_name(topic, context), topic) for topic in topics)
    return [
        Wanted(name, topic.partition_indexes, topic.topic_id)
        for name, topic in named
        if name is not None
    ]


def _name(topic: Any, context: RequestContext) -> str | None:
    return None if topic.topic_id is None else context.services.metadata.topic_name(topic.topic_id)


def _topics_by_id(
    group: Any, fetched: Fetched, request: Any, context: RequestContext
) -> Iterator[Any]:
    """What was found, under ids; of all offsets, those whose topic still exists."""
    m = messages.offset_fetch
    metadata = context.services.metadata
    for name, rows in fetched.topics.items():
        topic = metadata.topic(name)
        if topic is not None:
            yield m.OffsetFetchResponseTopics(
                topic_id=topic.topic_id, partitions=_stable_rows(name, rows, fetched, request)
            )
    for topic in group.topics or ():
        if _name(topic, context) is None:
            nothing = dict.fromkeys(topic.partition_indexes)
            yield m.OffsetFetchResponseTopics(
                topic_id=topic.topic_id,
                partitions=_rows(
                    m.OffsetFetchResponsePartitions, nothing, ErrorCode.unknown_topic_id
                ),
            )
