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


def lock_timeout_ms(group_id: str | None, context: RequestContext) -> int:
    """How long the group's members may keep records."""
    return context.services.shares.settings(group_id or "").limits.lock_duration_ms


def by_topic(partitions: Iterable[TopicPartition]) -> dict[UUID, list[TopicPartition]]:
    topics: dict[UUID, list[TopicPartition]] = {}
    for partition in partitions:
        topics.setdefault(partition.topic_id, []).append(partition)
    return topics
