"""What a partition calls committed, and whom it wakes."""

from __future__ import annotations

import anyio
import pytest
from kio.schema.errors import ErrorCode

from flowlog.broker.replication.fetch_waiter import FetchWaiter
from flowlog.broker.replication.partition import READ_COMMITTED
from flowlog.broker.storage.config import LogConfig
from flowlog.broker.storage.log_dir import LogDirectory
from flowlog.errors import KafkaError
from flowlog.records.batch import RecordBatchView
from flowlog.records.builder import build_batch
from flowlog.records.control import ControlType, EndTransactionMarker, read_end_marker
from flowlog.records.record import Record

from .world import NOW_MS, TransactionalWriter, partition_of

pytestmark = pytest.mark.anyio


def batch(count: int = 1) -> bytes:
    return build_batch([Record(key=None, value=b"v", timestamp_ms=NOW_MS)] * count)


def test_with_one_copy_a_record_is_committed_once_the_log_has_it(directory: LogDirectory) -> None:
    partition = partition_of(directory, LogConfig())
    result = partition.append(batch(3), now_ms=NOW_MS)
    assert partition.is_committed(result.last_offset + 1)
    assert partition.readable_end(READ_COMMITTED) == 3


async def test_with_a_flush_before_each_answer_nobody_reads_or_hears_before_the_disk(
    directory: LogDirectory,
) -> None:
    partition = partition_of(directory, LogConfig(flush_messages=1))
    partition.append(batch(), now_ms=NOW_MS)
    assert not partition.is_committed(1)
    assert partition.high_watermark == 0
    await partition.wait_committed(1)
    assert partition.log.recovery_point == 1
    assert partition.high_watermark == 1


async def test_a_waiting_fetch_wakes_when_enough_bytes_have_come_and_not_before(
    directory: LogDirectory,
) -> None:
    partition = partition_of(directory, LogConfig())
    waiter = FetchWaiter(2 * len(batch()))
    partition.watch(waiter)
    partition.append(batch(), now_ms=NOW_MS)
    assert not waiter.is_awake
    partition.append(batch(), now_ms=NOW_MS)
    assert waiter.is_awake
    with anyio.fail_after(1):
        await waiter.wait(timeout_ms=60_000)


def test_a_fetch_waiting_on_a_deleted_partition_wakes_at_once(directory: LogDirectory) -> None:
    partition = partition_of(directory, LogConfig())
    waiter = FetchWaiter(10**6)
    partition.watch(waiter)
    partition.wake_all()
    assert waiter.is_awake


@pytest.mark.parametrize(
    ("epoch", "error"),
    [(2, ErrorCode.fenced_leader_epoch), (4, ErrorCode.unknown_leader_epoch)],
    ids=["an older view", "a newer view"],
)
def test_a_client_with_another_view_of_the_leader_is_told(
    directory: LogDirectory, epoch: int, error: ErrorCode
) -> None:
    partition = partition_of(directory, LogConfig())
    partition.check_leader_epoch(3)
    partition.check_leader_epoch(-1)
    with pytest.raises(KafkaError) as caught:
        partition.check_leader_epoch(epoch)
    assert caught.value.error_code is error


def test_an_epoch_ends_where_the_next_one_begins(directory: LogDirectory) -> None:
    partition = partition_of(directory, LogConfig())
    partition.append(batch(2), now_ms=NOW_MS)
    partition.leader_epoch = 5
    partition.append(batch(1), now_ms=NOW_MS)
    assert partition.end_offset_for(3) == (3, 2)
    assert partition.end_offset_for(4) == (3, 2)
    assert partition.end_offset_for(5) == (5, 3)
    assert partition.end_offset_for(9) == (-1, -1)


def test_a_coordinators_marker_is_one_control_record_and_may_be_fenced(
    directory: LogDirectory,
) -> None:
    partition = partition_of(directory, LogConfig())

    def end(epoch: int, coordinator_epoch: int = 5) -> int:
        return partition.append_marker(
            producer_id=9,
            producer_epoch=epoch,
            committed=False,
            coordinator_epoch=coordinator_epoch,
            transaction_version=1,
            now_ms=NOW_MS,
        )

    assert end(epoch=4) == 1
    assert partition.is_committed(1)
    view = RecordBatchView(partition.log.read(0, max_bytes=1000))
    assert (view.producer_id, view.producer_epoch, view.leader_epoch) == (9, 4, 3)
    assert (view.is_control, view.is_transactional) == (True, True)
    assert read_end_marker(view) == EndTransactionMarker(ControlType.ABORT, 5)
    with pytest.raises(KafkaError) as caught:
        end(epoch=3)
    assert caught.value.error_code is ErrorCode.invalid_producer_epoch
    with pytest.raises(KafkaError) as caught:
        end(epoch=4, coordinator_epoch=4)
    assert caught.value.error_code is ErrorCode.transaction_coordinator_fenced
    assert partition.log.log_end_offset == 1


def test_readers_of_committed_records_wait_for_the_marker_and_others_do_not(
    directory: LogDirectory,
) -> None:
    partition = partition_of(directory, LogConfig())
    committed, uncommitted = FetchWaiter(1, reads_committed=True), FetchWaiter(1)
    for waiter in (committed, uncommitted):
        partition.watch(waiter)
    writer = TransactionalWriter(producer_id=9)
    partition.append(writer.batch(0), now_ms=NOW_MS)
    partition.append(batch(), now_ms=NOW_MS)
    assert (uncommitted.is_awake, committed.is_awake) == (True, False)
    assert (partition.high_watermark, partition.last_stable_offset) == (2, 0)
    writer.end(partition, committed=True)
    assert committed.is_awake
    assert partition.last_stable_offset == 3


def test_a_marker_of_one_transaction_wakes_nobody_while_an_older_one_is_open(
    directory: LogDirectory,
) -> None:
    partition = partition_of(directory, LogConfig())
    waiter = FetchWaiter(1, reads_committed=True)
    older, newer = TransactionalWriter(producer_id=8), TransactionalWriter(producer_id=9)
    partition.append(older.batch(0), now_ms=NOW_MS)
    partition.append(newer.batch(0), now_ms=NOW_MS)
    partition.watch(waiter)
    newer.end(partition, committed=True)
    assert not waiter.is_awake
    older.end(partition, committed=False)
    assert waiter.is_awake


async def test_a_marker_counts_when_the_disk_has_it(directory: LogDirectory) -> None:
    partition = partition_of(directory, LogConfig(flush_messages=1))
    writer = TransactionalWriter(producer_id=9)
    partition.append(writer.batch(0), now_ms=NOW_MS)
    await partition.wait_committed(1)
    end_offset = writer.end(partition, committed=True)
    assert partition.last_stable_offset == 0
    await partition.wait_committed(end_offset)
    assert partition.last_stable_offset == end_offset


def test_records_that_are_read_come_with_what_was_aborted_of_them(directory: LogDirectory) -> None:
    partition = partition_of(directory, LogConfig())
    for producer_id in (8, 9):
        writer = TransactionalWriter(producer_id)
        partition.append(writer.batch(0), now_ms=NOW_MS)
        writer.end(partition, committed=False)
    one_batch = partition.log.read(0, max_bytes=1)
    assert partition.aborted_transactions(0, one_batch) == [(8, 0)]
    assert partition.aborted_transactions(0, b"") == []
    everything = partition.log.read(1, max_bytes=10_000)
    assert partition.aborted_transactions(1, everything) == [(8, 0), (9, 2)]
    assert partition.aborted_transactions(2, partition.log.read(2, max_bytes=1)) == [(9, 2)]
