"""Transactions in a log against a plain list, with power lost at any moment.

Producers write plain and transactional batches, coordinators end transactions (with and without a
new epoch), the log is rolled, flushed, cut, deleted from, stopped and crashed. The model is the
list of what was appended; what became of each record follows from the markers in it. That the
machine would notice is shown by planting bugs: each of `PLANTED_BUGS` must be found.
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

from flowlog.broker.storage import recovery, snapshots
from flowlog.broker.storage.config import LogConfig
from flowlog.broker.storage.log_dir import LogDirectory
from flowlog.broker.storage.log_transactions import LogTransactions
from flowlog.broker.storage.producer_state import ProducerEntry
from flowlog.broker.storage.segment_transactions import SegmentTransactions
from flowlog.broker.storage.snapshots import SnapshotStore, rebuild_producers, rebuild_transactions
from flowlog.broker.storage.transaction_index import AbortedTransaction, TransactionIndex
from flowlog.broker.storage.unstable import UnstableTransactions
from flowlog.errors import FlowlogError
from flowlog.records.batch import NO_SEQUENCE, iter_batches
from flowlog.records.builder import build_batch
from flowlog.records.control import ControlType, EndTransactionMarker
from flowlog.records.record import Record
from flowlog.testing.files import MemoryFiles

from .committed import committed_records

TOPIC_ID = uuid.UUID(int=9)
NOW_MS = 1_700_000_000_000
CONFIG = LogConfig(segment_bytes=300, index_interval_bytes=150, retention_bytes=1500)
PRODUCERS = st.integers(1, 3)


class StillClock:
    def now_ms(self) -> int:
        return NOW_MS

    def monotonic_ms(self) -> int:
        return 0


@dataclass
class Written:
    """A batch of the model; `committed` is None for records, the outcome for a marker."""

    base_offset: int
    next_offset: int
    producer_id: int
    is_transactional: bool
    committed: bool | None = None


@dataclass
class Transaction:
    """What the model's markers say of one transaction. Offsets inclusive."""

    producer_id: int
    first_offset: int
    batches: list[Written]
    marker_offset: int | None = None
    committed: bool | None = None


def transactions_in(written: list[Written]) -> list[Transaction]:
    """In the order in which they began."""
    found: list[Transaction] = []
    open_by_producer: dict[int, Transaction] = {}
    for batch in written:
        if not batch.is_transactional:
            continue
        if batch.committed is None:
            transaction = open_by_producer.get(batch.producer_id)
            if transaction is None:
                transaction = Transaction(batch.producer_id, batch.base_offset, [])
                open_by_producer[batch.producer_id] = transaction
                found.append(transaction)
            transaction.batches.append(batch)
        elif batch.producer_id in open_by_producer:
            transaction = open_by_producer.pop(batch.producer_id)
            transaction.marker_offset = batch.base_offset
            transaction.committed = batch.committed
    return found


class TransactionsUnderCrashes(RuleBasedStateMachine):
    """Readers of committed records read what was committed, all of it, and nothing else."""

    @initialize()
    def start(self) -> None:
        self.files = MemoryFiles()
        self.written: list[Written] = []
        self.high_watermark = 0
        self.start_offset = 0
        self.was_deleted_from = False
        self.reopened_at = 0
        """Markers before it may count although they are not committed: who wrote them is gone."""
        self.directory = self._open()
        self.log = self.directory.create("orders", TOPIC_ID, 0, CONFIG)
        self.log.flush()  # So that the directory itself survives.

    def _open(self) -> LogDirectory:
        return LogDirectory.open(
            "/data", files=self.files, defaults=CONFIG, clock=StillClock(), open_files_max=3
        )

    def _open_transactions(self) -> dict[int, Transaction]:
        found = transactions_in(self._there())
        return {t.producer_id: t for t in found if t.marker_offset is None}

    def _unstable(self) -> list[Transaction]:
        return [
            t
            for t in transactions_in(self._there())
            if t.marker_offset is None or t.marker_offset >= self.high_watermark
        ]

    # What can happen

    @rule(producer_id=PRODUCERS, count=st.integers(1, 3), wants_transaction=st.booleans())
    def append(self, producer_id: int, count: int, wants_transaction: bool) -> None:
        entry = self.log.producers.get(producer_id)
        is_transactional = wants_transaction or producer_id in self._open_transactions()
        if self.was_deleted_from and entry is not None:
            is_transactional |= entry.transaction_first_offset >= 0
        last_sequence = NO_SEQUENCE if entry is None else entry.last_sequence
        batch = build_batch(
            [Record(None, b"%d" % len(self.written), (), NOW_MS)] * count,
            producer_id=producer_id,
            producer_epoch=0 if entry is None else entry.epoch,
            base_sequence=last_sequence + 1,
            is_transactional=is_transactional,
        )
        result = self.log.append_as_leader(batch, leader_epoch=0, now_ms=NOW_MS)
        self.written.append(
            Written(result.base_offset, result.base_offset + count, producer_id, is_transactional)
        )

    @rule(
        producer_id=PRODUCERS,
        committed=st.sampled_from([False, False, True]),
        bumps_epoch=st.booleans(),
    )
    def end(self, producer_id: int, committed: bool, bumps_epoch: bool) -> None:
        """Also where nothing was written: a coordinator cannot know that."""
        entry = self.log.producers.get(producer_id)
        epoch = 0 if entry is None else entry.epoch
        result = self.log.append_marker(
            EndTransactionMarker(ControlType.COMMIT if committed else ControlType.ABORT, 0),
            producer_id=producer_id,
            producer_epoch=epoch + bumps_epoch,
            transaction_version=1 + bumps_epoch,
            leader_epoch=0,
            now_ms=NOW_MS,
        )
        offset = result.base_offset
        self.written.append(Written(offset, offset + 1, producer_id, True, committed))

    @rule(data=st.data())
    def commit_up_to(self, data: st.DataObject) -> None:
        """The replicas have it, up to a batch's end."""
        ends = [b.next_offset for b in self.written if b.next_offset > self.high_watermark]
        if ends:
            self.high_watermark = data.draw(st.sampled_from(ends))
            self.log.on_high_watermark(self.high_watermark)

    @rule(writes_checkpoints=st.booleans())
    def flush(self, writes_checkpoints: bool) -> None:
        self.log.flush()
        if writes_checkpoints:
            self.directory.write_checkpoints()

    @precondition(lambda self: self.log.segments.active.size_bytes)
    @rule()
    def roll(self) -> None:
        self.log.roll()

    @rule(data=st.data())
    def truncate(self, data: st.DataObject) -> None:
        """A new leader has less; never less than what was committed."""
        offset = data.draw(st.integers(self.high_watermark, self.log.log_end_offset))
        self._forget_from(self.log.truncate_to(offset))

    @rule(data=st.data())
    def delete_records(self, data: st.DataObject) -> None:
        if self.start_offset < self.high_watermark:
            offset = data.draw(st.integers(self.start_offset, self.high_watermark))
            self.start_offset = self.log.delete_records_before(offset)

    @rule()
    def apply_retention(self) -> None:
        count = self.log.apply_retention(NOW_MS, self.high_watermark)
        self.was_deleted_from = self.was_deleted_from or count > 0
        self.start_offset = self.log.log_start_offset

    @rule()
    def restart(self) -> None:
        self.directory.close(clean=True)
        self._reopen()

    @rule(rng=st.builds(random.Random, st.integers(0, 2**32 - 1)))
    def lose_power(self, rng: random.Random) -> None:
        self.files = self.files.crash_clone(rng)
        self._reopen()

    def _reopen(self) -> None:
        self.directory = self._open()
        log = self.directory.get(TOPIC_ID, 0)
        assert log is not None, "the partition was lost"
        self.log = log
        self.start_offset = log.log_start_offset
        self.reopened_at = log.log_end_offset
        self.was_deleted_from = self.was_deleted_from or log.segments[0].base_offset > 0
        self._forget_from(log.log_end_offset)
        self.high_watermark = min(self.high_watermark, log.log_end_offset)
        log.on_high_watermark(self.high_watermark)

    def _forget_from(self, offset: int) -> None:
        self.written = [b for b in self.written if b.next_offset <= offset]

    def _there(self) -> list[Written]:
        """What has not been deleted: of the rest the log may know, or not, and a crash may bring
        it back.
        """
        first = self.log.segments[0].base_offset
        return [b for b in self.written if b.base_offset >= first]

    # What must hold

    @invariant()
    def nobody_reads_past_an_undecided_transaction(self) -> None:
        firsts = {
            t.first_offset: t.marker_offset is None or t.marker_offset >= self.reopened_at
            for t in self._unstable()
        }
        at_least = min(firsts, default=None)
        at_most = min((first for first, is_held in firsts.items() if is_held), default=None)
        stable = self.log.first_unstable_offset
        if at_most is not None:
            assert stable is not None
            assert stable <= max(at_most, self.start_offset)
        if stable is not None and not self.was_deleted_from:
            assert at_least is not None, "a transaction that is decided holds readers back"
            assert stable >= max(at_least, self.start_offset)

    @invariant()
    def readers_get_what_was_committed_and_nothing_else(self) -> None:
        """Whatever part of the log they read at a time."""
        stable = self.log.first_unstable_offset
        end = self.high_watermark if stable is None else min(stable, self.high_watermark)
        read: list[tuple[int, bytes]] = []
        offset = self.start_offset
        while offset < end:
            data = self.log.read(offset, end_offset=end, max_bytes=150)
            *_, last = iter_batches(data)
            aborted = self.log.aborted_transactions(offset, last.next_offset)
            pairs = [(entry.producer_id, entry.first_offset) for entry in aborted]
            read += [
                (record.offset, record.value or b"")
                for record in committed_records(data, pairs)
                if record.offset >= offset
            ]
            offset = last.next_offset
        assert [offset for offset, _ in read] == self._committed_offsets(end)
        if not self.was_deleted_from:
            found = self.log.aborted_transactions(self.start_offset, end)
            assert [entry[:3] for entry in found] == self._aborted(end)

    def _aborted(self, end: int) -> list[tuple[int, int, int]]:
        """(Producer id, first offset, marker) of what overlaps what can be read, by markers."""
        aborted = [
            (t.producer_id, t.first_offset, t.marker_offset)
            for t in transactions_in(self._there())
            if t.marker_offset is not None and t.marker_offset >= self.start_offset
            if t.committed is False and t.first_offset < end
        ]
        return sorted(aborted, key=lambda entry: entry[2])

    def _committed_offsets(self, end: int) -> list[int]:
        hidden = {
            id(batch)
            for t in transactions_in(self._there())
            if not t.committed
            for batch in t.batches
        }
        return [
            offset
            for batch in self._there()
            if batch.committed is None and id(batch) not in hidden
            for offset in range(max(batch.base_offset, self.start_offset), batch.next_offset)
            if batch.next_offset <= end
        ]

    @precondition(lambda self: not self.was_deleted_from)
    @invariant()
    def the_log_alone_gives_the_same_state(self) -> None:
        nothing = SnapshotStore(self.files, self.log.directory)
        again = rebuild_producers(nothing, self.log.segments, now_ms=NOW_MS)
        assert sorted(map(_facts, again)) == sorted(map(_facts, self.log.producers))
        assert again.transactions.open == self.log.producers.transactions.open
        for segment in self.log.segments:
            index = rebuild_transactions(nothing, self.log.segments, segment)
            kept = self.log._transaction_index(segment) if segment.transactions.has_any else ()
            assert list(index) == list(kept)


def _facts(entry: ProducerEntry) -> tuple[Any, ...]:
    return (
        entry.producer_id,
        entry.epoch,
        tuple(entry.batches),
        entry.coordinator_epoch,
        entry.transaction_first_offset,
    )


QUICK = settings(
    max_examples=60,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


def test_transactions_show_as_they_ended() -> None:
    run_state_machine_as_test(TransactionsUnderCrashes, settings=QUICK)


@pytest.mark.slow
def test_transactions_show_as_they_ended_in_a_long_run() -> None:
    """`pytest tests/broker/storage -m slow`: some minutes."""
    long_run = settings(QUICK, max_examples=10_000, stateful_step_count=60)
    run_state_machine_as_test(TransactionsUnderCrashes, settings=long_run)


# Negative controls


def _markers_count_before_they_are_committed(patch: pytest.MonkeyPatch) -> None:
    def end(self: UnstableTransactions, *args: Any, **named: Any) -> Any:
        ended = whole(self, *args, **named)
        self.on_high_watermark(2**62)
        return ended

    whole = UnstableTransactions.end
    patch.setattr(UnstableTransactions, "end", end)


def _aborts_are_not_indexed(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(SegmentTransactions, "add", lambda self, entry: None)


def _a_cut_leaves_the_index(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(TransactionIndex, "truncate", lambda self, next_offset: None)


def _an_index_is_not_written(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(SegmentTransactions, "write", lambda self: None)


def _recovery_keeps_the_old_index(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(recovery.LogRecovery, "_note_aborted", lambda self, segment, entry: None)
    patch.setattr(SegmentTransactions, "clear", lambda self: None)


def _snapshots_forget_open_transactions(patch: pytest.MonkeyPatch) -> None:
    def decode(data: bytes, *, now_ms: int) -> Any:
        table = whole(data, now_ms=now_ms)
        for entry in table:
            entry.transaction_first_offset = -1
        table.transactions = UnstableTransactions()
        return table

    whole = snapshots.decode_snapshot
    patch.setattr(snapshots, "decode_snapshot", decode)


def _the_first_offset_is_the_markers(patch: pytest.MonkeyPatch) -> None:
    def add(self: SegmentTransactions, entry: AbortedTransaction) -> None:
        whole(self, entry._replace(first_offset=entry.last_offset - 1))

    whole = SegmentTransactions.add
    patch.setattr(SegmentTransactions, "add", add)


def _deleted_records_hold_readers_back(patch: pytest.MonkeyPatch) -> None:
    unclamped = property(lambda self: self.producers.transactions.first_unstable_offset)
    patch.setattr(LogTransactions, "first_unstable_offset", unclamped)


PLANTED_BUGS: list[Callable[[pytest.MonkeyPatch], None]] = [
    _markers_count_before_they_are_committed,
    _aborts_are_not_indexed,
    _a_cut_leaves_the_index,
    _an_index_is_not_written,
    _recovery_keeps_the_old_index,
    _snapshots_forget_open_transactions,
    _the_first_offset_is_the_markers,
    _deleted_records_hold_readers_back,
]

HUNT = settings(QUICK, max_examples=5000, database=None, phases=[Phase.generate], derandomize=True)


@pytest.mark.parametrize("plant", [pytest.param(b, id=b.__name__.strip("_")) for b in PLANTED_BUGS])
def test_a_planted_bug_is_found(
    plant: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(monkeypatch)
    with pytest.raises((AssertionError, FlowlogError, OSError)):
        run_state_machine_as_test(TransactionsUnderCrashes, settings=HUNT)
