"""The states of share partitions under any writes, restarts and deletions of what is superseded."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from kio.schema.errors import ErrorCode

from flowlog.broker.coordinator.commit_log import LogEntry
from flowlog.broker.coordinator.decision import Decision, Now
from flowlog.broker.share.persister import (
    ACKNOWLEDGED,
    AVAILABLE,
    UNINITIALIZED_START_OFFSET,
    SharePartitionKey,
    ShareState,
    ShareStateSummary,
    ShareStateUpdate,
    StateBatch,
)
from flowlog.broker.share.state.batches import combine
from flowlog.broker.share.state.config import ShareStateConfig
from flowlog.broker.share.state.pruning import SnapshotOffsets
from flowlog.broker.share.state.shard import ShareStateShard
from flowlog.errors import KafkaError
from flowlog.testing.clock import EPOCH_MS

TOPIC, GONE = UUID(int=1), UUID(int=9)
KEY = SharePartitionKey("g", TOPIC, 0)
CONFIG = ShareStateConfig(updates_per_snapshot=3, cold_snapshot_interval_ms=1_000)


def exists(topic_id: UUID, partition: int) -> bool:
    return topic_id != GONE and partition < 4


class Log:
    """A shard with its log, of which a beginning may have been deleted."""

    def __init__(self) -> None:
        self.now_ms = 0
        self.start_offset = 0
        self.entries: list[LogEntry] = []
        self.snapshots = SnapshotOffsets()
        self.shard = ShareStateShard(CONFIG, exists)
        self.shard.on_loaded(self.now)

    @property
    def now(self) -> Now:
        return Now(self.now_ms, EPOCH_MS + self.now_ms)

    def write(self, decision: Decision) -> object:  # type: ignore[type-arg]
        for record in decision.records:
            entry = self.shard.encode(record)
            self.snapshots.note(entry, self.start_offset + len(self.entries))
            self.entries.append(entry)
            self.shard.replay(record)
        return decision.response

    def prune(self) -> None:
        offset = self.snapshots.superseded_before(self.start_offset + len(self.entries))
        del self.entries[: offset - self.start_offset]
        self.start_offset = offset

    def reloaded(self) -> ShareStateShard:
        shard = ShareStateShard(CONFIG, exists)
        for entry in self.entries:
            record = shard.decode(entry)
            assert record is not None
            shard.replay(record)
        return shard

    def wait(self, duration_ms: int) -> None:
        self.now_ms += duration_ms
        deadline_ms = self.shard.next_deadline_ms()
        if deadline_ms is not None and deadline_ms <= self.now_ms:
            for decision in self.shard.on_time(self.now):
                self.write(decision)


PARTITIONS = st.integers(0, 2)
EPOCHS = st.integers(0, 4)
OFFSETS = st.integers(0, 20)
BATCHES = st.lists(
    st.builds(
        lambda first, size, state, count: StateBatch(first, first + size, state, count),
        OFFSETS,
        st.integers(0, 5),
        st.sampled_from([AVAILABLE, ACKNOWLEDGED]),
        st.integers(1, 3),
    ),
    max_size=3,
).map(tuple)


class StatesUnderEverything(RuleBasedStateMachine):
    """The log, however much of it was deleted as superseded, says what the writes added up to."""

    def __init__(self) -> None:
        super().__init__()
        self.log = Log()
        self.model: dict[SharePartitionKey, ShareState] = {}

    def attempt(self, decide: Callable[[ShareStateShard], Decision]) -> object:  # type: ignore[type-arg]
        """What a decision answers, or the error that it raises."""
        try:
            return self.log.write(decide(self.log.shard))
        except KafkaError as error:
            return error.error_code

    @rule(partition=PARTITIONS, state_epoch=EPOCHS, start_offset=st.integers(-1, 20))
    def initialize_state(self, partition: int, state_epoch: int, start_offset: int) -> None:
        key = SharePartitionKey("g", TOPIC, partition)
        before = self.model.get(key)
        answer = self.attempt(
            lambda shard: shard.initialize(
                key, state_epoch=state_epoch, start_offset=start_offset, now=self.log.now
            )
        )
        if before is not None and state_epoch < before.state_epoch:
            assert answer is ErrorCode.fenced_state_epoch
            return
        assert answer is None
        leader_epoch = 0 if before is None else before.leader_epoch
        self.model[key] = ShareState(state_epoch, start_offset, leader_epoch)

    @rule(partition=PARTITIONS, leader_epoch=st.integers(-1, 4))
    def read(self, partition: int, leader_epoch: int) -> None:
        key = SharePartitionKey("g", TOPIC, partition)
        before = self.model.get(key)
        answer = self.attempt(lambda shard: shard.read(key, leader_epoch, self.log.now))
        if before is None:
            assert answer is ErrorCode.invalid_request
        elif leader_epoch < before.leader_epoch:
            assert answer is ErrorCode.fenced_leader_epoch
        else:
            self.model[key] = before._replace(leader_epoch=leader_epoch)
            assert answer == self.model[key]

    @rule(
        partition=PARTITIONS,
        state_epoch=st.integers(-1, 4),
        leader_epoch=st.integers(-1, 4),
        start_offset=st.integers(-1, 20),
        batches=BATCHES,
    )
    def write(
        self,
        partition: int,
        state_epoch: int,
        leader_epoch: int,
        start_offset: int,
        batches: tuple[StateBatch, ...],
    ) -> None:
        key = SharePartitionKey("g", TOPIC, partition)
        before = self.model.get(key)
        update = ShareStateUpdate(state_epoch, leader_epoch, start_offset, batches, 1)
        answer = self.attempt(lambda shard: shard.write(key, update, self.log.now))
        if before is None:
            assert answer is ErrorCode.invalid_request
            return
        if -1 < leader_epoch < before.leader_epoch:
            assert answer is ErrorCode.fenced_leader_epoch
            return
        if -1 < state_epoch < before.state_epoch:
            assert answer is ErrorCode.fenced_state_epoch
            return
        assert answer is None
        start_offset = before.start_offset if start_offset == -1 else start_offset
        self.model[key] = ShareState(
            max(state_epoch, before.state_epoch),
            start_offset,
            max(leader_epoch, before.leader_epoch),
            combine(before.batches, batches, start_offset),
        )

    @rule(partition=PARTITIONS)
    def delete(self, partition: int) -> None:
        key = SharePartitionKey("g", TOPIC, partition)
        self.log.write(self.log.shard.delete(key))
        self.model.pop(key, None)

    @rule()
    def delete_the_topic(self) -> None:
        self.log.write(self.log.shard.forget_topic(TOPIC))
        self.model.clear()

    @rule(duration_ms=st.sampled_from([1, 600, 1_500]))
    def time_passes(self, duration_ms: int) -> None:
        self.log.wait(duration_ms)

    @rule()
    def prune(self) -> None:
        self.log.prune()

    @rule()
    def restart(self) -> None:
        self.log.shard = self.log.reloaded()
        self.log.shard.on_loaded(self.log.now)

    @invariant()
    def the_log_says_what_is_so(self) -> None:
        shard = self.log.shard
        assert self.log.reloaded().states == shard.states
        assert {
            key: ShareState(s.state_epoch, s.start_offset, s.leader_epoch, s.batches)
            for key, s in shard.states.items()
        } == self.model


TestStatesUnderEverything = StatesUnderEverything.TestCase
TestStatesUnderEverything.settings = settings(max_examples=60, stateful_step_count=40)


def test_a_share_partition_without_a_state_cannot_be_read_or_written_but_summed_up() -> None:
    shard = Log().shard
    with pytest.raises(KafkaError) as read:
        shard.read(KEY, 0, Now(0, 0))
    with pytest.raises(KafkaError) as written:
        shard.write(KEY, ShareStateUpdate(0, 0), Now(0, 0))
    assert read.value.error_code is written.value.error_code is ErrorCode.invalid_request
    assert shard.summary(KEY) == ShareStateSummary(0, 0, UNINITIALIZED_START_OFFSET, -1)


def test_a_partition_that_does_not_exist_gets_no_state() -> None:
    shard = Log().shard
    for key in (KEY._replace(topic_id=GONE), KEY._replace(partition=4)):
        with pytest.raises(KafkaError) as refused:
            shard.initialize(key, state_epoch=0, start_offset=-1, now=Now(0, 0))
        assert refused.value.error_code is ErrorCode.unknown_topic_or_partition


@pytest.mark.parametrize(
    "batch",
    [
        StateBatch(5, 4, AVAILABLE, 1),
        StateBatch(-1, 4, AVAILABLE, 1),
        StateBatch(0, 4, 1, 1),
        StateBatch(0, 4, AVAILABLE, -1),
        StateBatch(0, 4, AVAILABLE, 2**15),
    ],
)
def test_batches_that_cannot_be_are_refused(batch: StateBatch) -> None:
    log = Log()
    log.write(log.shard.initialize(KEY, state_epoch=0, start_offset=0, now=log.now))
    with pytest.raises(KafkaError) as refused:
        log.shard.write(KEY, ShareStateUpdate(0, 0, 0, (batch,)), log.now)
    assert refused.value.error_code is ErrorCode.invalid_request


def test_a_quiet_partition_does_not_keep_a_busy_ones_records() -> None:
    """Its state is written anew once it is old, so that what comes before can be deleted."""
    log = Log()
    quiet = SharePartitionKey("g", TOPIC, 1)
    log.write(log.shard.initialize(quiet, state_epoch=0, start_offset=0, now=log.now))
    log.write(log.shard.initialize(KEY, state_epoch=0, start_offset=0, now=log.now))
    for offset in range(100):
        log.write(log.shard.write(KEY, ShareStateUpdate(0, 0, offset), log.now))
    log.prune()
    assert len(log.entries) == 102, "the quiet partition's state is the oldest record"
    log.wait(CONFIG.cold_snapshot_interval_ms)
    log.prune()
    assert len(log.entries) <= 2 + CONFIG.updates_per_snapshot
    assert log.reloaded().states == log.shard.states


def test_nothing_is_written_where_nothing_could_be_deleted() -> None:
    log = Log()
    log.write(log.shard.initialize(KEY, state_epoch=0, start_offset=0, now=log.now))
    for _ in range(10):
        log.wait(CONFIG.cold_snapshot_interval_ms)
    assert len(log.entries) == 1
    assert log.shard.next_deadline_ms() is None
