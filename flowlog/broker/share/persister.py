"""The port between share partitions and where their state is kept (KIP-932).

A share partition is one partition of a topic as one share group sees it. Its state is how far the
group has come (`start_offset`), what became of the records from there on (`StateBatch`) and two
epochs that fence: the state's, which grows whenever the state is set anew, and the partition
leader's. What a method returns is committed in `__share_group_state`; it survives a crash.

Source: `Persister` and `ShareCoordinatorShard` in apache/kafka.
"""

from __future__ import annotations

from typing import Final, NamedTuple, Protocol
from uuid import UUID

UNINITIALIZED_START_OFFSET: Final = -1
"""Nobody has said where the group begins: the reader asks share.auto.offset.reset."""

NO_EPOCH: Final = -1
UNKNOWN_COMPLETE_COUNT: Final = -1

AVAILABLE: Final = 0
ACKNOWLEDGED: Final = 2
ARCHIVED: Final = 4


class SharePartitionKey(NamedTuple):
    """Which share partition."""

    group_id: str
    topic_id: UUID
    partition: int


class StateBatch(NamedTuple):
    """Records from `first_offset` to `last_offset`, both inclusive, that had the same fate."""

    first_offset: int
    last_offset: int
    delivery_state: int  # AVAILABLE, ACKNOWLEDGED or ARCHIVED; a lock is never written
    delivery_count: int  # how often they have been delivered, at least 0


class ShareState(NamedTuple):
    """What a share partition begins with. Batches do not overlap and ascend by offset."""

    state_epoch: int
    start_offset: int  # UNINITIALIZED_START_OFFSET before the first initialization or write
    leader_epoch: int
    batches: tuple[StateBatch, ...] = ()


class ShareStateUpdate(NamedTuple):
    """What has changed since the last write; it is laid over the state that is there.

    `delivery_complete_count` is how many records from the start offset on need no delivery any
    more (acknowledged, archived or gaps); it is what tells a group's lag.
    """

    state_epoch: int
    leader_epoch: int
    start_offset: int = UNINITIALIZED_START_OFFSET  # then the start offset stays
    batches: tuple[StateBatch, ...] = ()
    delivery_complete_count: int = UNKNOWN_COMPLETE_COUNT


class ShareStateSummary(NamedTuple):
    """A state without its batches."""

    state_epoch: int
    leader_epoch: int
    start_offset: int
    delivery_complete_count: int


class SharePersister(Protocol):
    """Where the states of share partitions are kept.

    Every method raises `KafkaError`: UNKNOWN_TOPIC_OR_PARTITION for a partition that does not
    exist, COORDINATOR_LOAD_IN_PROGRESS, NOT_COORDINATOR or COORDINATOR_NOT_AVAILABLE while the
    state's shard is not served (worth another try), KAFKA_STORAGE_ERROR when it cannot be written.
    """

    async def initialize(
        self, key: SharePartitionKey, *, state_epoch: int, start_offset: int
    ) -> None:
        """Set the state anew, without batches, where the state's epoch is not older.

        Raises:
            KafkaError: FENCED_STATE_EPOCH: `state_epoch` is older than the state's.
        """
        ...

    async def read(self, key: SharePartitionKey, *, leader_epoch: int) -> ShareState:
        """The state, for the leader of that epoch: from here on older leaders are fenced.

        Raises:
            KafkaError: INVALID_REQUEST: there is no state (the group's coordinator makes it before
                it assigns the partition); FENCED_LEADER_EPOCH: a newer leader has read or written.
        """
        ...

    async def write(self, key: SharePartitionKey, update: ShareStateUpdate) -> None:
        """Lay an update over the state; returns once it is committed.

        Updates of one partition are applied in the order in which `write` was called, whether or
        not earlier ones have been awaited.

        Raises:
            KafkaError: INVALID_REQUEST: there is no state, or none any more; FENCED_STATE_EPOCH,
                FENCED_LEADER_EPOCH: the state was set anew, or a newer leader has taken over. This
                share partition must be read again, or given up.
        """
        ...

    async def delete(self, key: SharePartitionKey) -> None:
        """Forget the state; one that is not there is no error."""
        ...

    async def summary(self, key: SharePartitionKey, *, leader_epoch: int) -> ShareStateSummary:
        """The state without its batches; fences nobody.

        Without a state: epochs 0, UNINITIALIZED_START_OFFSET and UNKNOWN_COMPLETE_COUNT.
        """
        ...
