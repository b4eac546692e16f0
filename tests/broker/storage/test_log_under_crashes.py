"""A log directory against a plain list, with power lost at any moment.

The machine appends (idempotently, under growing leader epochs), flushes, rolls, truncates,
deletes, stops cleanly and crashes, on files that keep only what was synced. The model is the list
of batches that were appended. That the machine would notice is shown by planting bugs: each of
`PLANTED_BUGS` must be found.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from flowlog.broker.storage import recovery, segment_scan, walk
from flowlog.broker.storage.config import LogConfig
from flowlog.broker.storage.epoch_cache import LeaderEpochCache
from flowlog.broker.storage.flushing import FlushJob
from flowlog.broker.storage.index import OffsetIndex
from flowlog.broker.storage.log_dir import LogDirectory
from flowlog.broker.storage.partition_log import PartitionLog
from flowlog.broker.storage.producer_snapshot import decode_snapshot
from flowlog.broker.storage.segment import LogSegment
from flowlog.broker.storage.snapshots import SnapshotStore
from flowlog.errors import FlowlogError, KafkaError
from flowlog.records.batch import iter_batches
from flowlog.records.builder import build_batch
from flowlog.records.record import Record, iter_records
from flowlog.testing.files import MemoryFiles

TOPIC_ID = uuid.UUID(int=9)
NOW_MS = 1_700_000_000_000
CONFIG = LogConfig(
    segment_bytes=700, index_interval_bytes=150, retention_ms=-1, retention_bytes=1500
)


class StillClock:
    def now_ms(self) -> int:
        return NOW_MS

    def monotonic_ms(self) -> int:
        return 0


@dataclass
class Stored:
    """One batch of the model."""

    base_offset: int
    next_offset: int
    epoch: int
    producer_id: int
    sent: bytes
    timestamp_ms: int
    next_sequence: int


class LogUnderCrashes(RuleBasedStateMachine):
    """Flushed batches survive any crash; what survives is a prefix of what was appended."""

    @initialize()
    def start(self) -> None:
        self.files = MemoryFiles()
        self.batches: list[Stored] = []
        self.sequences: dict[int, int] = {}
        self.epoch = 0
        self.flushed_offset = 0
        self.start_offset = 0
        self.directory = self._open()
        self.log = self.directory.create("orders", TOPIC_ID, 0, CONFIG)
        self.log.flush()  # So that the directory itself survives.

    def _open(self) -> LogDirectory:
        return LogDirectory.open(
            "/data", files=self.files, defaults=CONFIG, clock=StillClock(), open_files_max=3
        )

    @property
    def end_offset(self) -> int:
        return self.batches[-1].next_offset if self.batches else self.start_offset

    # What can happen

    @rule(
        count=st.integers(1, 4),
        size=st.integers(0, 90),
        producer_id=st.integers(1, 3),
        age_ms=st.integers(0, 500),
        new_epoch=st.booleans(),
    )
    def append(self, count: int, size: int, producer_id: int, age_ms: int, new_epoch: bool) -> None:
        self.epoch += new_epoch
        sequence = self.sequences.get(producer_id, 0)
        timestamp_ms = NOW_MS - age_ms
        sent = build_batch(
            [Record(None, bytes([count]) * size, (), timestamp_ms)] * count,
            producer_id=producer_id,
            producer_epoch=0,
            base_sequence=sequence,
        )
        result = self.log.append_as_leader(sent, leader_epoch=self.epoch, now_ms=NOW_MS)
        assert (result.base_offset, result.is_duplicate) == (self.end_offset, False)
        self.sequences[producer_id] = sequence + count
        self.batches.append(
            Stored(
                result.base_offset,
                result.base_offset + count,
                self.epoch,
                producer_id,
                sent,
                timestamp_ms,
                sequence + count,
            )
        )

    @rule()
    def flush(self) -> None:
        self.log.flush()
        self.flushed_offset = self.log.log_end_offset
        assert self.log.recovery_point == self.log.log_end_offset

    @rule()
    def checkpoint(self) -> None:
        self.directory.write_checkpoints()

    @precondition(lambda self: self.log.segments.active.size_bytes)
    @rule()
    def roll(self) -> None:
        self.log.roll()

    @precondition(lambda self: self.batches)
    @rule(data=st.data())
    def truncate(self, data: st.DataObject) -> None:
        offset = data.draw(st.integers(self.start_offset, self.end_offset))
        end_offset = self.log.truncate_to(offset)
        self._forget_from(offset)
        assert end_offset == self.log.log_end_offset
        assert end_offset == self.end_offset or not self.batches
        self.flushed_offset = min(self.flushed_offset, end_offset)
        self.start_offset = min(self.start_offset, end_offset)

    @precondition(lambda self: self.batches)
    @rule(data=st.data())
    def delete_records(self, data: st.DataObject) -> None:
        offset = data.draw(st.integers(self.start_offset, self.end_offset))
        assert self.log.delete_records_before(offset) == offset
        self.start_offset = offset

    @rule()
    def apply_retention(self) -> None:
        self.log.apply_retention(NOW_MS, self.log.log_end_offset)
        self.start_offset = self.log.log_start_offset

    @rule(data=st.data())
    def retry(self, data: st.DataObject) -> None:
        """One of a producer's last five batches, sent again, is known by its first offsets."""
        producer_id = data.draw(st.integers(1, 3))
        mine = [b for b in self.batches if b.producer_id == producer_id][-5:]
        mine = [b for b in mine if b.base_offset >= self.start_offset]
        if mine:
            batch = data.draw(st.sampled_from(mine))
            again = self.log.append_as_leader(batch.sent, leader_epoch=self.epoch, now_ms=NOW_MS)
            assert again.is_duplicate, "a duplicate was written"
            assert again.base_offset == batch.base_offset

    @rule()
    def restart(self) -> None:
        self.directory.close(clean=True)
        self.flushed_offset = self.log.log_end_offset
        start_offset = self.log.log_start_offset
        self._reopen()
        assert self.log.log_end_offset == self.flushed_offset
        assert self.log.log_start_offset == start_offset

    @rule(rng=st.builds(random.Random, st.integers(0, 2**32 - 1)))
    def lose_power(self, rng: random.Random) -> None:
        self.files = self.files.crash_clone(rng)
        self._reopen()
        end_offset = self.log.log_end_offset
        assert end_offset >= self.flushed_offset, "a flushed batch was lost"
        ends = [self.start_offset, *(b.next_offset for b in self.batches)]
        assert end_offset in ends or end_offset == self.log.log_start_offset, (
            "a torn batch was kept",
            end_offset,
            ends,
        )
        self.start_offset = self.log.log_start_offset
        self._forget_from(end_offset)
        if end_offset == self.start_offset and not self.log.size_bytes:
            self.batches = []  # All below the log start was deleted, perhaps lost before that.

    def _reopen(self) -> None:
        self.directory = self._open()
        log = self.directory.get(TOPIC_ID, 0)
        assert log is not None, "the partition was lost"
        self.log = log

    def _forget_from(self, offset: int) -> None:
        """Producers go on from what is left of theirs; of deleted batches the log may know less."""
        self.batches = [b for b in self.batches if b.next_offset <= offset]
        left = [b for b in self.batches if b.next_offset > self.log.log_start_offset]
        known = {entry.producer_id: entry.last_sequence + 1 for entry in self.log.producers}
        self.sequences = known | {b.producer_id: b.next_sequence for b in left}

    # What must hold

    @invariant()
    def every_batch_reads_as_it_was_sent(self) -> None:
        offset = self.log.log_start_offset
        expected = [b for b in self.batches if b.next_offset > offset]
        for want in expected:
            found = list(iter_batches(self.log.read(offset, max_bytes=1)))
            assert len(found) == 1, "a batch is gone"
            batch = found[0]
            batch.check_crc()
            assert batch.base_offset == want.base_offset
            assert batch.leader_epoch == want.epoch
            assert bytes(batch.encoded[16:]) == want.sent[16:]
            offset = want.next_offset
        assert offset == self.log.log_end_offset

    @invariant()
    def epochs_are_those_of_the_batches(self) -> None:
        start = self.log.log_start_offset
        expected = LeaderEpochCache()
        for batch in self.batches:
            expected.assign(batch.epoch, batch.base_offset)
        expected.truncate_from_start(start)
        for offset in range(start, self.log.log_end_offset):
            assert self.log.epochs.epoch_for_offset(offset) == expected.epoch_for_offset(offset)

    @invariant()
    def the_largest_time_is_found(self) -> None:
        times = [
            record.timestamp_ms
            for batch in iter_batches(self._everything())
            for record in iter_records(batch, max_decompressed_bytes=10_000)
            if record.offset >= self.log.log_start_offset
        ]
        if times:
            found = self.log.find_offset_for_timestamp(max(times))
            assert found is not None
            assert found.timestamp_ms == max(times)

    def _everything(self) -> bytes:
        parts = []
        for segment in self.log.segments:
            offset = max(segment.base_offset, self.log.log_start_offset)
            if offset < segment.next_offset:
                parts.append(self.log.read(offset, max_bytes=10_000))
        return b"".join(parts)


QUICK = settings(
    max_examples=60,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


def test_a_log_keeps_its_promises_under_crashes() -> None:
    run_state_machine_as_test(LogUnderCrashes, settings=QUICK)


@pytest.mark.slow
def test_a_log_keeps_its_promises_in_a_long_run() -> None:
    """`pytest tests/broker/storage -m slow`: some minutes."""
    long_run = settings(QUICK, max_examples=10_000, stateful_step_count=50)
    run_state_machine_as_test(LogUnderCrashes, settings=long_run)


# Negative controls


def _keep_tail(patch: pytest.MonkeyPatch) -> None:
    def scan(self: Any, segment: LogSegment, end_offset: int | None) -> bool:
        size_bytes = segment.size_bytes
        is_whole = original(self, segment, end_offset)
        if not is_whole:
            segment.size_bytes = size_bytes
            segment.finish_scan()
        return is_whole

    original = recovery.LogRecovery._scan
    patch.setattr(recovery.LogRecovery, "_scan", scan)


def _trust_checksums(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(segment_scan, "scan_batches", lambda file, end: walk.walk_headers(file, 0, end))


def _keep_later_segments(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(recovery.LogRecovery, "_drop", lambda self, segments, **_: None)


def _forget_sync(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(FlushJob, "run", lambda self: None)


def _forget_directory_sync(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(MemoryFiles, "sync_dir", lambda self, path: None)


def _sync_only_the_active_segment(patch: pytest.MonkeyPatch) -> None:
    def run(self: FlushJob) -> None:
        self.pinned[:-1], rest = [], self.pinned[:-1]
        for file, _ in rest:
            file.unpin()
        whole(self)

    whole = FlushJob.run
    patch.setattr(FlushJob, "run", run)


def _recovery_point_ahead(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(PartitionLog, "recovery_point", property(lambda self: self.log_end_offset + 1))


def _truncate_forgets_snapshots(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(SnapshotStore, "remove_above", lambda self, offset: None)


def _truncate_forgets_epochs(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(LeaderEpochCache, "truncate_from_end", lambda self, offset: None)


def _truncate_forgets_the_index(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(OffsetIndex, "truncate", lambda self, size_bytes: None)


def _snapshot_forgets_older_batches(patch: pytest.MonkeyPatch) -> None:
    def decode(data: bytes, *, now_ms: int) -> Any:
        table = decode_snapshot(data, now_ms=now_ms)
        for entry in table:
            while len(entry.batches) > 1:
                entry.batches.popleft()
        return table

    patch.setattr("flowlog.broker.storage.snapshots.decode_snapshot", decode)


def _writes_are_torn_by_truncate(patch: pytest.MonkeyPatch) -> None:
    def truncate(self: LogSegment, position: int, next_offset: int) -> None:
        whole(self, max(0, position - 1), next_offset)

    whole = LogSegment.truncate
    patch.setattr(LogSegment, "truncate", truncate)


PLANTED_BUGS: list[Callable[[pytest.MonkeyPatch], None]] = [
    _keep_tail,
    _trust_checksums,
    _keep_later_segments,
    _forget_sync,
    _forget_directory_sync,
    _sync_only_the_active_segment,
    _recovery_point_ahead,
    _truncate_forgets_snapshots,
    _truncate_forgets_epochs,
    _truncate_forgets_the_index,
    _snapshot_forgets_older_batches,
    _writes_are_torn_by_truncate,
]

HUNT = settings(QUICK, max_examples=5000, database=None, phases=[Phase.generate], derandomize=True)


@pytest.mark.parametrize("plant", [pytest.param(b, id=b.__name__.strip("_")) for b in PLANTED_BUGS])
def test_a_planted_bug_is_found(
    plant: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(monkeypatch)
    with pytest.raises((AssertionError, FlowlogError, KafkaError, OSError)):
        run_state_machine_as_test(LogUnderCrashes, settings=HUNT)
