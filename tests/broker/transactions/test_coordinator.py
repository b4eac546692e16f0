"""`TransactionCoordinator` with its runtime: what waits, what is tried again, and for how long."""

from __future__ import annotations

from collections.abc import Awaitable
from itertools import pairwise
from typing import Any

import anyio
import pytest
from kio.schema.errors import ErrorCode

from flowlog.broker.transactions.requests import Ended, Initialize, Initialized
from flowlog.broker.transactions.states import TransactionState
from flowlog.broker.transactions.transaction import (
    Producer,
)
from flowlog.broker.transactions.views import Filters
from flowlog.errors import KafkaError

from .coordinator_world import PRODUCER, TIMEOUT_MS, A, B, noted, running, used_up

pytestmark = pytest.mark.anyio


# Answers.


async def test_what_commits_at_once_is_answered_without_waiting_markers_and_all() -> None:
    async with running() as world:
        assert world.add(A, B) is ErrorCode.none
        assert world.end() == Ended(ErrorCode.none, 1000, 1)
        assert {key for key, _ in world.markers.written} == {A, B}
        assert world.state == "CompleteCommit"


@pytest.mark.parametrize("question", ["added again", "verified", "admitted", "admitted as added"])
async def test_no_answer_leaves_about_a_partition_whose_adding_is_not_committed(
    question: str,
) -> None:
    answers: list[Any] = []
    async with running() as world, anyio.create_task_group() as tasks:
        world.log.hold()
        tasks.start_soon(noted, world.add(A), [])
        await anyio.wait_all_tasks_blocked()
        answer = {
            "added again": lambda: world.add(A),
            "verified": lambda: world.coordinator.verify("t", PRODUCER, (A,)),
            "admitted": lambda: world.admit(A, is_implicit=False),
            "admitted as added": lambda: world.admit(A),
        }[question]()
        assert isinstance(answer, Awaitable)
        tasks.start_soon(noted, answer, answers)
        await anyio.wait_all_tasks_blocked()
        assert answers == []
        world.log.release()
        await anyio.wait_all_tasks_blocked()
        assert answers in ([ErrorCode.none], [{A: ErrorCode.none}])


@pytest.mark.parametrize("is_implicit", [True, False])
async def test_a_writer_is_not_admitted_to_what_ended_while_it_waited(is_implicit: bool) -> None:
    answers: list[Any] = []
    async with running() as world, anyio.create_task_group() as tasks:
        world.log.hold()
        tasks.start_soon(noted, world.add(A), [])
        tasks.start_soon(noted, world.admit(A, is_implicit=is_implicit), answers)
        await anyio.wait_all_tasks_blocked()
        tasks.start_soon(noted, world.end(), [])
        await anyio.wait_all_tasks_blocked()
        world.log.release()
        await anyio.sleep(1)
    assert answers[0][A] is not ErrorCode.none


async def test_a_fenced_writer_hears_of_its_epoch() -> None:
    async with running() as world:
        await world.start()
        assert await world.admit(A) == {A: ErrorCode.invalid_producer_epoch}
        assert await world.admit(A, is_implicit=False) == {A: ErrorCode.invalid_producer_epoch}


async def test_verification_can_be_turned_off_but_not_adding() -> None:
    async with running(verifies_partitions=False) as world:
        assert await world.admit(A, is_implicit=False) == {A: ErrorCode.none}
        assert world.state == "Empty"
        assert await world.admit(A) == {A: ErrorCode.none}
        assert world.state == "Ongoing"


async def test_a_log_that_is_full_is_an_answer_and_changes_nothing() -> None:
    async with running() as world:
        world.log.append_error = KafkaError(ErrorCode.not_enough_replicas)
        assert world.add(A) is ErrorCode.coordinator_not_available
        assert world.state == "Empty"


async def test_where_the_transactional_id_is_not_served_everybody_hears_so() -> None:
    async with running() as world:
        world.coordinator.unload(0)
        away = ErrorCode.not_coordinator
        assert (await world.start()).error is away
        assert world.add(A) is away
        assert world.end().error is away
        assert await world.admit(A) == {A: away}
        with pytest.raises(KafkaError) as refused:
            world.coordinator.describe("t")
        assert refused.value.error_code is away


# Producer ids.


async def test_ids_are_fetched_while_a_producer_waits() -> None:
    async with running() as world:
        answer = world.coordinator.initialize(Initialize("u", TIMEOUT_MS))
        assert isinstance(answer, Awaitable)
        assert await answer == Initialized(ErrorCode.none, 1001, 0)


async def test_ids_that_cannot_be_fetched_are_an_answer() -> None:
    async with running() as world:
        world.ids.error = ErrorCode.coordinator_not_available
        answer = await world.ask(world.coordinator.initialize(Initialize("u", TIMEOUT_MS)))
        assert answer == Initialized(ErrorCode.coordinator_not_available)


async def test_a_timer_that_needs_an_id_has_it_fetched() -> None:
    async with running(used_up(TransactionState.ONGOING)) as world:
        await anyio.sleep(TIMEOUT_MS / 1000 + 1.5)
        assert world.state == "CompleteAbort"
        assert world.coordinator.describe("t").transaction.producer_id == 1000


# Markers.


async def test_a_partition_that_is_away_is_told_again_and_again_the_others_once() -> None:
    async with running() as world:
        world.add(A, B)
        world.markers.away = {B}
        began = anyio.current_time()
        assert world.end().error is ErrorCode.none, "the outcome is certain"
        assert world.state == "PrepareCommit"
        await anyio.sleep(20)
        pauses = [b - a for a, b in pairwise(world.markers.tried_at)]
        assert pauses[0] == pytest.approx(0.1)
        assert max(pauses) == pytest.approx(5.0)
        world.markers.away = set()
        await anyio.sleep(5)
        assert [key for key, _ in world.markers.written] == [A, B]
        assert world.state == "CompleteCommit"
        assert began < world.markers.tried_at[-1]


async def test_a_request_waits_a_little_for_an_end_that_is_under_way() -> None:
    async with running() as world:
        world.add(A)
        world.markers.later = anyio.Event()
        after = Producer(*world.end()[1:])
        began = anyio.current_time()
        assert await world.add(B, producer=after) is ErrorCode.concurrent_transactions
        assert anyio.current_time() - began == pytest.approx(0.5)

        answers: list[Any] = []
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(noted, world.add(B, producer=after), answers)
            await anyio.wait_all_tasks_blocked()
            world.markers.later.set()
        assert answers == [ErrorCode.none]
        assert anyio.current_time() - began == pytest.approx(0.5), "no longer than needed"


async def test_a_new_coordinator_finishes_what_was_decided_before_it() -> None:
    async with running() as world:
        world.add(A)
        world.markers.away = {A}
        world.end()
        log = world.log
    async with running(log) as world:
        assert world.state == "CompleteCommit"
        assert [(key, m.is_commit) for key, m in world.markers.written] == [(A, True)]


async def test_an_end_that_was_taken_up_anew_never_completes_a_later_transaction() -> None:
    """The first attempt sleeps while the coordinator goes, comes back, and ends another one."""
    async with running() as world:
        world.add(A)
        world.markers.away = {A}
        producer = Producer(*world.end()[1:])
        await anyio.sleep(10)  # It sleeps longer and longer between its attempts.
        world.coordinator.unload(0)
        world.markers.away = set()
        await world.coordinator.load(0)
        assert world.state == "CompleteCommit"

        world.markers.away = {B}
        assert world.add(B, producer=producer) is ErrorCode.none
        world.end(producer)
        await anyio.sleep(60)
        assert world.state == "PrepareCommit", "a partition still lacks its marker"
        world.markers.away = set()
        await anyio.sleep(6)
        assert world.state == "CompleteCommit"
        assert [key for key, _ in world.markers.written] == [A, B]


async def test_a_transaction_is_aborted_by_time_alone() -> None:
    async with running() as world:
        world.add(A)
        await anyio.sleep(TIMEOUT_MS / 1000 - 0.1)
        assert world.markers.written == []
        await anyio.sleep(0.2)
        ((_, marker),) = world.markers.written
        assert (marker.is_commit, marker.producer_epoch) == (False, 1)


# Administration.


async def test_transactions_are_listed_by_state_producer_age_and_name() -> None:
    async with running() as world:
        world.add(A)
        await world.ask(world.coordinator.initialize(Initialize("u", TIMEOUT_MS)))
        await anyio.sleep(1)

        def names(**filters: Any) -> list[str]:
            views = world.coordinator.list_transactions(Filters(**filters))
            return sorted(view.transactional_id for view in views)

        assert names() == ["t", "u"]
        assert names(states=frozenset({"Ongoing"})) == ["t"]
        assert names(producer_ids=frozenset({1001})) == ["u"]
        assert names(states=frozenset({"Ongoing"}), longer_than_ms=999) == ["t"]
        assert names(states=frozenset({"Ongoing"}), longer_than_ms=1_100) == []
        assert names(matches=lambda name: name > "t") == ["u"]


async def test_what_is_unknown_cannot_be_described() -> None:
    async with running() as world:
        for name, error in (
            ("no", ErrorCode.transactional_id_not_found),
            ("", ErrorCode.invalid_request),
        ):
            with pytest.raises(KafkaError) as refused:
                world.coordinator.describe(name)
            assert refused.value.error_code is error
