"""`ShareStateShard`: the states in one partition of `__share_group_state`, as a pure machine.

A state is written whole when it is initialised and after so many changes; in between only changes
are written. Whole states also let what came before them be deleted, so a quiet share partition's
is written anew from time to time, as long as there is something to delete.

Source: `ShareCoordinatorShard` in apache/kafka.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias
from uuid import UUID

from kio.schema.errors import ErrorCode

from flowlog.broker.coordinator.commit_log import CoordinatorRecord, LogEntry
from flowlog.broker.coordinator.decision import Decision, Now
from flowlog.errors import KafkaError

from ..persister import (
    NO_EPOCH,
    UNINITIALIZED_START_OFFSET,
    UNKNOWN_COMPLETE_COUNT,
    SharePartitionKey,
    ShareState,
    ShareStateSummary,
    ShareStateUpdate,
)
from . import records
from .batches import combine
from .checks import (
    check_batches,
    check_leader_epoch,
    check_state_epoch,
    fenced_leader,
    uninitialized,
)
from .config import ShareStateConfig
from .records import SnapshotRecord, StateRecord, StoredState, StoredUpdate, UpdateRecord

PartitionExists: TypeAlias = Callable[[UUID, int], bool]


class ShareStateShard:
    """The machine of a shard of the share coordinator.

    `states` is what is durable; it is ordered by when each was last written whole, oldest first.
    """

    def __init__(self, config: ShareStateConfig, partition_exists: PartitionExists) -> None:
        self.config = config
        self._partition_exists = partition_exists
        self.states: dict[SharePartitionKey, StoredState] = {}
        self._updates: dict[SharePartitionKey, int] = {}  # since the state was written whole
        self._snapshot_at: dict[SharePartitionKey, int] = {}  # how many records were before it
        self._record_count = 0
        self._look_at_cold_ms: int | None = None

    # The log.

    def encode(self, record: StateRecord) -> LogEntry:
        return records.encode(record)

    def decode(self, entry: LogEntry) -> StateRecord | None:
        return records.decode(entry) if isinstance(entry, CoordinatorRecord) else None

    def replay(self, record: StateRecord) -> None:
        key = record.key
        if isinstance(record, UpdateRecord):
            if key in self.states:  # else its whole state is gone, and so is the group's progress
                self.states[key] = _updated(self.states[key], record.update)
                self._updates[key] += 1
        else:
            self.states.pop(key, None)
            self._snapshot_at.pop(key, None)
            self._updates.pop(key, None)
            if record.state is not None:
                self.states[key] = record.state
                self._snapshot_at[key] = self._record_count
                self._updates[key] = 0
        self._record_count += 1

    def on_loaded(self, now: Now) -> None:
        self._look_at_cold_ms = now.monotonic_ms + self.config.cold_snapshot_interval_ms

    def on_unloaded(self) -> None:
        self._look_at_cold_ms = None

    # Time.

    def next_deadline_ms(self) -> int | None:
        return self._look_at_cold_ms if self._has_superseded else None

    @property
    def _has_superseded(self) -> bool:
        """Whether the log has more than whole states behind the oldest that is of use."""
        if not self._snapshot_at:
            return False
        oldest = next(iter(self._snapshot_at.values()))
        return self._record_count - oldest > len(self._snapshot_at)

    def on_time(self, now: Now) -> Iterable[Decision[None, StateRecord]]:
        interval_ms = self.config.cold_snapshot_interval_ms
        if self._look_at_cold_ms is None or now.monotonic_ms < self._look_at_cold_ms:
            return
        self._look_at_cold_ms = now.monotonic_ms + interval_ms
        for key in list(self._cold(now.wall_ms - interval_ms)):
            state = self.states[key]
            again = state._replace(snapshot_epoch=state.snapshot_epoch + 1, written_ms=now.wall_ms)
            yield Decision(None, (SnapshotRecord(key, again),))

    def _cold(self, before_ms: int) -> Iterator[SharePartitionKey]:
        """What was last written whole before then (since 1970)."""
        for key in self._snapshot_at:
            if self.states[key].written_ms > before_ms:
                return
            yield key

    # Decisions. Each raises `KafkaError`, as `SharePersister` says.

    def initialize(
        self, key: SharePartitionKey, *, state_epoch: int, start_offset: int, now: Now
    ) -> Decision[None, StateRecord]:
        """Set the state anew. A leader that was fenced before stays so."""
        before = self.states.get(key)
        if before is not None:
            check_state_epoch(before, state_epoch)
        self._check_partition(key)
        fresh = StoredState(
            snapshot_epoch=0 if before is None else before.snapshot_epoch + 1,
            state_epoch=state_epoch,
            leader_epoch=0 if before is None else before.leader_epoch,
            start_offset=start_offset,
            complete_count=UNKNOWN_COMPLETE_COUNT
            if start_offset == UNINITIALIZED_START_OFFSET
            else 0,
            created_ms=now.wall_ms,
            written_ms=now.wall_ms,
        )
        return Decision(None, (SnapshotRecord(key, fresh),))

    def write(
        self, key: SharePartitionKey, update: ShareStateUpdate, now: Now
    ) -> Decision[None, StateRecord]:
        check_batches(update.batches)
        state = self._initialized(key)
        check_leader_epoch(state, update.leader_epoch)
        check_state_epoch(state, update.state_epoch)
        self._check_partition(key)
        stored = StoredUpdate(
            state.snapshot_epoch,
            update.leader_epoch,
            update.start_offset,
            combine((), update.batches, update.start_offset),
            update.delivery_complete_count,
        )
        state_epoch = max(state.state_epoch, update.state_epoch)
        if state_epoch > state.state_epoch:  # a change has no place for it
            return Decision(None, (_whole(key, state, stored, now, state_epoch=state_epoch),))
        return Decision(None, (self._record(key, state, stored, now),))

    def read(
        self, key: SharePartitionKey, leader_epoch: int, now: Now
    ) -> Decision[ShareState, StateRecord]:
        state = self._initialized(key)
        if leader_epoch < state.leader_epoch:
            raise fenced_leader(state, leader_epoch)
        self._check_partition(key)
        found = ShareState(state.state_epoch, state.start_offset, leader_epoch, state.batches)
        if leader_epoch == state.leader_epoch:
            return Decision(found)
        update = StoredUpdate(
            state.snapshot_epoch,
            leader_epoch,
            state.start_offset,
            complete_count=state.complete_count,
        )
        return Decision(found, (self._record(key, state, update, now),))

    def delete(self, key: SharePartitionKey) -> Decision[None, StateRecord]:
        return Decision(None, (SnapshotRecord(key, None),) if key in self.states else ())

    def forget_topic(self, topic_id: UUID) -> Decision[None, StateRecord]:
        """A topic was deleted: no group has a state in it any more."""
        gone = (key for key in self.states if key.topic_id == topic_id)
        return Decision(None, tuple(SnapshotRecord(key, None) for key in gone))

    def summary(self, key: SharePartitionKey) -> ShareStateSummary:
        self._check_partition(key)
        state = self.states.get(key)
        if state is None:
            return ShareStateSummary(0, 0, UNINITIALIZED_START_OFFSET, UNKNOWN_COMPLETE_COUNT)
        return ShareStateSummary(
            state.state_epoch, state.leader_epoch, state.start_offset, state.complete_count
        )

    def _record(
        self, key: SharePartitionKey, state: StoredState, update: StoredUpdate, now: Now
    ) -> StateRecord:
        """The change, or the state that it makes once there have been enough changes."""
        if self._updates[key] < self.config.updates_per_snapshot:
            return UpdateRecord(key, update)
        return _whole(key, state, update, now, state_epoch=state.state_epoch)

    def _initialized(self, key: SharePartitionKey) -> StoredState:
        state = self.states.get(key)
        if state is None:
            raise uninitialized(key)
        return state

    def _check_partition(self, key: SharePartitionKey) -> None:
        if key.partition < 0:
            raise KafkaError(ErrorCode.invalid_request, "The partition id cannot be negative.")
        if not self._partition_exists(key.topic_id, key.partition):
            raise KafkaError(ErrorCode.unknown_topic_or_partition)


def _updated(state: StoredState, update: StoredUpdate) -> StoredState:
    """The state with a change laid over it."""
    start_offset = update.start_offset
    if start_offset == UNINITIALIZED_START_OFFSET:
        start_offset = state.start_offset
    leader_epoch = update.leader_epoch
    return state._replace(
        leader_epoch=state.leader_epoch if leader_epoch == NO_EPOCH else leader_epoch,
        start_offset=start_offset,
        batches=combine(state.batches, update.batches, start_offset),
        complete_count=update.complete_count,
    )


def _whole(
    key: SharePartitionKey,
    state: StoredState,
    update: StoredUpdate,
    now: Now,
    *,
    state_epoch: int,
) -> SnapshotRecord:
    whole = _updated(state, update)._replace(
        snapshot_epoch=state.snapshot_epoch + 1,
        state_epoch=state_epoch,
        created_ms=now.wall_ms,
        written_ms=now.wall_ms,
    )
    return SnapshotRecord(key, whole)
