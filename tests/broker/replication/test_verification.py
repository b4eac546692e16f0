"""Who may start a transaction in a partition: nobody whose transaction ended in the meantime."""

from __future__ import annotations

import pytest
from kio.schema.errors import ErrorCode

from flowlog.broker.replication.partition import Partition
from flowlog.broker.replication.verification import (
    ONGOING,
    VERIFICATIONS_MAX,
    Verification,
    Verifications,
)
from flowlog.broker.storage.config import LogConfig
from flowlog.broker.storage.log_dir import LogDirectory
from flowlog.errors import KafkaError
from flowlog.records.batch import RecordBatchView

from .world import NOW_MS, TransactionalWriter, partition_of

WRITER = TransactionalWriter(producer_id=9)


@pytest.fixture
def partition(directory: LogDirectory) -> Partition:
    return partition_of(directory, LogConfig())


def append(partition: Partition, batch: bytes, verification: Verification) -> ErrorCode:
    try:
        partition.append(batch, now_ms=NOW_MS, verification=verification)
    except KafkaError as error:
        return error.error_code
    return ErrorCode.none


def begin(partition: Partition, batch: bytes, *, is_implicit: bool = False) -> Verification:
    return partition.begin_verification(RecordBatchView(batch), is_implicit=is_implicit)


def test_the_first_batch_of_a_transaction_is_asked_about_and_those_that_follow_are_not(
    partition: Partition,
) -> None:
    verification = begin(partition, WRITER.batch(0))
    assert verification is not ONGOING
    assert append(partition, WRITER.batch(0), verification) is ErrorCode.none
    assert begin(partition, WRITER.batch(1)) is ONGOING
    assert begin(partition, WRITER.batch(1, epoch=1)) is not ONGOING, "another epoch's"


def test_a_batch_whose_transaction_ended_while_its_coordinator_was_asked_is_refused(
    partition: Partition,
) -> None:
    verification = begin(partition, WRITER.batch(0))
    WRITER.end(partition, committed=False)
    assert append(partition, WRITER.batch(0), verification) is ErrorCode.invalid_txn_state
    assert partition.last_stable_offset == partition.log.log_end_offset, "nothing hangs"


def test_a_batch_of_an_open_transaction_that_ends_before_it_is_appended_is_refused(
    partition: Partition,
) -> None:
    partition.append(WRITER.batch(0), now_ms=NOW_MS)
    verification = begin(partition, WRITER.batch(1))
    WRITER.end(partition, committed=True)
    assert append(partition, WRITER.batch(1), verification) is ErrorCode.invalid_txn_state
    assert begin(partition, WRITER.batch(1)) is not ONGOING


def test_two_batches_that_are_asked_about_at_once_are_both_appended(partition: Partition) -> None:
    batches = WRITER.batch(0), WRITER.batch(1)
    verifications = [begin(partition, batch) for batch in batches]
    for batch, verification in zip(batches, verifications, strict=True):
        assert append(partition, batch, verification) is ErrorCode.none


def test_a_later_batch_does_not_overtake_one_that_is_still_asked_about(
    partition: Partition,
) -> None:
    begin(partition, WRITER.batch(5))
    verification = begin(partition, WRITER.batch(6))
    code = append(partition, WRITER.batch(6), verification)
    assert code is ErrorCode.out_of_order_sequence_number
    assert append(partition, WRITER.batch(5), verification) is ErrorCode.none


def test_an_unknown_producer_of_implicit_transactions_starts_at_sequence_zero(
    partition: Partition,
) -> None:
    """It counts anew in each transaction; any other number says that an earlier batch is lost."""
    verification = begin(partition, WRITER.batch(5), is_implicit=True)
    code = append(partition, WRITER.batch(5), verification)
    assert code is ErrorCode.out_of_order_sequence_number


def test_producers_that_ask_and_never_write_do_not_pile_up() -> None:
    verifications = Verifications()
    for producer_id in range(2 * VERIFICATIONS_MAX):
        batch = TransactionalWriter(producer_id).batch(0)
        verifications.begin(RecordBatchView(batch), is_implicit=False)
    assert len(verifications) == VERIFICATIONS_MAX
