"""`GroupCoordinator` with its runtime: what waits, what does not, and who is told what."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest
import trio.testing
from kio.schema.errors import ErrorCode

from flowlog.broker.groups.classic.states import GroupState
from flowlog.broker.groups.config import GroupConfig
from flowlog.broker.groups.coordinator import GroupCoordinator
from flowlog.broker.groups.requests import (
    Commit,
    CommitRow,
    Committed,
    Fetched,
    Join,
    JoinResult,
    LeaveResult,
    Leaving,
    Sync,
    SyncResult,
    Wanted,
)
from flowlog.clock import SystemClock
from flowlog.errors import KafkaError
from flowlog.testing.clock import EventLoopClock
from flowlog.testing.commit_log import MemoryCommitLog
from tests.broker.share.memory_persister import MemoryPersister

from .world import GROUP, RANGE

pytestmark = pytest.mark.anyio

PARTITIONS = 2
DELAY = GroupConfig(offsets_topic_partitions=PARTITIONS)
NO_DELAY = GroupConfig(offsets_topic_partitions=PARTITIONS, initial_rebalance_delay_ms=0)


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, object]]:
    return "trio", {"clock": trio.testing.MockClock(autojump_threshold=0)}


Logs = dict[int, MemoryCommitLog]


@asynccontextmanager
async def running(
    config: GroupConfig = NO_DELAY, logs: Logs | None = None, *, load: bool = True
) -> AsyncIterator[GroupCoordinator]:
    logs = {} if logs is None else logs
    coordinator = GroupCoordinator(
        config,
        EventLoopClock(),
        lambda n: logs.setdefault(n, MemoryCommitLog()),
        share_persister=MemoryPersister(),
    )
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(coordinator.run)
        for partition in range(PARTITIONS if load else 0):
            await coordinator.load(partition)
        yield coordinator
        tasks.cancel_scope.cancel()


def join_request(member_id: str = "", **more: Any) -> Join:
    defaults: dict[str, Any] = {
        "group_id": GROUP,
        "member_id": member_id,
        "group_instance_id": None,
        "client_id": "client",
        "client_host": "/127.0.0.1",
        "session_timeout_ms": 10_000,
        "rebalance_timeout_ms": 60_000,
        "protocol_type": "consumer",
        "protocols": RANGE,
        "new_member_id": "m1",
        "needs_member_id_first": False,
    }
    return Join(**(defaults | more))


def sync_request(member_id: str, generation_id: int, assignments: dict[str, bytes]) -> Sync:
    return Sync(GROUP, generation_id, member_id, None, "consumer", "range", assignments)


def commit_request(offset: int = 5, topic: str = "t") -> Commit:
    return Commit(GROUP, "", None, -1, (CommitRow(topic, 0, offset),))


async def into(answers: list[Any], answer: Any) -> None:
    answers.append(await answer)


async def test_a_lone_member_without_a_delay_is_served_without_one_suspension() -> None:
    async with running() as groups:
        joined = groups.join(join_request())
        assert isinstance(joined, JoinResult)
        synced = groups.sync(sync_request("m1", 1, {"m1": b"all"}))
        assert isinstance(synced, SyncResult)
        assert synced.assignment == b"all"
        assert groups.heartbeat(GROUP, "m1", None, 1) is ErrorCode.none
        committed = groups.commit_offsets(Commit(GROUP, "m1", None, 1, (CommitRow("t", 0, 5),)))
        assert isinstance(committed, Committed)
        assert committed.rows == (ErrorCode.none,)
        left = groups.leave(GROUP, [Leaving("m1")])
        assert isinstance(left, LeaveResult)
        assert left.members[0].error is ErrorCode.none


async def test_the_first_member_waits_the_initial_delay() -> None:
    async with running(DELAY) as groups:
        began = anyio.current_time()
        answer = groups.join(join_request())
        assert isinstance(answer, Awaitable)
        joined = await answer
        assert joined.generation_id == 1
        assert anyio.current_time() - began == pytest.approx(3.0, abs=0.01)


async def test_a_silent_member_is_gone_when_its_session_ends() -> None:
    async with running() as groups:
        groups.join(join_request())
        groups.sync(sync_request("m1", 1, {}))
        await anyio.sleep(9.9)
        view = groups.describe(GROUP)
        assert view is not None
        assert view.state is GroupState.STABLE
        await anyio.sleep(0.2)
        view = groups.describe(GROUP)
        assert view is not None
        assert view.state is GroupState.EMPTY
        assert view.rebalances[-1].reason == "the session of m1 ended without a heartbeat"


async def test_heartbeats_keep_a_member_for_an_hour() -> None:
    async with running() as groups:
        groups.join(join_request())
        groups.sync(sync_request("m1", 1, {}))
        for _ in range(3600 // 3):
            await anyio.sleep(3)
            assert groups.heartbeat(GROUP, "m1", None, 1) is ErrorCode.none


async def test_members_that_join_together_get_their_assignments_from_the_leader() -> None:
    answers: list[Any] = []
    async with running(DELAY) as groups, anyio.create_task_group() as tasks:
        for name in ("m1", "m2"):
            tasks.start_soon(into, answers, groups.join(join_request(new_member_id=name)))
        await anyio.sleep(7)
        assert sorted(len(joined.members) for joined in answers) == [0, 2]
        answers.clear()
        follower = groups.sync(sync_request("m2", 1, {}))
        tasks.start_soon(into, answers, follower)
        await anyio.wait_all_tasks_blocked()
        assert answers == []
        leader = groups.sync(sync_request("m1", 1, {"m1": b"0", "m2": b"1"}))
        assert isinstance(leader, SyncResult)
        await anyio.wait_all_tasks_blocked()
        assert [synced.assignment for synced in answers] == [b"1"]


async def test_nobody_hears_an_assignment_before_it_is_committed() -> None:
    logs: Logs = {}
    answers: list[Any] = []
    async with running(logs=logs) as groups, anyio.create_task_group() as tasks:
        groups.join(join_request())
        log = logs[groups.partition_for(GROUP)]
        log.hold()
        tasks.start_soon(into, answers, groups.sync(sync_request("m1", 1, {"m1": b"all"})))
        await anyio.wait_all_tasks_blocked()
        assert answers == []
        log.release()
        await anyio.wait_all_tasks_blocked()
        assert [synced.assignment for synced in answers] == [b"all"]
        # Its session runs again, though it was not watched while it waited.
        await anyio.sleep(10.1)
        assert groups.heartbeat(GROUP, "m1", None, 1) is ErrorCode.unknown_member_id


async def test_offsets_are_answered_only_when_they_are_committed() -> None:
    logs: Logs = {}
    async with running(logs=logs) as groups, anyio.create_task_group() as tasks:
        log = logs[groups.partition_for(GROUP)]
        log.hold()
        answers: list[Any] = []
        tasks.start_soon(into, answers, groups.commit_offsets(commit_request()))
        tasks.start_soon(into, answers, groups.fetch_offsets(GROUP, [Wanted("t", [0])]))
        await anyio.wait_all_tasks_blocked()
        assert answers == []
        log.release()
        await anyio.wait_all_tasks_blocked()
        assert len(answers) == 2


async def test_a_commit_that_cannot_be_written_is_an_error_of_the_coordinator() -> None:
    logs: Logs = {}
    async with running(logs=logs) as groups:
        logs[groups.partition_for(GROUP)].append_error = KafkaError(ErrorCode.not_enough_replicas)
        answer = groups.commit_offsets(commit_request())
        assert answer == Committed(ErrorCode.coordinator_not_available)
        with pytest.raises(KafkaError) as missing:
            groups.describe(GROUP)
        assert missing.value.error_code is ErrorCode.group_id_not_found


async def test_what_is_not_led_here_is_not_coordinated_here() -> None:
    async with running(load=False) as groups:
        not_here = ErrorCode.not_coordinator
        assert groups.join(join_request()) == JoinResult(not_here, "")
        assert groups.sync(sync_request("m1", 1, {})) == SyncResult(not_here)
        assert groups.heartbeat(GROUP, "m1", None, 1) is not_here
        assert groups.leave(GROUP, [Leaving("m1")]) == LeaveResult(not_here)
        assert groups.commit_offsets(commit_request()) == Committed(not_here)
        assert groups.fetch_offsets(GROUP, None) == Fetched(not_here)
        assert groups.delete_offsets(GROUP, []) == Committed(not_here)
        assert groups.delete_group(GROUP) is not_here
        with pytest.raises(KafkaError):
            groups.describe(GROUP)
        assert groups.list_groups() == []


async def test_a_new_coordinator_goes_on_from_the_log() -> None:
    logs: Logs = {}
    async with running(logs=logs) as groups:
        groups.join(join_request())
        groups.sync(sync_request("m1", 1, {"m1": b"all"}))
        groups.commit_offsets(Commit(GROUP, "m1", None, 1, (CommitRow("t", 0, 5),)))
    async with running(logs=logs) as groups:
        assert groups.heartbeat(GROUP, "m1", None, 1) is ErrorCode.none
        fetched = groups.fetch_offsets(GROUP, None)
        assert isinstance(fetched, Fetched)
        assert fetched.topics["t"][0] is not None
        assert [group.group_id for group in groups.list_groups()] == [GROUP]


async def test_shutting_down_answers_whoever_is_parked() -> None:
    answers: list[Any] = []
    async with running(DELAY) as groups, anyio.create_task_group() as tasks:
        tasks.start_soon(into, answers, groups.join(join_request()))
        await anyio.wait_all_tasks_blocked()
        groups.shutdown()
        await anyio.wait_all_tasks_blocked()
        assert answers == [JoinResult(ErrorCode.not_coordinator, "m1")]


async def test_a_deleted_topic_leaves_no_offsets_in_any_group() -> None:
    async with running() as groups:
        groups.commit_offsets(commit_request())
        groups.commit_offsets(commit_request(topic="other"))
        await groups.topic_deleted("t")
        fetched = groups.fetch_offsets(GROUP, None)
        assert isinstance(fetched, Fetched)
        assert list(fetched.topics) == ["other"]


@pytest.mark.parametrize(
    ("more", "error"),
    [
        pytest.param({"group_id": ""}, ErrorCode.invalid_group_id, id="no group id"),
        pytest.param(
            {"session_timeout_ms": 5_999}, ErrorCode.invalid_session_timeout, id="short session"
        ),
        pytest.param(
            {"session_timeout_ms": 1_800_001}, ErrorCode.invalid_session_timeout, id="long session"
        ),
        pytest.param({"member_id": "x"}, ErrorCode.unknown_member_id, id="member of no group"),
        pytest.param({"protocols": ()}, ErrorCode.inconsistent_group_protocol, id="no protocol"),
    ],
)
async def test_a_join_that_cannot_be_is_refused(more: dict[str, Any], error: ErrorCode) -> None:
    async with running() as groups:
        answer = groups.join(join_request(**more))
        assert isinstance(answer, JoinResult)
        assert answer.error is error


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_the_coordinator_runs_on_asyncio_too() -> None:
    config = GroupConfig(offsets_topic_partitions=PARTITIONS, initial_rebalance_delay_ms=20)
    groups = GroupCoordinator(
        config, SystemClock(), lambda _: MemoryCommitLog(), share_persister=MemoryPersister()
    )
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(groups.run)
        for partition in range(PARTITIONS):
            await groups.load(partition)
        answer = groups.join(join_request())
        assert isinstance(answer, Awaitable)
        assert (await answer).generation_id == 1
        tasks.cancel_scope.cancel()
