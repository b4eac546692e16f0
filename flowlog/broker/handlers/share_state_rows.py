"""What the five APIs of share groups' states have in common: a row for each share partition."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from kio.schema.errors import ErrorCode

from flowlog.broker.share.persister import SharePartitionKey
from flowlog.errors import KafkaError

from .error_messages import message_for

R = TypeVar("R")


async def answered(
    request: Any,
    ask: Callable[[SharePartitionKey, Any], Awaitable[R]],
    render: Callable[[int, R], Any],
    render_error: Callable[[int, ErrorCode, str | None], Any],
) -> list[tuple[Any, tuple[Any, ...]]]:
    """Each topic of the request with the rows of its partitions; a row fails alone.

    For a group without a name there are none, as in Kafka.

    Args:
        ask: for one share partition and its part of the request; raises `KafkaError`.
        render: the row of a partition for what `ask` returned.
    """
    topics = []
    for topic in request.topics if request.group_id else ():
        rows = []
        for asked in topic.partitions:
            try:
                key = _key(request.group_id, topic.topic_id, asked.partition)
                rows.append(render(asked.partition, await ask(key, asked)))
            except KafkaError as error:
                message = error.message or message_for(error.error_code)
                rows.append(render_error(asked.partition, error.error_code, message))
        topics.append((topic.topic_id, tuple(rows)))
    return topics


def _key(group_id: str, topic_id: Any, partition: int) -> SharePartitionKey:
    if topic_id is None or partition < 0:
        raise KafkaError(ErrorCode.invalid_request, "A topic and a partition are needed.")
    return SharePartitionKey(group_id, topic_id, partition)
