"""Transactions in a compacted log: what readers of committed records see, and what producers are.

Producers write plain and transactional batches, their transactions are committed and aborted, the
log is rolled, compacted and opened again, also without its producer snapshots. A reader that starts
anywhere must see committed records alone, and of each key the last one. That the machine would
notice is shown by planting bugs.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec
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

from flowlog.broker.storage.compaction.batch_cleaning import AbortedData, BatchCleaner
from flowlog.broker.storage.compaction.cleaned_segment import CleanedSegment
from flowlog.broker.storage.compaction.cleaning import clean
from flowlog.broker.storage.compaction.job import CleaningJob
from flowlog.broker.storage.config import LogConfig
from flowlog.broker.storage.log_compaction import LogCompaction
from flowlog.broker.storage.log_dir import LogDirectory
from flowlog.errors import FlowlogError, KafkaError
from flowlog.records.batch import NO_SEQUENCE, iter_batches
from flowlog.records.builder import build_batch
from flowlog.records.control import ControlType, EndTransactionMarker
from flowlog.records.record import Record
from flowlog.testing.files import MemoryFiles
from tests.broker.storage.committed import committed_records

TOPIC_ID = uuid.UUID(int=9)
RETENTION_MS = 1_000
CONFIG = LogConfig(
    segment_bytes=400,
    index_interval_bytes=150,
    cleanup_policy=frozenset({"compact"}),
    delete_retention_ms=RETENTION_MS,
)
PRODUCERS = st.integers(1, 3)
KEYS = st.sampled_from([b"a", b"b", b"c"])


class Clock:
    def __init__(self) -> None:
        self.time_ms = 1_700_000_000_000

    def now_ms(self) -> int:
        return self.time_ms

    def monotonic_ms(self) -> int:
        return self.time_ms


@dataclass
class Row:
    """A record of the model; `committed` is None while its transaction is open."""

    key: bytes
    value: bytes | None
    producer_id: int
    committed: bool | None
    horizon_ms: int | None = None


class CompactedTransactions(RuleBasedStateMachine):
    """`rows` has every record that was ever appended, by offset."""

    @initialize()
    def start(self) -> None:
        self.clock = Clock()
        self.files = MemoryFiles()
        self.rows: dict[int, Row] = {}
        self.directory = self._open()
        self.log = self.directory.create("table", TOPIC_ID, 0, CONFIG)
        self.log.flush()

    def _open(self) -> LogDirectory:
        return LogDirectory.open(
            "/data", files=self.files, defaults=CONFIG, clock=self.clock, open_files_max=3
        )

    @property
    def last_stable_offset(self) -> int:
        first = self.log.first_unstable_offset
        return self.log.log_end_offset if first is None else first

    # What can happen

    @rule(
        producer_id=PRODUCERS,
        keys=st.lists(KEYS, min_size=1, max_size=3),
        is_tombstone=st.booleans(),
        is_transactional=st.booleans(),
        rolls=st.booleans(),
    )
    def append(
        self,
        producer_id: int,
        keys: list[bytes],
        is_tombstone: bool,
        is_transactional: bool,
        rolls: bool,
    ) -> None:
        entry = self.log.producers.get(producer_id)
        epoch, sequence = (0, NO_SEQUENCE) if entry is None else (entry.epoch, entry.last_sequence)
        is_transactional |= self.log.producers.has_open_transaction(producer_id, epoch)
        now_ms = self.clock.now_ms()
        value = None if is_tombstone else b"%d" % len(self.rows)
        batch = build_batch(
            [Record(key, value, (), now_ms) for key in keys],
            producer_id=producer_id,
            producer_epoch=epoch,
            base_sequence=sequence + 1,
            is_transactional=is_transactional,
        )
        result = self.log.append_as_leader(batch, leader_epoch=0, now_ms=now_ms)
        for offset, key in enumerate(keys, start=result.base_offset):
            self.rows[offset] = Row(key, value, producer_id, None if is_transactional else True)
        self._replicate(rolls)

    @rule(
        producer_id=PRODUCERS,
        committed=st.booleans(),
        bumps_epoch=st.booleans(),
        rolls=st.booleans(),
    )
    def end(self, producer_id: int, committed: bool, bumps_epoch: bool, rolls: bool) -> None:
        entry = self.log.producers.get(producer_id)
        epoch = 0 if entry is None else entry.epoch
        self.log.append_marker(
            EndTransactionMarker(ControlType.COMMIT if committed else ControlType.ABORT, 0),
            producer_id=producer_id,
            producer_epoch=epoch + bumps_epoch,
            transaction_version=1 + bumps_epoch,
            leader_epoch=0,
            now_ms=self.clock.now_ms(),
        )
        for row in self.rows.values():
            if row.producer_id == producer_id and row.committed is None:
                row.committed = committed
        self._replicate(rolls)

    def _replicate(self, rolls: bool) -> None:
        self.log.on_high_watermark(self.log.log_end_offset)
        if rolls:
            self.log.roll()

    @rule(by_ms=st.integers(1, 2 * RETENTION_MS))
    def wait(self, by_ms: int) -> None:
        self.clock.time_ms += by_ms

    @precondition(lambda self: len(self.log.segments) > 1)
    @rule(keys_max=st.sampled_from([1, 10**9]))
    def compact(self, keys_max: int) -> None:
        self.log.flush()
        self.directory.write_checkpoints()
        now_ms = self.clock.now_ms()
        dirty = self.log.find_dirty(self.last_stable_offset, now_ms)
        if dirty is None:
            return
        for offset, row in self.rows.items():
            if offset < dirty.first_uncleanable_offset and row.horizon_ms is None:
                row.horizon_ms = now_ms + RETENTION_MS
        job = self.log.cleaning_job(
            dirty, now_ms=now_ms, map_bytes=keys_max * 160, bytes_per_second=0
        )
        cleaned_to = self.log.cleaned_to
        for group in clean(self.files, job, lambda _: None):
            assert self.log.swap_in(group)
            cleaned_to = group.cleaned_end_offset
        self.log.cleaned_to = cleaned_to

    @rule(
        rng=st.none() | st.builds(random.Random, st.integers(0, 2**32 - 1)),
        loses_snapshots=st.booleans(),
    )
    def restart(self, rng: random.Random | None, loses_snapshots: bool) -> None:
        """After a clean stop or a crash; all was flushed."""
        before = {e.producer_id: (e.epoch, e.last_sequence) for e in self.log.producers}
        if rng is None:
            self.directory.close(clean=True)
        else:
            self.log.flush()
            self.directory.write_checkpoints()
            self.files = self.files.crash_clone(rng)
        path = self.log.directory
        if loses_snapshots:
            for entry in self.files.list_dir(path):
                if entry.name.endswith(".snapshot"):
                    self.files.remove(f"{path}/{entry.name}")
        self.directory = self._open()
        log = self.directory.get(TOPIC_ID, 0)
        assert log is not None, "the partition was lost"
        self.log = log
        self.log.on_high_watermark(self.log.log_end_offset)
        after = {e.producer_id: (e.epoch, e.last_sequence) for e in self.log.producers}
        assert after == before, "a producer's state changed"

    # What must hold

    @invariant()
    def readers_see_what_was_committed(self) -> None:
        end_offset = self.last_stable_offset
        starts = {segment.base_offset for segment in self.log.segments} | set(self.rows)
        for start in sorted(offset for offset in starts if offset < end_offset):
            for record in self._visible(start, end_offset):
                row = self.rows[record.offset]
                assert row.committed, f"offset {record.offset} was aborted, read from {start}"
                assert (row.key, row.value) == (record.key, record.value)

    @invariant()
    def the_last_of_each_key_is_there(self) -> None:
        end_offset = self.last_stable_offset
        there = {record.offset for record in self._visible(0, end_offset)}
        last = {
            row.key: offset
            for offset, row in sorted(self.rows.items())
            if row.committed and offset < end_offset
        }
        for key, offset in last.items():
            if offset in there:
                continue
            row = self.rows[offset]
            assert row.value is None, f"the last value of {key!r} is gone"
            assert row.horizon_ms is not None, "a tombstone went that was never cleaned"
            assert row.horizon_ms <= self.clock.now_ms(), "a tombstone went before its time"
            older = [o for o in there if self.rows[o].key == key]
            assert not older, f"{key!r} is back without its tombstone"

    def _visible(self, start: int, end_offset: int) -> list[Record]:
        """What a consumer of committed records gets that starts there."""
        parts, offset = [], start
        while offset < end_offset:
            data = self.log.read(offset, end_offset=end_offset, max_bytes=10_000)
            if not data:
                break
            parts.append(data)
            for batch in iter_batches(data):
                batch.check_crc()
                offset = batch.next_offset
        aborted = self.log.aborted_transactions(start, end_offset)
        pairs = [(entry.producer_id, entry.first_offset) for entry in aborted]
        found = committed_records(b"".join(parts), pairs)
        return [record for record in found if record.offset >= start]


QUICK = settings(
    max_examples=60,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


def test_compaction_keeps_what_was_committed() -> None:
    run_state_machine_as_test(CompactedTransactions, settings=QUICK)


@pytest.mark.slow
def test_compaction_keeps_what_was_committed_in_a_long_run() -> None:
    """`pytest tests/broker/storage -m slow`: some minutes."""
    long_run = settings(QUICK, max_examples=10_000, stateful_step_count=50)
    run_state_machine_as_test(CompactedTransactions, settings=long_run)


def test_what_was_aborted_behind_an_open_transaction_stays_aborted() -> None:
    """A segment is copied whole, also where only its start may be cleaned."""
    story = CompactedTransactions()
    story.start()
    story.append(1, [b"a"], is_tombstone=False, is_transactional=False, rolls=False)
    story.append(3, [b"a"], is_tombstone=False, is_transactional=True, rolls=False)
    story.append(2, [b"a"], is_tombstone=False, is_transactional=True, rolls=False)
    story.end(2, committed=False, bumps_epoch=False, rolls=True)
    story.compact(keys_max=10**9)
    story.end(3, committed=True, bumps_epoch=False, rolls=False)
    story.readers_see_what_was_committed()


# Negative controls


def _aborted_data_counts(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(AbortedData, "has", lambda self, batch: False)


def _markers_go_at_once(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(BatchCleaner, "_clean_marker", lambda self, batch: None)


def _the_aborted_are_forgotten(patch: pytest.MonkeyPatch) -> None:
    def finish(self: CleanedSegment, aborted: Any) -> int:
        return whole(self, ())

    whole = CleanedSegment.finish
    patch.setattr(CleanedSegment, "finish", finish)


def _no_batch_must_stay(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(BatchCleaner, "_must_stay", lambda self, batch: False)


def _epochs_known_from_markers_are_forgotten(patch: pytest.MonkeyPatch) -> None:
    def cleaning_job(self: LogCompaction, *args: Any, **kwargs: Any) -> CleaningJob:
        return msgspec.structs.replace(whole(self, *args, **kwargs), markers_only=frozenset())

    whole = LogCompaction.cleaning_job
    patch.setattr(LogCompaction, "cleaning_job", cleaning_job)


PLANTED_BUGS: list[Callable[[pytest.MonkeyPatch], None]] = [
    _aborted_data_counts,
    _markers_go_at_once,
    _the_aborted_are_forgotten,
    _no_batch_must_stay,
    _epochs_known_from_markers_are_forgotten,
]


@pytest.mark.parametrize("plant", PLANTED_BUGS, ids=lambda plant: plant.__name__.strip("_"))
def test_a_planted_bug_is_found(
    plant: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(monkeypatch)
    hunt = settings(
        QUICK, max_examples=5_000, phases=[Phase.generate], database=None, derandomize=True
    )
    with pytest.raises((AssertionError, FlowlogError, KafkaError, OSError, KeyError)):
        run_state_machine_as_test(CompactedTransactions, settings=hunt)
