"""The transaction machine's stories, one promise each.

The cases are those of TransactionCoordinatorTest and TransactionMetadataTest in apache/kafka.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from kio.schema.errors import ErrorCode

from flowlog.broker.transactions.config import DAY_MS, TransactionConfig
from flowlog.broker.transactions.initializing import request_error
from flowlog.broker.transactions.producer_ids import NoProducerIdError
from flowlog.broker.transactions.requests import Ended, Initialize, Initialized
from flowlog.broker.transactions.states import TransactionState
from flowlog.broker.transactions.transaction import (
    EPOCH_MAX,
    LAST_USABLE_EPOCH,
    Producer,
    Transaction,
)
from flowlog.testing.clock import EPOCH_MS

from .world import NAME, TIMEOUT_MS, World

A, B = ("a", 0), ("b", 3)
AGAIN = ErrorCode.concurrent_transactions


def seeded(epoch: int, *, server_version: int = 2, producer_id: int = 7) -> World:
    """A transactional id whose producer has that epoch and no transaction."""
    world = World(server_version)
    world.seed(
        Transaction(
            producer_id,
            epoch,
            TIMEOUT_MS,
            TransactionState.EMPTY,
            EPOCH_MS,
            previous_producer_id=-1,
        )
    )
    return world


# Starting.


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


# Epochs.


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


# Partitions.


def test_partitions_are_added_all_or_none_and_twice_is_as_once() -> None:
    world = World()
    producer = world.started()
    assert world.add(producer, A) is ErrorCode.none
    written = len(world.log)
    assert world.add(producer, A) is ErrorCode.none
    assert len(world.log) == written
    assert world.add(producer, A, B) is ErrorCode.none
    assert world.transaction.partitions == {A, B}


@pytest.mark.parametrize(
    ("change", "error"),
    [
        pytest.param({"epoch": 5}, ErrorCode.producer_fenced, id="a newer epoch"),
        pytest.param({"producer_id": 5}, ErrorCode.invalid_producer_id_mapping, id="another id"),
    ],
)
@pytest.mark.parametrize("is_ending", [False, True])
def test_who_is_not_the_producer_adds_nothing(
    change: dict[str, int], error: ErrorCode, is_ending: bool
) -> None:
    world = World()
    producer = world.started()
    world.add(producer, A)
    if is_ending:
        producer = Producer(*world.end(producer)[1:])
    other = producer._replace(**change)
    assert world.add(other, B) is error
    assert world.verify(other, B) == {B: error}
    assert world.end(other).error is error


def test_while_a_transaction_ends_its_producer_has_to_wait() -> None:
    world = World()
    producer = world.started()
    world.add(producer, A)
    after = Producer(*world.end(producer)[1:])
    assert world.add(after, B) is AGAIN
    assert world.verify(after, A) == {A: AGAIN}
    assert world.initialize().error is AGAIN
    world.tell_all()
    assert world.add(after, B) is ErrorCode.none


def test_only_what_was_added_is_verified() -> None:
    world = World()
    producer = world.started()
    world.add(producer, A)
    assert world.verify(producer, A, B) == {
        A: ErrorCode.none,
        B: ErrorCode.transaction_abortable,
    }
    world.ended(producer)


def test_an_unknown_transactional_id_has_no_producer() -> None:
    world = World()
    assert world.add(Producer(1, 0), A) is ErrorCode.invalid_producer_id_mapping
    assert world.end(Producer(1, 0)).error is ErrorCode.invalid_producer_id_mapping
    assert world.verify(Producer(1, 0), A) == {A: ErrorCode.invalid_producer_id_mapping}


# Ends.


@pytest.mark.parametrize("commit", [True, False])
@pytest.mark.parametrize("version", [0, 2])
def test_an_end_is_told_to_each_partition_once_and_can_be_asked_for_again(
    commit: bool, version: int
) -> None:
    world = World()
    producer = world.started()
    world.add(producer, A, B, version=version)
    after = world.ended(producer, commit=commit, version=version)
    assert after.epoch == producer.epoch + (version == 2)
    for key in (A, B):
        (marker,) = world.partition(key).markers
        assert (marker.is_commit, marker.producer_epoch) == (commit, after.epoch)
        assert marker.transaction_version == version
    assert world.state == ("CompleteCommit" if commit else "CompleteAbort")
    answer = world.end(producer, commit=commit, version=version)
    assert answer.error is ErrorCode.none
    assert answer[1:] == (after if version == 2 else (-1, -1))
    other = world.end(producer, commit=not commit, version=version)
    assert other.error is ErrorCode.invalid_txn_state
    assert not world.endings


@pytest.mark.parametrize("version", [0, 2])
def test_while_it_ends_the_other_end_is_no_valid_one(version: int) -> None:
    world = World()
    producer = world.started()
    world.add(producer, A, version=version)
    world.end(producer, version=version)
    assert world.end(producer, version=version).error is AGAIN
    other = world.end(producer, commit=False, version=version)
    assert other.error is ErrorCode.invalid_txn_state


TABLE = {  # of KIP-890: state, asked by a retry or by the current epoch, for a commit or an abort
    ("Empty", "retry", True): ErrorCode.producer_fenced,
    ("Empty", "retry", False): ErrorCode.producer_fenced,
    ("Empty", "current", True): ErrorCode.invalid_txn_state,
    ("Empty", "current", False): ErrorCode.none,
    ("CompleteAbort", "retry", True): ErrorCode.invalid_txn_state,
    ("CompleteAbort", "retry", False): ErrorCode.none,
    ("CompleteAbort", "current", True): ErrorCode.invalid_txn_state,
    ("CompleteAbort", "current", False): ErrorCode.none,
    ("CompleteCommit", "retry", True): ErrorCode.none,
    ("CompleteCommit", "retry", False): ErrorCode.invalid_txn_state,
    ("CompleteCommit", "current", True): ErrorCode.invalid_txn_state,
    ("CompleteCommit", "current", False): ErrorCode.none,
}


@pytest.mark.parametrize(("state", "who", "commit"), TABLE)
def test_ends_without_a_transaction_in_transaction_version_2(
    state: str, who: str, commit: bool
) -> None:
    world = World()
    old = world.started()
    if state == "Empty":
        current = world.started()
    else:
        world.add(old, A)
        current = world.ended(old, commit=state == "CompleteCommit")
    assert world.state == state
    answer = world.end(old if who == "retry" else current, commit=commit)
    assert answer.error is TABLE[state, who, commit]
    if who == "current" and not commit:
        assert answer.producer_epoch == current.epoch + 1, "nothing sent before can come after"
        world.tell_all()
        assert world.state == "CompleteAbort"


def test_an_older_client_ends_nothing_where_nothing_began() -> None:
    world = World()
    producer = world.started()
    for commit in (True, False):
        answer = world.end(producer, commit=commit, version=0)
        assert answer.error is ErrorCode.invalid_txn_state


def test_a_fenced_client_is_not_taken_for_one_that_ends_again() -> None:
    """The producer after it is an older client, and keeps its epoch as it commits."""
    world = World()
    fenced = world.started()
    current = world.started()
    world.add(current, A, version=0)
    world.ended(current, version=0)
    assert world.end(fenced, version=2).error is ErrorCode.producer_fenced


# Time.


@pytest.mark.parametrize("server_version", [1, 2])
def test_a_transaction_is_aborted_when_its_time_is_over(server_version: int) -> None:
    world = World(server_version)
    producer = world.started()
    world.add(producer, A, version=0)
    world.tick(TIMEOUT_MS - 1)
    assert world.state == "Ongoing"
    world.add(producer, B, version=0)
    world.tick(1)
    assert world.state == "PrepareAbort"
    world.tell_all()
    assert world.transaction.producer_epoch == producer.epoch + 1
    assert world.end(producer, version=0).error is ErrorCode.producer_fenced


def test_a_client_of_version_2_whose_time_was_over_learns_its_epoch_by_aborting() -> None:
    world = World()
    producer = world.started()
    world.add(producer, A)
    world.tick(TIMEOUT_MS)
    world.tell_all()
    assert world.end(producer, commit=True).error is ErrorCode.invalid_txn_state
    assert world.end(producer, commit=False) == Ended(ErrorCode.none, *world.transaction.producer)


def test_time_runs_on_across_coordinators() -> None:
    world = World()
    world.add(world.started(), A)
    world.tick(TIMEOUT_MS - 10)
    world.crash()
    world.tick(9)
    assert world.state == "Ongoing"
    world.tick(1)
    assert world.state == "PrepareAbort"


def test_an_abort_that_cannot_be_written_is_tried_again() -> None:
    world = World()
    world.add(world.started(), A)
    world.write_error = ErrorCode.not_enough_replicas
    world.tick(TIMEOUT_MS)
    assert world.state == "Ongoing"
    world.tick(1_000)
    assert world.state == "PrepareAbort"


def test_a_write_that_fails_changes_nothing() -> None:
    world = World()
    producer = world.started()
    world.add(producer, A)
    before = world.transaction
    world.write_error = ErrorCode.not_enough_replicas
    assert world.end(producer) is ErrorCode.not_enough_replicas
    assert world.transaction == before
    assert not world.endings


def test_ids_that_nobody_used_for_long_are_forgotten_unless_a_transaction_is_open() -> None:
    config = TransactionConfig(max_timeout_ms=24 * DAY_MS)
    world = World(config=config)
    producer = world.started()
    world.initialize(transactional_id="open", timeout_ms=24 * DAY_MS)
    transaction = world.shard.transactions["open"]
    world.seed(
        replace(
            transaction,
            state=TransactionState.ONGOING,
            started_ms=EPOCH_MS,
            partitions=frozenset({A}),
        ),
        "open",
    )
    world.tick(7 * DAY_MS - 3_600_000)
    assert NAME in world.shard.transactions
    world.tick(2 * 3_600_000)
    assert set(world.shard.transactions) == {"open"}
    assert set(world.replayed().transactions) == {"open"}
    assert world.add(producer, A) is ErrorCode.invalid_producer_id_mapping
    assert world.initialize().producer_id != producer.producer_id


# Crashes.


@pytest.mark.parametrize("told", [[], [A], [A, B]], ids=["none", "one", "all"])
@pytest.mark.parametrize("commit", [True, False])
def test_a_new_coordinator_finishes_what_was_decided(told: list[Any], commit: bool) -> None:
    world = World()
    producer = world.started()
    world.add(producer, A, B)
    world.end(producer, commit=commit)
    for key in told[:1]:
        world.tell(NAME, [key])
    if told == [A, B]:
        world.write_error = ErrorCode.not_enough_replicas
        world.tell(NAME, [B])
    world.crash()
    world.tell_all()
    assert {m.is_commit for key in (A, B) for m in world.partition(key).markers} == {commit}
    assert world.state == ("CompleteCommit" if commit else "CompleteAbort")


def test_an_outcome_that_was_not_committed_was_never_one() -> None:
    world = World()
    producer = world.started()
    world.add(producer, A)
    world.hold_commits = True
    assert world.end(producer) is None, "nobody is told"
    assert not world.endings, "no partition is told"
    world.crash(kept=0.0)
    world.hold_commits = False
    assert world.state == "Ongoing"
    assert world.ended(producer, commit=False).epoch == producer.epoch + 1
