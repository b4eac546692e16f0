"""InitProducerId: a producer takes over its transactional id, and fences whoever had it.

Source: `TransactionCoordinator.prepareInitProducerIdTransit` in apache/kafka; KIP-360.
"""

from __future__ import annotations

from kio.schema.errors import ErrorCode

from .config import TransactionConfig
from .ending import fence
from .producer_ids import ProducerIdSource, take_id
from .requests import Initialize
from .states import TransactionState
from .transaction import (
    LAST_USABLE_EPOCH,
    NEVER_MS,
    NO_EPOCH,
    Producer,
    Transaction,
)


def request_error(request: Initialize, config: TransactionConfig) -> ErrorCode:
    """What is wrong with the request, whatever the state is.

    Two-phase commit (KIP-939) is refused as Kafka does where it is not enabled.
    """
    if not request.transactional_id:
        return ErrorCode.invalid_request
    if request.is_two_phase:
        return ErrorCode.transactional_id_authorization_failed
    if request.keeps_prepared:
        return ErrorCode.unsupported_version
    if not 0 < request.timeout_ms <= config.max_timeout_ms:
        return ErrorCode.invalid_transaction_timeout
    return ErrorCode.none


def initialize(
    transaction: Transaction | None,
    request: Initialize,
    *,
    now_ms: int,
    producer_ids: ProducerIdSource,
    server_version: int,
) -> Transaction | ErrorCode:
    """The transaction as it is to be written, or the error.

    One that comes out in `PREPARE_ABORT` was found ongoing: it is aborted under an epoch that
    nobody is given, and the client has to ask again (CONCURRENT_TRANSACTIONS).

    Raises:
        NoProducerIdError: a new producer id is needed.
    """
    if transaction is None:
        return _first(request, take_id(producer_ids), now_ms)
    if transaction.state.is_ending:
        return ErrorCode.concurrent_transactions
    expected = request.expected
    if expected is not None and not _is_known(transaction, expected):
        return ErrorCode.producer_fenced
    if transaction.state is TransactionState.ONGOING:
        return fence(
            transaction, now_ms=now_ms, producer_ids=producer_ids, server_version=server_version
        )
    if _is_retry(transaction, expected):
        return _renewed(transaction, request, now_ms)
    if expected is not None and expected.epoch != transaction.producer_epoch:
        return ErrorCode.producer_fenced
    if transaction.has_used_up_its_epochs:
        return _renewed(
            transaction,
            request,
            now_ms,
            Producer(take_id(producer_ids), 0),
            last_producer_epoch=transaction.producer_epoch if expected is not None else NO_EPOCH,
        )
    return _renewed(
        transaction,
        request,
        now_ms,
        Producer(transaction.producer_id, transaction.producer_epoch + 1),
        last_producer_epoch=transaction.producer_epoch if expected is not None else NO_EPOCH,
    )


def _first(request: Initialize, producer_id: int, now_ms: int) -> Transaction:
    """A transactional id that nobody knew. A producer that brings an old id gets a new one too:
    its own has expired."""
    return Transaction(
        producer_id,
        producer_epoch=0,
        timeout_ms=request.timeout_ms,
        state=TransactionState.EMPTY,
        updated_ms=now_ms,
        previous_producer_id=producer_id,
    )


def _is_known(transaction: Transaction, expected: Producer) -> bool:
    """Whether the producer has, or just had, the transactional id; its epoch is seen to later."""
    return expected.producer_id == transaction.producer_id or (
        expected.producer_id == transaction.previous_producer_id
        and expected.epoch >= LAST_USABLE_EPOCH
    )


def _is_retry(transaction: Transaction, expected: Producer | None) -> bool:
    """Whether the producer asks again for what it was given: its epoch is the last but one."""
    return (
        expected is not None
        and expected.epoch != transaction.producer_epoch
        and expected.epoch == transaction.last_producer_epoch
    )


def _renewed(
    transaction: Transaction,
    request: Initialize,
    now_ms: int,
    producer: Producer | None = None,
    *,
    last_producer_epoch: int | None = None,
) -> Transaction:
    """The transactional id with that producer, or with the one it has."""
    given = producer or transaction.producer
    return transaction.become(
        TransactionState.EMPTY,
        now_ms,
        producer_id=given.producer_id,
        producer_epoch=given.epoch,
        last_producer_epoch=transaction.last_producer_epoch
        if last_producer_epoch is None
        else last_producer_epoch,
        timeout_ms=request.timeout_ms,
        started_ms=NEVER_MS,
        partitions=frozenset(),
    )
