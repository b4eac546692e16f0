"""Transactions in one log: files only where something was aborted, and damage that is made good."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from kio.schema.errors import ErrorCode

from flowlog.broker.storage.config import LogConfig
from flowlog.broker.storage.files import read_file, write_file
from flowlog.broker.storage.origin import AppendOrigin
from flowlog.broker.storage.partition_log import PartitionLog
from flowlog.broker.storage.transaction_index import ENTRY
from flowlog.errors import KafkaError
from flowlog.records.batch import RecordBatchView
from flowlog.records.control import ControlType, EndTransactionMarker

from .conftest import NOW_MS, LogHome

MakeBatch = Callable[..., bytes]
DAY_MS = 86_400_000


class Writer:
    """Appends one producer's transactions to a log."""

    def __init__(self, log: PartitionLog, make_batch: MakeBatch, producer_id: int) -> None:
        self.log = log
        self.make_batch = make_batch
        self.producer_id = producer_id

    def write(self, count: int = 1) -> int:
        """One transactional batch; its first offset."""
        entry = self.log.producers.get(self.producer_id)
        batch = self.make_batch(
            count,
            producer_id=self.producer_id,
            producer_epoch=0,
            base_sequence=0 if entry is None else entry.last_sequence + 1,
            is_transactional=True,
        )
        return self.log.append_as_leader(batch, leader_epoch=0, now_ms=NOW_MS).base_offset

    def end(self, *, committed: bool) -> int:
        """The marker's offset."""
        outcome = ControlType.COMMIT if committed else ControlType.ABORT
        return self.log.append_marker(
            EndTransactionMarker(outcome, 0),
            producer_id=self.producer_id,
            producer_epoch=0,
            transaction_version=1,
            leader_epoch=0,
            now_ms=NOW_MS,
        ).base_offset


def txn_files(home: LogHome) -> list[str]:
    names = (entry.name for entry in home.files.list_dir(home.directory))
    return sorted(name for name in names if name.endswith(".txnindex"))


def aborted(log: PartitionLog) -> list[tuple[int, int, int]]:
    log.on_high_watermark(log.log_end_offset)
    found = log.aborted_transactions(0, log.log_end_offset)
    return [(entry.producer_id, entry.first_offset, entry.last_offset) for entry in found]


def with_three_aborts(home: LogHome, make_batch: MakeBatch) -> PartitionLog:
    """Producer 1 from the first segment into the second, 2 in the second, 3 in the third."""
    log = home.open()
    first, second, third = (Writer(log, make_batch, i) for i in (1, 2, 3))
    first.write()
    log.roll()
    second.write()
    first.end(committed=False)
    second.end(committed=False)
    log.roll()
    third.write()
    third.end(committed=False)
    return log


ABORTED = [(1, 0, 2), (2, 1, 3), (3, 4, 5)]


def test_a_log_without_aborts_has_no_transaction_index(
    home: LogHome, make_batch: MakeBatch
) -> None:
    log = home.open()
    writer = Writer(log, make_batch, 1)
    writer.write()
    writer.end(committed=True)
    log.roll()
    log.close()
    assert txn_files(home) == []


def test_aborts_are_found_across_segments_and_restarts(
    home: LogHome, make_batch: MakeBatch
) -> None:
    log = with_three_aborts(home, make_batch)
    assert aborted(log) == ABORTED
    log.close()
    assert txn_files(home) == ["00000000000000000001.txnindex", "00000000000000000004.txnindex"]
    assert aborted(home.open(is_clean=True, recovery_point=6)) == ABORTED
    assert aborted(home.open()) == ABORTED, "made anew from the records"


def test_the_file_is_kafkas_and_says_what_was_decided_at_each_marker(
    home: LogHome, make_batch: MakeBatch
) -> None:
    with_three_aborts(home, make_batch).close()
    data = read_file(home.files, f"{home.directory}/00000000000000000001.txnindex")
    assert list(ENTRY.iter_unpack(data)) == [(0, 1, 0, 2, 1), (0, 2, 1, 3, 4)]


def test_an_abort_found_in_one_segment_does_not_end_the_search(
    home: LogHome, make_batch: MakeBatch
) -> None:
    log = home.open()
    long_one, short_one = Writer(log, make_batch, 1), Writer(log, make_batch, 2)
    long_one.write()
    short_one.write()
    short_one.end(committed=False)
    log.roll()
    long_one.end(committed=False)
    assert aborted(log) == [(2, 1, 2), (1, 0, 3)]


def test_a_follower_keeps_the_same_index(home: LogHome, make_batch: MakeBatch) -> None:
    leader = with_three_aborts(home, make_batch)
    follower = LogHome(home.files, f"{home.directory}-follower").open()
    for segment in leader.segments:
        data = leader.read(segment.base_offset, max_bytes=100_000)
        follower.append_as_follower(data, now_ms=NOW_MS)
    assert aborted(follower) == ABORTED


SEALED, GROWING = 1, 4


@pytest.mark.parametrize(
    ("segment", "damage"),
    [
        pytest.param(SEALED, lambda data: data[:-1], id="cut"),
        pytest.param(SEALED, lambda data: bytes(len(data)), id="zeros"),
        pytest.param(SEALED, lambda data: data[:9] + b"\x07" + data[10:], id="another producer"),
        pytest.param(SEALED, lambda data: data[:25] + b"\x03" + data[26:], id="another marker"),
        pytest.param(SEALED, lambda data: data[:51] + b"\x02" + data[52:], id="another start"),
        pytest.param(GROWING, lambda data: data[:-1], id="growing, cut"),
        pytest.param(GROWING, lambda data: bytes(len(data)), id="growing, zeros"),
        pytest.param(GROWING, lambda data: data[:9] + b"\x07" + data[10:], id="growing, producer"),
    ],
)
def test_a_damaged_index_is_made_anew(
    home: LogHome, make_batch: MakeBatch, segment: int, damage: Callable[[bytes], bytes]
) -> None:
    with_three_aborts(home, make_batch).close()
    path = f"{home.directory}/{segment:020d}.txnindex"
    good = read_file(home.files, path)
    write_file(home.files, path, damage(good))
    assert aborted(home.open(is_clean=True, recovery_point=6)) == ABORTED
    assert read_file(home.files, path) == good


def test_a_marker_that_is_not_committed_is_waited_for_also_after_a_cut(
    home: LogHome, make_batch: MakeBatch
) -> None:
    log = home.open()
    decided, waiting = Writer(log, make_batch, 1), Writer(log, make_batch, 2)
    decided.write()
    decided.end(committed=True)
    log.on_high_watermark(2)
    waiting.write()
    waiting.end(committed=True)
    log.append_as_leader(make_batch(), leader_epoch=0, now_ms=NOW_MS)
    log.truncate_to(4)
    assert log.first_unstable_offset == 2
    log.on_high_watermark(4)
    assert log.first_unstable_offset is None


def test_an_index_goes_with_its_segment(home: LogHome, make_batch: MakeBatch) -> None:
    log = with_three_aborts(home, make_batch)
    log.config = LogConfig(retention_bytes=0)
    log.apply_retention(NOW_MS, log.log_end_offset)
    log.close()
    assert txn_files(home) == []


def test_a_cut_takes_the_entries_behind_it(home: LogHome, make_batch: MakeBatch) -> None:
    log = with_three_aborts(home, make_batch)
    log.close()
    log = home.open(is_clean=True, recovery_point=6)
    log.truncate_to(3)
    assert aborted(log) == [(1, 0, 2)]
    assert log.producers.transactions.open == {2: 1}
    log.close()
    assert txn_files(home) == ["00000000000000000001.txnindex"]
    again = home.open(is_clean=True, recovery_point=3)
    again.truncate_to(2)
    again.close()
    assert txn_files(home) == []


def test_deleted_records_of_an_open_transaction_are_not_waited_for(
    home: LogHome, make_batch: MakeBatch
) -> None:
    log = home.open()
    writer = Writer(log, make_batch, 1)
    writer.write(count=4)
    assert log.first_unstable_offset == 0
    log.delete_records_before(3)
    assert log.first_unstable_offset == 3


def test_a_producer_with_an_open_transaction_is_never_forgotten(
    home: LogHome, make_batch: MakeBatch
) -> None:
    """Its epoch is what fences the producer when the coordinator gives it up."""
    log = home.open()
    writer = Writer(log, make_batch, 1)
    writer.write()
    assert log.expire_producers(NOW_MS + 100 * DAY_MS) == 0
    log.close()
    log = home.open(is_clean=True, recovery_point=1)
    assert log.expire_producers(NOW_MS + 100 * DAY_MS) == 0
    assert log.first_unstable_offset == 0
    Writer(log, make_batch, 1).end(committed=False)
    assert log.expire_producers(NOW_MS + 100 * DAY_MS) == 1


def test_offsets_that_a_coordinator_writes_for_a_producer_need_no_sequence(
    home: LogHome, make_batch: MakeBatch
) -> None:
    """Two of them look the same to a count of sequences, and are two."""
    log = home.open()

    def commit_offsets(epoch: int) -> int:
        batch = make_batch(producer_id=7, producer_epoch=epoch, is_transactional=True)
        result = log.append_as_leader(
            batch, leader_epoch=0, now_ms=NOW_MS, origin=AppendOrigin.COORDINATOR
        )
        assert not result.is_duplicate
        return result.base_offset

    assert [commit_offsets(3), commit_offsets(3)] == [0, 1]
    assert log.first_unstable_offset == 0
    with pytest.raises(KafkaError) as error:
        commit_offsets(2)
    assert error.value.error_code is ErrorCode.invalid_producer_epoch
    log.close()
    log = home.open(is_clean=True, recovery_point=2)
    entry = log.producers.get(7)
    assert entry is not None
    assert (entry.last_sequence, entry.last_offset, entry.transaction_first_offset) == (-1, 1, 0)


def test_a_clients_control_batch_is_refused(home: LogHome, make_batch: MakeBatch) -> None:
    log = home.open()
    batch = make_batch(
        producer_id=1,
        producer_epoch=0,
        base_sequence=0,
        is_transactional=True,
        is_control=True,
    )
    assert RecordBatchView(batch).is_control
    with pytest.raises(KafkaError) as error:
        log.append_as_leader(batch, leader_epoch=0, now_ms=NOW_MS)
    assert error.value.error_code is ErrorCode.invalid_record
