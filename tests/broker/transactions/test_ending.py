"""Partitions are added, and a transaction ends.

The cases are those of TransactionCoordinatorTest and TransactionMetadataTest in apache/kafka.
"""

from __future__ import annotations

import pytest
from kio.schema.errors import ErrorCode

from flowlog.broker.transactions.transaction import (
    Producer,
)

from .world import World

A, B = ("a", 0), ("b", 3)
AGAIN = ErrorCode.concurrent_transactions


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
