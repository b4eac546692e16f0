"""Timeouts, forgotten ids, and coordinators that come after others.

The cases are those of TransactionCoordinatorTest and TransactionMetadataTest in apache/kafka.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from kio.schema.errors import ErrorCode

from flowlog.broker.transactions.config import DAY_MS, TransactionConfig
from flowlog.broker.transactions.requests import Ended
from flowlog.broker.transactions.states import TransactionState
from flowlog.testing.clock import EPOCH_MS

from .world import NAME, TIMEOUT_MS, World

A, B = ("a", 0), ("b", 3)
AGAIN = ErrorCode.concurrent_transactions


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
