"""What the records of `__consumer_offsets` say, apart from their bytes."""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias
from uuid import UUID

from flowlog.broker.coordinator.commit_log import CoordinatorMarker, RecordProducer

UNKNOWN_MS = -1


class CommittedOffset(NamedTuple):
    """Where a group is in a partition. Times in milliseconds since 1970; -1 for unknown."""

    offset: int
    leader_epoch: int = -1
    metadata: str = ""
    commit_timestamp_ms: int = UNKNOWN_MS
    expire_timestamp_ms: int = UNKNOWN_MS  # set by clients of OffsetCommit 2 to 4 only
    topic_id: UUID | None = None  # of the topic that was meant; None: not known

    def is_of_another_topic(self, topic_id: UUID | None) -> bool:
        """Whether it was committed to an earlier topic of the same name."""
        return None not in (self.topic_id, topic_id) and self.topic_id != topic_id


class OffsetRecord(NamedTuple):
    """A group's offset in a partition; None: it has none any more."""

    group_id: str
    topic: str
    partition: int
    committed: CommittedOffset | None


class TransactionalOffset(NamedTuple):
    """An offset that counts once its producer's transaction is committed, if it ever is."""

    producer: RecordProducer
    offset: OffsetRecord


class TransactionEnd(NamedTuple):
    """A producer's transaction ended, as far as this shard's offsets are concerned."""

    marker: CoordinatorMarker


class StoredMember(NamedTuple):
    """A member as the log keeps it: with the metadata of the protocol that was selected."""

    member_id: str
    group_instance_id: str | None
    client_id: str
    client_host: str
    rebalance_timeout_ms: int
    session_timeout_ms: int
    subscription: bytes
    assignment: bytes


class StoredGroup(NamedTuple):
    """A classic group as of its last stable (or empty) generation."""

    protocol_type: str  # "" for a group that never had members
    generation_id: int
    protocol_name: str | None
    leader_id: str | None
    state_timestamp_ms: int
    members: tuple[StoredMember, ...]


class GroupRecord(NamedTuple):
    """A classic group; None: it is gone."""

    group_id: str
    stored: StoredGroup | None


GroupsRecord: TypeAlias = Any
"""A record of any kind: one of `records.CODECS`."""
