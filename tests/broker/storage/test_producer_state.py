"""Idempotence: what is a duplicate, what is out of order, who is fenced; and surviving a restart."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from crc32c import crc32c
from hypothesis import given
from hypothesis import strategies as st
from kio.schema.errors import ErrorCode

from flowlog.broker.storage.producer_snapshot import (
    CorruptSnapshotError,
    decode_snapshot,
    encode_snapshot,
)
from flowlog.broker.storage.producer_state import ProducerStateTable
from flowlog.errors import KafkaError
from flowlog.records.batch import SEQUENCE_MAX, RecordBatchView
from flowlog.records.builder import build_batch
from flowlog.records.control import ControlType, EndTransactionMarker, build_end_marker
from flowlog.records.record import Record

PRODUCER = 77
DAY_MS = 86_400_000


def batch(
    base_sequence: int, *, count: int = 1, epoch: int = 0, producer: int = PRODUCER, **fields: Any
) -> RecordBatchView:
    return RecordBatchView(
        build_batch(
            [Record(None, b"v", (), 5)] * count,
            producer_id=producer,
            producer_epoch=epoch,
            base_sequence=base_sequence,
            **fields,
        )
    )


def marker(outcome: ControlType = ControlType.COMMIT, *, epoch: int = 0) -> RecordBatchView:
    end = EndTransactionMarker(outcome, 3)
    return RecordBatchView(
        build_end_marker(end, producer_id=PRODUCER, producer_epoch=epoch, timestamp_ms=5)
    )


@dataclass
class Writer:
    """A partition's end and its producers, without the partition."""

    table: ProducerStateTable = field(default_factory=ProducerStateTable)
    next_offset: int = 100

    def append(self, view: RecordBatchView, now_ms: int = 0) -> int:
        """The base offset; that of the first time for a duplicate."""
        duplicate = self.table.check(view)
        if duplicate is not None:
            return duplicate.base_offset
        base_offset = self.next_offset
        self.table.record(view, base_offset=base_offset, now_ms=now_ms)
        self.next_offset += view.record_count
        return base_offset

    def refuses(self, view: RecordBatchView) -> ErrorCode:
        with pytest.raises(KafkaError) as error:
            self.append(view)
        return error.value.error_code


FENCED = ErrorCode.invalid_producer_epoch


def code_of(refused: Callable[[], object]) -> ErrorCode:
    with pytest.raises(KafkaError) as error:
        refused()
    return error.value.error_code


@pytest.fixture
def writer() -> Writer:
    return Writer()


def test_an_unknown_producer_may_start_at_any_sequence(writer: Writer) -> None:
    assert writer.append(batch(41)) == 100


def test_a_retry_of_any_of_the_last_five_batches_gets_its_first_offsets(writer: Writer) -> None:
    offsets = [writer.append(batch(i * 2, count=2)) for i in range(7)]
    for i in range(2, 7):
        assert writer.append(batch(i * 2, count=2)) == offsets[i]
    assert writer.next_offset == 114, "no duplicate took offsets"


def test_a_retry_of_an_older_batch_is_out_of_order(writer: Writer) -> None:
    for i in range(6):
        writer.append(batch(i))
    assert writer.refuses(batch(0)) is ErrorCode.out_of_order_sequence_number


@pytest.mark.parametrize(
    "base_sequence", [pytest.param(0, id="same start, longer"), pytest.param(4, id="gap")]
)
def test_a_sequence_that_does_not_follow_is_out_of_order(
    writer: Writer, base_sequence: int
) -> None:
    writer.append(batch(0, count=3))
    view = batch(base_sequence, count=4)
    assert writer.refuses(view) is ErrorCode.out_of_order_sequence_number


def test_an_older_epoch_is_fenced(writer: Writer) -> None:
    writer.append(batch(0, epoch=3))
    assert writer.refuses(batch(1, epoch=2)) is ErrorCode.invalid_producer_epoch


def test_a_new_epoch_starts_at_zero_and_forgets_the_old_sequences(writer: Writer) -> None:
    writer.append(batch(0, count=5, epoch=3))
    assert writer.refuses(batch(5, epoch=4)) is ErrorCode.out_of_order_sequence_number
    assert writer.append(batch(0, count=5, epoch=4)) == 105, "not a duplicate of the old epoch's"
    assert writer.append(batch(0, count=5, epoch=4)) == 105


def test_sequences_wrap_behind_the_largest(writer: Writer) -> None:
    writer.append(batch(SEQUENCE_MAX - 1, count=4))
    assert writer.append(batch(2)) == 104
    assert writer.append(batch(SEQUENCE_MAX - 1, count=4)) == 100


def test_an_idle_producer_is_forgotten_after_a_day_by_the_brokers_clock(writer: Writer) -> None:
    """The records say 1970; that must not matter."""
    writer.append(batch(0), now_ms=10 * DAY_MS)
    writer.append(batch(0, producer=8), now_ms=10 * DAY_MS + 1)
    assert writer.table.expire(now_ms=11 * DAY_MS - 1, expiration_ms=DAY_MS) == 0
    assert writer.table.expire(now_ms=11 * DAY_MS, expiration_ms=DAY_MS) == 1
    assert writer.table.get(PRODUCER) is None
    assert writer.table.get(8) is not None


def test_an_open_transaction_holds_the_stable_offset_until_its_marker(writer: Writer) -> None:
    writer.append(batch(0, is_transactional=True))
    writer.append(batch(1, is_transactional=True))
    assert writer.table.transactions.first_unstable_offset == 100
    assert writer.refuses(batch(2)) is ErrorCode.invalid_txn_state
    assert writer.table.expire(now_ms=99 * DAY_MS, expiration_ms=DAY_MS) == 0
    view = marker(ControlType.ABORT)
    end = EndTransactionMarker(ControlType.ABORT, 3)
    writer.table.check_marker(PRODUCER, 0, coordinator_epoch=3)
    completed = writer.table.record_marker(view, end, offset=102, now_ms=0)
    assert completed == (PRODUCER, 100, 102, True, 103)
    assert writer.table.transactions.first_unstable_offset == 100, "until the marker is committed"
    writer.table.transactions.on_high_watermark(103)
    assert writer.table.transactions.first_unstable_offset is None


def test_markers_of_old_epochs_and_coordinators_are_fenced(writer: Writer) -> None:
    writer.append(batch(0, epoch=5, is_transactional=True))
    commit = EndTransactionMarker(ControlType.COMMIT, 3)
    check = writer.table.check_marker
    assert code_of(lambda: check(PRODUCER, 4, coordinator_epoch=3)) is FENCED
    check(PRODUCER, 5, coordinator_epoch=3)
    writer.table.record_marker(marker(epoch=5), commit, offset=101, now_ms=0)
    older = code_of(lambda: check(PRODUCER, 5, coordinator_epoch=2))
    assert older is ErrorCode.transaction_coordinator_fenced


def test_under_version_2_a_marker_of_the_epoch_that_wrote_the_records_is_late(
    writer: Writer,
) -> None:
    writer.append(batch(0, epoch=5, is_transactional=True))

    def check(epoch: int) -> None:
        writer.table.check_marker(PRODUCER, epoch, coordinator_epoch=3, transaction_version=2)

    assert code_of(lambda: check(5)) is FENCED
    check(6)
    commit = EndTransactionMarker(ControlType.COMMIT, 3)
    writer.table.record_marker(marker(epoch=6), commit, offset=101, now_ms=0)
    check(6)  # the coordinator did not hear the answer, and asks again
    assert code_of(lambda: check(5)) is FENCED
    writer.append(batch(0, epoch=6, is_transactional=True))
    assert code_of(lambda: check(6)) is FENCED


def test_a_marker_for_a_producer_that_nothing_is_known_of_may_be_written(writer: Writer) -> None:
    writer.table.check_marker(999, 0, coordinator_epoch=0, transaction_version=2)


@given(
    st.lists(st.integers(1, 4), min_size=1, max_size=30),
    st.randoms(use_true_random=False),
    st.integers(0, 5) | st.integers(SEQUENCE_MAX - 20, SEQUENCE_MAX),
    st.booleans(),
)
def test_an_honest_client_writes_each_batch_once(
    counts: list[int], rng: random.Random, sequence: int, restarts: bool
) -> None:
    """In order, with up to five in flight, each sent again whenever the answer got lost."""
    writer = Writer()
    views = []
    for count in counts:
        views.append(batch(sequence, count=count))
        sequence = (sequence + count) & SEQUENCE_MAX
    wanted = [100 + sum(counts[:i]) for i in range(len(counts))]
    for i, view in enumerate(views):
        assert writer.append(view) == wanted[i]
        for j in rng.sample(range(max(0, i - 4), i + 1), k=rng.randrange(min(5, i + 1))):
            if restarts:
                writer.table = decode_snapshot(encode_snapshot(writer.table), now_ms=0)
            assert writer.append(views[j]) == wanted[j]
    assert writer.next_offset == 100 + sum(counts)


# The snapshot file


def test_a_snapshot_brings_back_epochs_batches_and_transactions(writer: Writer) -> None:
    for i in range(6):
        writer.append(batch(i, epoch=2, is_transactional=True))
    writer.append(batch(9, producer=8))
    again = decode_snapshot(encode_snapshot(writer.table), now_ms=55)
    assert len(again) == 2
    entry, old = again.get(PRODUCER), writer.table.get(PRODUCER)
    assert entry is not None
    assert old is not None
    assert entry.batches == old.batches
    assert (entry.epoch, entry.transaction_first_offset, entry.last_used_ms) == (2, 100, 55)
    assert again.transactions.first_unstable_offset == 100


def test_a_producer_without_batches_is_kept(writer: Writer) -> None:
    """A marker may be all that a partition saw of an epoch; the fence must hold."""
    commit = EndTransactionMarker(ControlType.COMMIT, 3)
    writer.table.record_marker(marker(epoch=9), commit, offset=7, now_ms=0)
    writer.table = decode_snapshot(encode_snapshot(writer.table), now_ms=0)
    assert writer.refuses(batch(0, epoch=8)) is ErrorCode.invalid_producer_epoch
    assert writer.append(batch(0, epoch=9)) == 100


def test_a_snapshot_has_kafkas_bytes(writer: Writer) -> None:
    writer.append(batch(4, count=3, epoch=1))
    rows = struct.pack(">i", 1) + struct.pack(">qhiqiqiq", 77, 1, 6, 102, 2, 5, -1, -1)
    assert encode_snapshot(writer.table) == struct.pack(">hI", 1, crc32c(rows)) + rows


@given(st.data())
def test_no_changed_byte_passes(data: st.DataObject) -> None:
    writer = Writer()
    writer.append(batch(0))
    encoded = bytearray(encode_snapshot(writer.table))
    position = data.draw(st.integers(0, len(encoded) - 1))
    encoded[position] ^= data.draw(st.integers(1, 255))
    with pytest.raises(CorruptSnapshotError):
        decode_snapshot(bytes(encoded), now_ms=0)


@given(st.integers(0, 55))
def test_no_cut_snapshot_passes(size: int) -> None:
    writer = Writer()
    writer.append(batch(0))
    with pytest.raises(CorruptSnapshotError):
        decode_snapshot(encode_snapshot(writer.table)[:size], now_ms=0)
