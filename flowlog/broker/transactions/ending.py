"""EndTxn, the coordinator's own aborts, and the end of the end.

A transaction ends in two steps. Its outcome is written down (Prepare...): from then on it is
certain, whoever crashes. Then each partition is told by a marker, and that this is done is
written down too (Complete...).

With transaction version 2 (KIP-890) the first step raises the producer's epoch, so that nothing
which was sent before the end can come after it. A retry of the client is then one epoch behind:

                      Abort              Commit
    state             retry   current    retry   current
    Empty             fenced  ends       fenced  INVALID_TXN_STATE
    CompleteAbort     none    ends       INVALID_TXN_STATE
    CompleteCommit    I.T.S.  ends       none    INVALID_TXN_STATE

Source: `TransactionCoordinator.endTransaction` in apache/kafka 4.3.
"""

from __future__ import annotations

from kio.schema.errors import ErrorCode

from .adding import producer_error
from .producer_ids import ProducerIdSource, take_id
from .requests import End
from .states import TransactionState
from .transaction import (
    EPOCH_BUMP_SINCE,
    EPOCH_MAX,
    LAST_USABLE_EPOCH,
    NO_EPOCH,
    NO_PRODUCER_ID,
    Producer,
    Transaction,
)

_S = TransactionState


def end(
    transaction: Transaction | None,
    request: End,
    *,
    now_ms: int,
    producer_ids: ProducerIdSource,
) -> Transaction | ErrorCode:
    """The transaction with its outcome, or an error; `none` for a retry of what is done.

    Raises:
        NoProducerIdError: the producer's epochs are used up, and it needs a new id.
    """
    if not request.transactional_id:
        return ErrorCode.invalid_request
    if transaction is None:
        return ErrorCode.invalid_producer_id_mapping
    if request.client_version < EPOCH_BUMP_SINCE:
        return _end_in_epoch(transaction, request, now_ms)
    return _end_epoch(transaction, request, now_ms, producer_ids)


def _end_in_epoch(transaction: Transaction, request: End, now_ms: int) -> Transaction | ErrorCode:
    """By clients that keep their epoch: what is asked twice is known by the state alone."""
    error = producer_error(transaction, request.producer)
    if error is not ErrorCode.none:
        return error
    state = transaction.state
    if state.is_ending:
        preparing = _S.PREPARE_COMMIT if request.is_commit else _S.PREPARE_ABORT
        is_retry = state is preparing
        return ErrorCode.concurrent_transactions if is_retry else ErrorCode.invalid_txn_state
    if state is not _S.ONGOING:
        done = _S.COMPLETE_COMMIT if request.is_commit else _S.COMPLETE_ABORT
        return ErrorCode.none if state is done else ErrorCode.invalid_txn_state
    return transaction.become(
        _S.PREPARE_COMMIT if request.is_commit else _S.PREPARE_ABORT,
        now_ms,
        next_producer_id=NO_PRODUCER_ID,
        client_version=0,
    )


def _end_epoch(
    transaction: Transaction, request: End, now_ms: int, producer_ids: ProducerIdSource
) -> Transaction | ErrorCode:
    """By clients of transaction version 2."""
    state = transaction.state
    producer = request.producer
    if state.is_ending and producer == transaction.producer_after:
        return ErrorCode.concurrent_transactions
    if _is_retry(transaction, producer):
        return _answer_to_retry(state, is_commit=request.is_commit)
    if producer.producer_id != transaction.producer_id:
        return ErrorCode.invalid_producer_id_mapping
    if producer.epoch != transaction.producer_epoch or state.is_ending:
        return ErrorCode.producer_fenced
    if request.is_commit and state is not _S.ONGOING:
        return ErrorCode.invalid_txn_state
    return _prepared(
        transaction,
        _S.PREPARE_COMMIT if request.is_commit else _S.PREPARE_ABORT,
        now_ms,
        producer_ids,
    )


def _is_retry(transaction: Transaction, producer: Producer) -> bool:
    """Whether the producer asks again for the end that has given it its next epoch, or a new id.

    Kafka does not look at what kind of end the last one was. One of an older client keeps its
    epoch: then who is an epoch behind is not the one that ended, but was fenced before.
    """
    if not transaction.bumps_epochs:
        return False
    if transaction.producer_epoch == 0:
        return producer == (transaction.previous_producer_id, LAST_USABLE_EPOCH)
    return producer == (transaction.producer_id, transaction.producer_epoch - 1)


def _answer_to_retry(state: TransactionState, *, is_commit: bool) -> ErrorCode:
    if state in (_S.EMPTY, _S.ONGOING):
        return ErrorCode.producer_fenced
    if state is (_S.PREPARE_COMMIT if is_commit else _S.PREPARE_ABORT):
        return ErrorCode.concurrent_transactions
    done = _S.COMPLETE_COMMIT if is_commit else _S.COMPLETE_ABORT
    return ErrorCode.none if state is done else ErrorCode.invalid_txn_state


def _prepared(
    transaction: Transaction,
    state: TransactionState,
    now_ms: int,
    producer_ids: ProducerIdSource,
) -> Transaction:
    """The outcome under the next epoch; used-up epochs bring a new producer id when it is done."""
    epoch = transaction.producer_epoch
    return transaction.become(
        state,
        now_ms,
        producer_epoch=min(epoch + 1, EPOCH_MAX),
        last_producer_epoch=epoch,
        next_producer_id=take_id(producer_ids)
        if transaction.has_used_up_its_epochs
        else NO_PRODUCER_ID,
        started_ms=transaction.started_ms if transaction.state is _S.ONGOING else now_ms,
        client_version=EPOCH_BUMP_SINCE,
    )


def fence(
    transaction: Transaction,
    *,
    now_ms: int,
    producer_ids: ProducerIdSource,
    server_version: int,
) -> Transaction:
    """The coordinator aborts an ongoing transaction: it took too long, or a new producer came.

    Raises:
        NoProducerIdError: the producer's epochs are used up, and it needs a new id.
    """
    assert transaction.state is _S.ONGOING, transaction
    if server_version >= EPOCH_BUMP_SINCE:
        return _prepared(transaction, _S.PREPARE_ABORT, now_ms, producer_ids)
    return transaction.become(
        _S.PREPARE_ABORT,
        now_ms,
        producer_epoch=min(transaction.producer_epoch + 1, EPOCH_MAX),
        last_producer_epoch=NO_EPOCH,
        next_producer_id=NO_PRODUCER_ID,
        client_version=0,
    )


def complete(transaction: Transaction, *, now_ms: int) -> Transaction:
    """Every partition has its marker."""
    assert transaction.state.is_ending, transaction
    is_commit = transaction.state is _S.PREPARE_COMMIT
    producer = transaction.producer_after
    return transaction.become(
        _S.COMPLETE_COMMIT if is_commit else _S.COMPLETE_ABORT,
        now_ms,
        producer_id=producer.producer_id,
        producer_epoch=producer.epoch,
        next_producer_id=NO_PRODUCER_ID,
        partitions=frozenset(),
    )
