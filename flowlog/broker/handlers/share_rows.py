"""What the answers of ShareFetch and ShareAcknowledge have in common."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from kio.schema.errors import ErrorCode

from flowlog.broker.share.sessions import TopicPartition
from flowlog.errors import KafkaError

from .context import RequestContext


def error_fields(error: KafkaError | None) -> dict[str, Any]:
    """The error of a row, or of the whole."""
    if error is None:
        return {"error_code": ErrorCode.none, "error_message": None}
    return {"error_code": error.error_code, "error_message": error.message}


def lock_timeout_ms(request: Any, context: RequestContext, error: KafkaError | None) -> int:
    """How long the group's members may keep records; 0 where the request was refused whole."""
    if error is not None:
        return 0
    return context.services.shares.settings(request.group_id).limits.lock_duration_ms


def by_topic(partitions: Iterable[TopicPartition]) -> dict[UUID, list[TopicPartition]]:
    topics: dict[UUID, list[TopicPartition]] = {}
    for partition in partitions:
        topics.setdefault(partition.topic_id, []).append(partition)
    return topics
