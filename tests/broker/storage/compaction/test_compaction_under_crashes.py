"""A compacted log against a plain list of records, with power lost between any two file operations.

A record may be missing only where a later one of its key is there, or where it is a tombstone whose
delete horizon has passed and nothing older of its key is there. That the machine would notice is
shown by planting bugs.
"""

from __future__ import annotations

import errno
import random
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from flowlog.broker.storage.compaction import batch_cleaning, cleaned_segment
from flowlog.broker.storage.compaction import recovery as swap_recovery
from flowlog.broker.storage.compaction.batch_cleaning import BatchCleaner
from flowlog.broker.storage.compaction.cleaning import clean
from flowlog.broker.storage.compaction.record_walk import map_key
from flowlog.broker.storage.config import LogConfig
from flowlog.broker.storage.directory_files import RECOVERY_POINTS
from flowlog.broker.storage.log_dir import LogDirectory
from flowlog.broker.storage.partition_log import PartitionLog
from flowlog.broker.storage.segment_names import CLEANED
from flowlog.broker.storage.walk import walk_headers
from flowlog.errors import FlowlogError, KafkaError, StorageError
from flowlog.records.batch import Codec, iter_batches
from flowlog.records.builder import build_batch
from flowlog.records.record import Record, iter_records
from flowlog.testing.files import MemoryFiles

TOPIC_ID = uuid.UUID(int=9)
RETENTION_MS = 1_000
CONFIG = LogConfig(
    segment_bytes=360,
    index_interval_bytes=150,
    cleanup_policy=frozenset({"compact"}),
    delete_retention_ms=RETENTION_MS,
)
KEYS = [b"a", b"b", b"c", b"d", b"a long key " * 4]
NO_LIMIT = 10**9
Stored = tuple[bytes, bytes | None]


class Clock:
    def __init__(self) -> None:
        self.time_ms = 1_700_000_000_000

    def now_ms(self) -> int:
        return self.time_ms

    def monotonic_ms(self) -> int:
        return self.time_ms


class CompactionUnderCrashes(RuleBasedStateMachine):
    """`model` has every record that was ever appended and not lost, by offset."""

    @initialize()
    def start(self) -> None:
        self.clock = Clock()
        self.files = MemoryFiles()
        self.model: dict[int, Stored] = {}
        self.horizons: dict[int, int] = {}
        self.flushed_offset = 0
        self.directory = self._open()
        self.log = self.directory.create("table", TOPIC_ID, 0, CONFIG)
        self.log.flush()

    def _open(self) -> LogDirectory:
        return LogDirectory.open(
            "/data", files=self.files, defaults=CONFIG, clock=self.clock, open_files_max=3
        )

    @rule(
        rows=st.lists(
            st.tuples(st.sampled_from(KEYS), st.none() | st.binary(max_size=20)),
            min_size=1,
            max_size=4,
        ),
        codec=st.sampled_from([Codec.NONE, Codec.NONE, Codec.GZIP, Codec.LZ4, Codec.ZSTD]),
        rolls=st.booleans(),
    )
    def append(self, rows: list[Stored], codec: Codec, rolls: bool) -> None:
        """Small segments, so that a cleaning makes one of several."""
        now_ms = self.clock.now_ms()
        batch = build_batch([Record(k, v, (), now_ms) for k, v in rows], codec=codec)
        result = self.log.append_as_leader(batch, leader_epoch=0, now_ms=now_ms)
        for offset, row in enumerate(rows, start=result.base_offset):
            self.model[offset] = row
        if rolls:
            self.log.roll()

    @rule()
    def flush(self) -> None:
        self.log.flush()
        self.directory.write_checkpoints()
        self.flushed_offset = self.log.log_end_offset

    @rule()
    def roll(self) -> None:
        if self.log.segments.active.size_bytes:
            self.log.roll()

    @rule(by_ms=st.integers(1, RETENTION_MS))
    def wait(self, by_ms: int) -> None:
        self.clock.time_ms += by_ms

    @rule(keys_max=st.sampled_from([1, 3, NO_LIMIT]))
    def compact(self, keys_max: int) -> None:
        for _ in self._cleaning(keys_max):
            pass

    @rule(
        rows=st.lists(st.tuples(st.sampled_from(KEYS), st.none() | st.just(b"new")), max_size=3),
        operations=st.integers(0, 20),
        from_swap=st.booleans(),
        rng=st.builds(random.Random, st.integers(0, 2**32 - 1)),
    )
    def lose_power_while_compacting(
        self, rows: list[Stored], operations: int, from_swap: bool, rng: random.Random
    ) -> None:
        """After so many file operations, of all or of the swaps alone."""
        for row in rows:
            self.append([row], Codec.NONE, rolls=True)
        left, counts = operations, not from_swap

        def fail(operation: str, path: str) -> OSError | None:
            nonlocal left, counts
            counts = counts or (path.endswith(CLEANED) and operation == "rename")
            left -= counts
            return OSError(errno.EIO, "power is lost") if left < 0 else None

        self.files.fail_when(fail)
        try:
            for _ in self._cleaning(NO_LIMIT):
                pass
        except (StorageError, OSError):
            pass
        self.files.heal()
        self.lose_power(rng)

    def _cleaning(self, keys_max: int) -> Iterator[None]:
        """As the cleaner does it: flush, recovery point, clean and swap group by group."""
        self.flush()
        now_ms = self.clock.now_ms()
        dirty = self.log.find_dirty(self.log.log_end_offset, now_ms)
        if dirty is None:
            return
        for offset, (_, value) in self.model.items():
            if value is None and offset < dirty.first_uncleanable_offset:
                self.horizons.setdefault(offset, now_ms + RETENTION_MS)
        job = self.log.cleaning_job(
            dirty, now_ms=now_ms, map_bytes=keys_max * 160, bytes_per_second=0
        )
        cleaned_to = self.log.cleaned_to
        for group in clean(self.files, job, lambda _: None):
            assert self.log.swap_in(group)
            cleaned_to = group.cleaned_end_offset
            yield
        self.log.cleaned_to = cleaned_to
        assert cleaned_to > dirty.first_dirty_offset, "no progress"

    @rule()
    def restart(self) -> None:
        self.directory.close(clean=True)
        self.flushed_offset = self.log.log_end_offset
        self._reopen()
        assert self.log.log_end_offset == self.flushed_offset

    @rule(rng=st.builds(random.Random, st.integers(0, 2**32 - 1)), lost=st.booleans())
    def lose_power(self, rng: random.Random, lost: bool = False) -> None:
        """And perhaps the recovery points: then all of the log is scanned, gaps and all."""
        self.files = self.files.crash_clone(rng)
        path = f"/data/{RECOVERY_POINTS}"
        if lost and self.files.exists(path):
            self.files.remove(path)
        self._reopen()
        assert self.log.log_end_offset >= self.flushed_offset, "a flushed batch was lost"
        self.model = {o: row for o, row in self.model.items() if o < self.log.log_end_offset}

    def _reopen(self) -> None:
        self.directory = self._open()
        log = self.directory.get(TOPIC_ID, 0)
        assert log is not None, "the partition was lost"
        self.log = log

    @invariant()
    def nothing_is_missing_that_counts(self) -> None:
        there = dict(self._records())
        for offset, row in there.items():
            assert self.model[offset] == row
        last = {key: offset for offset, (key, _) in sorted(self.model.items())}
        for offset, (key, value) in self.model.items():
            if offset in there or last[key] != offset:
                continue
            assert value is None, f"the last value of {key!r} is gone"
            horizon_ms = self.horizons.get(offset)
            assert horizon_ms is not None, "a tombstone went that was never cleaned"
            assert horizon_ms <= self.clock.now_ms(), "a tombstone went before its time"
            older = [o for o, (k, _) in there.items() if k == key]
            assert not older, f"{key!r} is back without its tombstone"

    @invariant()
    def what_is_cleaned_has_each_key_once(self) -> None:
        keys = [key for offset, (key, _) in self._records() if offset < self.log.cleaned_to]
        assert len(keys) == len(set(keys)), keys

    @invariant()
    def segments_follow_on_one_another(self) -> None:
        """Also where a cleaning took the last records of one."""
        for segment in self.log.segments:
            offsets = [segment.base_offset]
            for located in walk_headers(segment.log, 0, segment.size_bytes):
                assert located.header.base_offset >= offsets[-1]
                offsets.append(located.header.next_offset)
            assert offsets[-1] == segment.next_offset, (segment, offsets)

    def _records(self) -> Iterator[tuple[int, Stored]]:
        offset = self.log.log_start_offset
        while offset < self.log.log_end_offset:
            data = self.log.read(offset, max_bytes=1)
            if not data:
                return
            (batch,) = iter_batches(data)
            batch.check_crc()
            assert batch.next_offset > offset
            for record in iter_records(batch, max_decompressed_bytes=10_000):
                assert record.key is not None
                assert record.timestamp_ms <= self.clock.now_ms()
                yield record.offset, (record.key, record.value)
            offset = batch.next_offset


QUICK = settings(
    max_examples=60,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


def test_compaction_keeps_what_counts_under_crashes() -> None:
    run_state_machine_as_test(CompactionUnderCrashes, settings=QUICK)


@pytest.mark.slow
def test_compaction_keeps_what_counts_in_a_long_run() -> None:
    """`pytest tests/broker/storage -m slow`: some minutes."""
    long_run = settings(QUICK, max_examples=10_000, stateful_step_count=50)
    run_state_machine_as_test(CompactionUnderCrashes, settings=long_run)


# Negative controls


def _drop_tombstones_early(patch: pytest.MonkeyPatch) -> None:
    whole = BatchCleaner._clean_data

    def clean_data(self: BatchCleaner, batch: Any, *survivors: Any) -> Any:
        batch.attributes |= batch_cleaning.DELETE_HORIZON_BIT
        batch.base_timestamp_ms, kept = 0, batch.base_timestamp_ms
        cleaned = whole(self, batch, *survivors)
        batch.base_timestamp_ms = kept
        return cleaned

    patch.setattr(BatchCleaner, "_clean_data", clean_data)


def _swap_without_sync(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(MemoryFiles, "sync_dir", lambda self, path: None)


def _cleaned_files_are_not_synced(patch: pytest.MonkeyPatch) -> None:
    def finish(self: Any, aborted: Any) -> int:
        self._log.sync = lambda: None
        return whole(self, aborted)

    whole = cleaned_segment.CleanedSegment.finish
    patch.setattr(cleaned_segment.CleanedSegment, "finish", finish)


def _forget_the_swap(patch: pytest.MonkeyPatch) -> None:
    from flowlog.broker.storage import recovery

    patch.setattr(recovery, "complete_swaps", lambda *_: False)


def _keep_the_old_segments_beside_the_new(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(swap_recovery, "SEGMENT_SUFFIXES", ())


def _let_a_segment_end_early(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(BatchCleaner, "start_segment", lambda self, next_offset: None)


def _short_digests(patch: pytest.MonkeyPatch) -> None:
    from flowlog.broker.storage.compaction import offset_map, record_walk

    def note_latest(
        records: bytes, base_offset: int, latest: dict[bytes, int], *, is_dense: bool
    ) -> None:
        for record in record_walk.walk_records(records):
            if record.key is not None:
                key = record.key[:0]
                latest[key] = (base_offset + record.offset_delta) * 2 + record.is_tombstone

    patch.setattr(offset_map, "note_latest", note_latest)


def _compact_what_is_not_flushed(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(CompactionUnderCrashes, "flush", lambda self: None)
    patch.setattr(PartitionLog, "recovery_point", property(lambda self: 2**62))


PLANTED_BUGS: list[Callable[[pytest.MonkeyPatch], None]] = [
    _drop_tombstones_early,
    _swap_without_sync,
    _cleaned_files_are_not_synced,
    _forget_the_swap,
    _keep_the_old_segments_beside_the_new,
    _let_a_segment_end_early,
    _short_digests,
    _compact_what_is_not_flushed,
]


@pytest.mark.parametrize("plant", PLANTED_BUGS, ids=lambda plant: plant.__name__.strip("_"))
def test_a_planted_bug_is_found(
    plant: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(monkeypatch)
    search = settings(
        QUICK, max_examples=5_000, phases=[Phase.generate], database=None, derandomize=True
    )
    with pytest.raises((AssertionError, FlowlogError, KafkaError, OSError, KeyError)):
        run_state_machine_as_test(CompactionUnderCrashes, settings=search)


def test_map_keys_of_long_keys_differ_from_short_ones() -> None:
    long_key = b"k" * 100
    assert len(map_key(long_key)) > 32
    assert map_key(b"k" * 32) == b"k" * 32
