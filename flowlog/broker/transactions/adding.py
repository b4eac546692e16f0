"""Partitions of a transaction: adding them, and asking whether they were added.

Source: `TransactionCoordinator.handleAddPartitionsToTransaction` and
`handleVerifyPartitionsInTransaction` in apache/kafka; KIP-890.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from kio.schema.errors import ErrorCode

from .requests import AddPartitions
from .states import TransactionState
from .transaction import Producer, TopicPartition, Transaction


def add_partitions(
    transaction: Transaction | None, request: AddPartitions, *, now_ms: int
) -> Transaction | ErrorCode:
    """The transaction with the partitions, or an error; `none` if it has them all.

    The first ones begin it.
    """
    if not request.transactional_id:
        return ErrorCode.invalid_request
    if transaction is None:
        return ErrorCode.invalid_producer_id_mapping
    error = _present_error(transaction, request.producer)
    if error is not ErrorCode.none:
        return error
    is_ongoing = transaction.state is TransactionState.ONGOING
    if is_ongoing and request.partitions <= transaction.partitions:
        return ErrorCode.none
    return transaction.become(
        TransactionState.ONGOING,
        now_ms,
        started_ms=transaction.started_ms if is_ongoing else now_ms,
        partitions=transaction.partitions | request.partitions,
        client_version=request.client_version,
    )


def verify(
    transaction: Transaction | None, producer: Producer, partitions: Collection[TopicPartition]
) -> Mapping[TopicPartition, ErrorCode]:
    """Whether each partition is part of the producer's ongoing transaction."""
    error = ErrorCode.none
    if transaction is None:
        error = ErrorCode.invalid_producer_id_mapping
    else:
        error = _present_error(transaction, producer)
    if transaction is None or error is not ErrorCode.none:
        return dict.fromkeys(partitions, error)
    return {
        partition: ErrorCode.none
        if partition in transaction.partitions
        else ErrorCode.transaction_abortable
        for partition in partitions
    }


def _present_error(transaction: Transaction, producer: Producer) -> ErrorCode:
    """Whether the producer may write now; while a transaction ends, who comes after it may not."""
    error = producer_error(transaction, producer)
    if not transaction.state.is_ending:
        return error
    may_soon = error is ErrorCode.none or producer == transaction.producer_after
    return ErrorCode.concurrent_transactions if may_soon else error


def producer_error(transaction: Transaction, producer: Producer) -> ErrorCode:
    """Whether the producer is the one that has the transactional id."""
    if producer.producer_id != transaction.producer_id:
        return ErrorCode.invalid_producer_id_mapping
    if producer.epoch != transaction.producer_epoch:
        return ErrorCode.producer_fenced
    return ErrorCode.none
