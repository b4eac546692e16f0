"""Bugs that the state machine has to find: each function plants one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import pytest
from kio.schema.errors import ErrorCode

from flowlog.broker.transactions import adding, ending, initializing, records, shard
from flowlog.broker.transactions.shard import TransactionShard
from flowlog.broker.transactions.states import TransactionState
from flowlog.broker.transactions.transaction import NO_PRODUCER_ID, Transaction

Plant = Callable[[pytest.MonkeyPatch], None]


def fencing_keeps_the_epoch(patch: pytest.MonkeyPatch) -> None:
    right = ending.fence

    def fence(transaction: Transaction, **more: Any) -> Transaction:
        fenced = right(transaction, **more)
        return replace(
            fenced, producer_epoch=transaction.producer_epoch, next_producer_id=NO_PRODUCER_ID
        )

    patch.setattr(initializing, "fence", fence)
    patch.setattr(shard, "fence", fence)


def a_new_producer_forgets_the_ongoing_transaction(patch: pytest.MonkeyPatch) -> None:
    right = initializing.initialize

    def initialize(transaction: Transaction | None, *request: Any, **more: Any) -> Any:
        if transaction is not None and transaction.state is TransactionState.ONGOING:
            state = TransactionState.EMPTY
            transaction = replace(transaction, state=state, partitions=frozenset())
        return right(transaction, *request, **more)

    patch.setattr(shard, "initialize", initialize)


def any_epoch_may_add_partitions(patch: pytest.MonkeyPatch) -> None:
    right = adding.producer_error

    def producer_error(transaction: Transaction, producer: Any) -> ErrorCode:
        return right(transaction, producer._replace(epoch=transaction.producer_epoch))

    patch.setattr(adding, "producer_error", producer_error)


def adding_a_partition_drops_the_others(patch: pytest.MonkeyPatch) -> None:
    right = adding.add_partitions

    def add_partitions(transaction: Any, request: Any, **more: Any) -> Any:
        decided = right(transaction, request, **more)
        if isinstance(decided, Transaction):
            return replace(decided, partitions=request.partitions)
        return decided

    patch.setattr(shard, "add_partitions", add_partitions)


def a_retry_is_told_what_it_wants(patch: pytest.MonkeyPatch) -> None:
    def answer(state: Any, *, is_commit: bool) -> ErrorCode:
        return ErrorCode.none

    patch.setattr(ending, "_answer_to_retry", answer)


def markers_leave_before_the_outcome_is_committed(patch: pytest.MonkeyPatch) -> None:
    right = TransactionShard._written

    def _written(self: Any, name: str, transaction: Transaction, *more: Any) -> Any:
        decision = right(self, name, transaction, *more)
        if transaction.state.is_ending:
            self.transactions[name] = transaction
            self._on_ended(name)
        return decision

    patch.setattr(TransactionShard, "_written", _written)


def a_new_coordinator_forgets_what_was_ending(patch: pytest.MonkeyPatch) -> None:
    right = TransactionShard.on_loaded

    def on_loaded(self: Any, now: Any) -> None:
        told, self._on_ended = self._on_ended, lambda name: None
        right(self, now)
        self._on_ended = told

    patch.setattr(TransactionShard, "on_loaded", on_loaded)


def a_new_coordinator_sets_no_timers(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(TransactionShard, "on_loaded", lambda self, now: self._schedule_expiration(now))


def an_abort_that_fails_is_not_tried_again(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(TransactionShard, "_take_back", lambda self, name, now: None)


def the_next_producer_id_is_not_stored(patch: pytest.MonkeyPatch) -> None:
    right = records._encode_tags

    def encode(transaction: Transaction) -> bytes:
        return right(replace(transaction, next_producer_id=NO_PRODUCER_ID))

    patch.setattr(records, "_encode_tags", encode)


def used_up_epochs_begin_again(patch: pytest.MonkeyPatch) -> None:
    right = ending.complete

    def complete(transaction: Transaction, **more: Any) -> Transaction:
        completed = right(transaction, **more)
        if completed.producer_id != transaction.producer_id:
            return replace(completed, producer_id=transaction.producer_id)
        return completed

    patch.setattr(shard, "complete", complete)


PLANTED_BUGS: Final[list[Plant]] = [
    a_new_producer_forgets_the_ongoing_transaction,
    any_epoch_may_add_partitions,
    markers_leave_before_the_outcome_is_committed,
    a_new_coordinator_sets_no_timers,
    an_abort_that_fails_is_not_tried_again,
]
RARE_BUGS: Final[list[Plant]] = [
    fencing_keeps_the_epoch,
    adding_a_partition_drops_the_others,
    a_retry_is_told_what_it_wants,
    a_new_coordinator_forgets_what_was_ending,
    the_next_producer_id_is_not_stored,
    used_up_epochs_begin_again,
]
"""They take some seconds to find."""
