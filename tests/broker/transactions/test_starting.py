"""A producer takes over its transactional id, and its epochs.

The cases are those of TransactionCoordinatorTest and TransactionMetadataTest in apache/kafka.
"""

from __future__ import annotations

import pytest
from kio.schema.errors import ErrorCode

from flowlog.broker.transactions.config import TransactionConfig
from flowlog.broker.transactions.initializing import request_error
from flowlog.broker.transactions.producer_ids import NoProducerIdError
from flowlog.broker.transactions.requests import Ended, Initialize, Initialized
from flowlog.broker.transactions.transaction import (
    EPOCH_MAX,
    LAST_USABLE_EPOCH,
    Producer,
)

from .world import TIMEOUT_MS, World, seeded

A, B = ("a", 0), ("b", 3)
AGAIN = ErrorCode.concurrent_transactions


def test_a_new_transactional_id_gets_a_new_producer_id_and_epoch_0() -> None:
    world = World()
    assert world.initialize() == Initialized(ErrorCode.none, 1000, 0)
    assert world.state == "Empty"


def test_each_start_raises_the_epoch_and_fences_the_one_before() -> None:
    world = World()
    old = world.started()
    new = world.started()
    assert new == Producer(old.producer_id, old.epoch + 1)
    assert world.add(old, A) is ErrorCode.producer_fenced
    assert world.end(old).error is ErrorCode.producer_fenced
    assert world.initialize(old).error is ErrorCode.producer_fenced
    assert world.add(new, A) is ErrorCode.none


@pytest.mark.parametrize(
    ("request_", "error"),
    [
        pytest.param(Initialize("", 1_000), ErrorCode.invalid_request, id="no name"),
        pytest.param(Initialize("t", 0), ErrorCode.invalid_transaction_timeout, id="no time"),
        pytest.param(
            Initialize("t", 900_001), ErrorCode.invalid_transaction_timeout, id="too much time"
        ),
        pytest.param(
            Initialize("t", 1_000, is_two_phase=True),
            ErrorCode.transactional_id_authorization_failed,
            id="two-phase commit",
        ),
        pytest.param(
            Initialize("t", 1_000, keeps_prepared=True),
            ErrorCode.unsupported_version,
            id="prepared transactions",
        ),
        pytest.param(Initialize("t", 900_000), ErrorCode.none, id="as much time as there is"),
    ],
)
def test_a_start_that_cannot_be_is_refused(request_: Initialize, error: ErrorCode) -> None:
    assert request_error(request_, TransactionConfig()) is error


def test_a_producer_that_goes_on_gets_the_next_epoch_and_may_ask_twice() -> None:
    world = World()
    first = world.started()
    second = Initialized(ErrorCode.none, first.producer_id, first.epoch + 1)
    assert world.initialize(first) == second
    assert world.initialize(first) == second, "its answer was lost"
    assert world.initialize(Producer(first.producer_id, first.epoch + 1)).producer_epoch == 2
    assert world.initialize(first).error is ErrorCode.producer_fenced


def test_who_asks_twice_across_a_new_coordinator_is_fenced() -> None:
    world = World()
    first = world.started()
    world.initialize(first)
    world.crash()
    assert world.initialize(first).error is ErrorCode.producer_fenced


def test_another_producer_id_is_fenced() -> None:
    world = World()
    world.started()
    assert world.initialize(Producer(4, 0)).error is ErrorCode.producer_fenced


def test_a_start_aborts_what_is_ongoing_and_asks_to_come_again() -> None:
    world = World()
    old = world.started()
    world.add(old, A, B)
    assert world.initialize().error is AGAIN
    assert world.state == "PrepareAbort"
    assert world.initialize().error is AGAIN
    world.tell_all()
    assert world.state == "CompleteAbort"
    assert [m.is_commit for m in world.partition(B).markers] == [False]
    answer = world.initialize()
    assert (answer.error, answer.producer_epoch) == (ErrorCode.none, old.epoch + 2)


@pytest.mark.parametrize("goes_on", [False, True], ids=["new", "going on"])
def test_used_up_epochs_bring_a_new_producer_id(goes_on: bool) -> None:
    world = seeded(LAST_USABLE_EPOCH)
    old = Producer(7, LAST_USABLE_EPOCH)
    expected = old if goes_on else None
    assert world.initialize(expected) == Initialized(ErrorCode.none, 1000, 0)
    retried = world.initialize(old)
    if goes_on:
        assert retried == Initialized(ErrorCode.none, 1000, 0), "its answer was lost"
    else:
        assert retried.error is ErrorCode.producer_fenced
    stale = Producer(7, LAST_USABLE_EPOCH - 1)
    assert world.initialize(stale).error is ErrorCode.producer_fenced


def test_no_client_is_given_the_last_epoch() -> None:
    world = seeded(LAST_USABLE_EPOCH - 1)
    assert world.started() == Producer(7, LAST_USABLE_EPOCH)
    assert world.started() == Producer(1000, 0)


@pytest.mark.parametrize("server_version", [1, 2])
def test_the_last_epoch_is_kept_for_fencing(server_version: int) -> None:
    world = seeded(LAST_USABLE_EPOCH, server_version=server_version)
    old = Producer(7, LAST_USABLE_EPOCH)
    world.add(old, A, version=0)
    assert world.initialize().error is AGAIN
    world.tell_all()
    assert world.partition(A).markers[-1].producer_epoch == EPOCH_MAX
    answer = world.initialize()
    assert answer.error is ErrorCode.none
    assert answer.producer_id >= 1000


def test_an_end_that_uses_up_the_epochs_answers_with_the_new_producer_at_once_and_again() -> None:
    world = seeded(LAST_USABLE_EPOCH)
    old = Producer(7, LAST_USABLE_EPOCH)
    world.add(old, A)
    assert world.end(old) == Ended(ErrorCode.none, 1000, 0)
    new = Producer(1000, 0)
    assert world.add(new, A) is AGAIN, "its markers are not written yet"
    assert world.end(new, commit=False).error is AGAIN
    assert world.end(old).error is AGAIN
    assert world.end(Producer(7, EPOCH_MAX)).error is ErrorCode.producer_fenced
    assert world.add(Producer(7, EPOCH_MAX), A) is AGAIN
    world.crash()
    world.tell_all()
    assert world.end(old) == Ended(ErrorCode.none, 1000, 0), "its answer was lost"
    assert world.end(old, commit=False).error is ErrorCode.invalid_txn_state
    assert world.add(new, A) is ErrorCode.none
    assert world.end(old).error is ErrorCode.invalid_producer_id_mapping


def test_without_producer_ids_nothing_changes() -> None:
    world = seeded(LAST_USABLE_EPOCH)
    old = Producer(7, LAST_USABLE_EPOCH)
    world.add(old, A)
    world.ids.is_empty = True
    before = world.transaction
    with pytest.raises(NoProducerIdError):
        world.end(old)
    with pytest.raises(NoProducerIdError):
        world.initialize()
    world.tick(3 * TIMEOUT_MS)
    assert world.transaction == before
    world.ids.is_empty = False
    world.tick(1_000)
    assert world.state == "PrepareAbort"
