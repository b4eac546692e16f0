"""What members and operators ask of a share group and what they hear, free of versions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple
from uuid import UUID

from kio.schema.errors import ErrorCode

from .member import Target


class ShareHeartbeat(NamedTuple):
    """ShareGroupHeartbeat; None for topics that have not changed."""

    group_id: str
    member_id: str
    member_epoch: int
    client_id: str
    client_host: str
    rack_id: str | None = None
    topics: frozenset[str] | None = None


class ShareHeartbeatResult(NamedTuple):
    """The answer; `assignment` is None where it has not changed."""

    error: ErrorCode
    message: str | None = None
    member_id: str | None = None
    member_epoch: int = 0
    interval_ms: int = 0
    assignment: Target | None = None


class TopicOffsets(NamedTuple):
    """The start offsets that AlterShareGroupOffsets asks for in a topic, by partition."""

    topic: str
    offsets: Mapping[int, int]


class Altered(NamedTuple):
    """AlterShareGroupOffsets: an error for all of them, or one for each (topic, partition)."""

    error: ErrorCode
    message: str | None = None
    rows: Mapping[tuple[str, int], ErrorCode] = {}


class DeletedTopic(NamedTuple):
    """One topic of DeleteShareGroupOffsets."""

    topic: str
    topic_id: UUID | None
    error: ErrorCode
    message: str | None = None


class DeletedOffsets(NamedTuple):
    """DeleteShareGroupOffsets: an error for all of them, or one for each topic."""

    error: ErrorCode
    message: str | None = None
    topics: tuple[DeletedTopic, ...] = ()
