"""What members ask of a classic group and what they hear, free of protocol versions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple
from uuid import UUID

from kio.schema.errors import ErrorCode

from flowlog.broker.coordinator.commit_log import RecordProducer

from .record_types import CommittedOffset

UNKNOWN_MEMBER_ID: Final = ""
NO_GENERATION: Final = -1
NO_RETENTION: Final = -1


class Protocol(NamedTuple):
    """A way to share out work that a member supports, with its metadata for the leader."""

    name: str
    metadata: bytes


class Join(NamedTuple):
    """JoinGroup. `new_member_id` is fresh and used if the coordinator has to give one."""

    group_id: str
    member_id: str
    group_instance_id: str | None
    client_id: str
    client_host: str
    session_timeout_ms: int
    rebalance_timeout_ms: int
    protocol_type: str
    protocols: tuple[Protocol, ...]
    new_member_id: str
    reason: str = "not provided"
    needs_member_id_first: bool = True  # v4 and later: dynamic members ask twice (KIP-394)
    may_skip_assignment: bool = True  # v9 and later (KIP-814)


class JoinedMember(NamedTuple):
    """What the leader is told of each member."""

    member_id: str
    group_instance_id: str | None
    metadata: bytes


class JoinResult(NamedTuple):
    """The answer to a Join; `members` is empty for all but the leader."""

    error: ErrorCode
    member_id: str
    generation_id: int = NO_GENERATION
    protocol_type: str | None = None
    protocol_name: str | None = None
    leader_id: str = ""
    skip_assignment: bool = False
    members: tuple[JoinedMember, ...] = ()


class Sync(NamedTuple):
    """SyncGroup. Only the leader's brings assignments, by member id."""

    group_id: str
    generation_id: int
    member_id: str
    group_instance_id: str | None
    protocol_type: str | None
    protocol_name: str | None
    assignments: dict[str, bytes]


class SyncResult(NamedTuple):
    """The answer to a Sync."""

    error: ErrorCode
    protocol_type: str | None = None
    protocol_name: str | None = None
    assignment: bytes = b""


class Leaving(NamedTuple):
    """One member that leaves; with an empty member id, whoever has the instance id."""

    member_id: str
    group_instance_id: str | None = None
    reason: str = "not provided"


class Left(NamedTuple):
    """What became of one `Leaving`."""

    member_id: str
    group_instance_id: str | None
    error: ErrorCode


class LeaveResult(NamedTuple):
    """The answer to a LeaveGroup: an error for all, or an outcome for each member."""

    error: ErrorCode
    members: tuple[Left, ...] = ()


class CommitRow(NamedTuple):
    """One partition of an OffsetCommit."""

    topic: str
    partition: int
    offset: int
    leader_epoch: int = -1
    metadata: str | None = None
    topic_id: UUID | None = None


class Commit(NamedTuple):
    """OffsetCommit, as far as its group is concerned."""

    group_id: str
    member_id: str
    group_instance_id: str | None
    generation_id: int
    rows: tuple[CommitRow, ...]
    retention_ms: int = NO_RETENTION  # clients of version 2 to 4 may set it
    hears_of_missing_groups: bool = True  # version 9 and later, which know member epochs as well
    producer: RecordProducer | None = None  # TxnOffsetCommit: in whose transaction

    @property
    def is_transactional(self) -> bool:
        return self.producer is not None

    @property
    def is_from_nobody(self) -> bool:
        """Whether it claims no membership: a tool, or a client that assigns partitions itself."""
        return self.generation_id < 0 and not self.member_id and self.group_instance_id is None


class Committed(NamedTuple):
    """The answer to an OffsetCommit or OffsetDelete: an error for all, or one for each row."""

    error: ErrorCode
    rows: tuple[ErrorCode, ...] = ()


class Wanted(NamedTuple):
    """Partitions of a topic whose offsets are asked for."""

    topic: str
    partitions: Sequence[int]
    topic_id: UUID | None = None


class Fetched(NamedTuple):
    """A group's offsets by topic and partition, as asked for; None where there is none.

    `unstable` are the (topic, partition) pairs that an undecided transaction may still move.
    """

    error: ErrorCode
    topics: Mapping[str, Mapping[int, CommittedOffset | None]] = {}
    unstable: frozenset[tuple[str, int]] = frozenset()
