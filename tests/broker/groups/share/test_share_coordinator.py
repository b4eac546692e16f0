"""Share groups with the coordinator of their states: what waits for what, failures, restarts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import UUID

import anyio
import pytest
import trio.testing
from kio.schema.errors import ErrorCode

from flowlog.broker.groups.config import GroupConfig
from flowlog.broker.groups.coordinator import GroupCoordinator
from flowlog.broker.groups.share.requests import (
    DeletedTopic,
    ShareHeartbeat,
    ShareHeartbeatResult,
    TopicOffsets,
)
from flowlog.broker.groups.topics import FixedTopics, Topic
from flowlog.broker.share.persister import (
    ACKNOWLEDGED,
    UNINITIALIZED_START_OFFSET,
    SharePartitionKey,
    ShareStateUpdate,
    StateBatch,
)
from flowlog.broker.share.state.config import ShareStateConfig
from flowlog.broker.share.state.coordinator import ShareStateCoordinator
from flowlog.broker.share.state.pruning import PrunableLog
from flowlog.errors import KafkaError
from flowlog.testing.clock import EventLoopClock
from flowlog.testing.commit_log import MemoryCommitLog

pytestmark = pytest.mark.anyio

T = TypeVar("T")

A, B = UUID(int=1), UUID(int=2)
TOPICS = FixedTopics([Topic("a", A, 2), Topic("b", B, 1)])
NAMES = {A: "a", B: "b"}
GROUP = "g"
FIRST = SharePartitionKey(GROUP, A, 0)
SECOND = SharePartitionKey(GROUP, A, 1)


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, object]]:
    return "trio", {"clock": trio.testing.MockClock(autojump_threshold=0)}


@dataclass
class Cluster:
    """Both coordinators over logs in memory; the states' topic is made when it is asked for."""

    group_log: MemoryCommitLog = field(default_factory=MemoryCommitLog)
    state_log: MemoryCommitLog = field(default_factory=MemoryCommitLog)
    topic_error: KafkaError | None = None
    deleted_before: list[int] = field(default_factory=list)
    resets: list[SharePartitionKey] = field(default_factory=list)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Cluster]:
        clock = EventLoopClock()
        self.states = ShareStateCoordinator(
            ShareStateConfig(partition_count=1, updates_per_snapshot=2, prune_interval_ms=60_000),
            clock,
            lambda _: PrunableLog(self.state_log, 0),
            partition_exists=self.exists,
            ensure_topic=self.ensure_topic,
            delete_before=lambda _, offset: self.deleted_before.append(offset),
        )
        self.states.add_reset_listener(self.resets.append)
        self.groups = GroupCoordinator(
            GroupConfig(offsets_topic_partitions=1),
            clock,
            lambda _: self.group_log,
            topics=TOPICS,
            share_persister=self.states,
        )
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self.states.run)
            tasks.start_soon(self.groups.run)
            await self.groups.load(0)
            if self.state_log.records:
                await self.states.load(0)
            yield self
            tasks.cancel_scope.cancel()

    def exists(self, topic_id: UUID, partition: int) -> bool:
        topic = TOPICS.with_id(topic_id)
        return topic is not None and partition < topic.partition_count

    async def ensure_topic(self) -> None:
        if self.topic_error is not None:
            raise self.topic_error
        await self.states.load(0)

    async def beat(self, member_id: str, epoch: int, *topics: str) -> ShareHeartbeatResult:
        names = frozenset(topics) if topics else None
        request = ShareHeartbeat(GROUP, member_id, epoch, "client", "/host", None, names)
        return await result(self.groups.share.heartbeat(request))

    async def delete_group(self) -> ErrorCode:
        return await result(self.groups.delete_group(GROUP))


async def result(answer: T | Awaitable[T]) -> T:
    return await answer if isinstance(answer, Awaitable) else answer


async def into(answers: list[Any], ask: Callable[[], Awaitable[Any]]) -> None:
    answers.append(await ask())


async def test_the_first_answer_says_what_to_consume() -> None:
    async with Cluster().running() as cluster:
        joined = await cluster.beat("m", 0, "a")
        assert joined.error is ErrorCode.none
        assert joined.assignment == {A: {0, 1}}
        state = await cluster.states.read(FIRST, leader_epoch=0)
        assert state.start_offset == UNINITIALIZED_START_OFFSET
        assert state.state_epoch == 2
        again = await cluster.beat("m", joined.member_epoch)
        assert (again.error, again.assignment) == (ErrorCode.none, None)


async def test_members_that_join_at_once_make_each_state_once() -> None:
    async with Cluster().running() as cluster, anyio.create_task_group() as tasks:
        answers: list[ShareHeartbeatResult] = []
        cluster.state_log.hold()
        for member_id in ("m", "n"):
            tasks.start_soon(into, answers, lambda m=member_id: cluster.beat(m, 0, "a"))
        await anyio.wait_all_tasks_blocked()
        assert answers == [], "there is nothing to consume yet"
        cluster.state_log.release()
        await anyio.wait_all_tasks_blocked()
        assert {answer.error for answer in answers} == {ErrorCode.none}
        assert cluster.resets == [FIRST, SECOND]


async def test_a_member_is_in_where_states_cannot_be_made_and_gets_them_later() -> None:
    cluster = Cluster(topic_error=KafkaError(ErrorCode.invalid_replication_factor))
    async with cluster.running():
        joined = await cluster.beat("m", 0, "a")
        assert (joined.error, joined.assignment) == (ErrorCode.none, {})
        cluster.topic_error = None
        later = await cluster.beat("m", joined.member_epoch)
        assert later.assignment == {A: {0, 1}}


async def test_progress_and_members_survive_a_restart() -> None:
    cluster = Cluster()
    async with cluster.running():
        epoch = (await cluster.beat("m", 0, "a")).member_epoch
        done = StateBatch(3, 4, ACKNOWLEDGED, 1)
        await cluster.states.write(FIRST, ShareStateUpdate(2, 0, 3, (done,), 2))
        before = await cluster.states.read(FIRST, leader_epoch=0)
    cluster.resets.clear()
    async with cluster.running():
        again = await cluster.beat("m", epoch)
        assert (again.error, again.assignment) == (ErrorCode.none, None)
        assert await cluster.states.read(FIRST, leader_epoch=0) == before
        assert before.batches == (done,)
        assert cluster.resets == []


async def test_a_deleted_group_leaves_no_state() -> None:
    cluster = Cluster()
    async with cluster.running():
        await cluster.beat("m", 0, "a")
        assert await cluster.delete_group() is ErrorCode.non_empty_group
        await cluster.beat("m", -1)
        cluster.resets.clear()
        assert await cluster.delete_group() is ErrorCode.none
        assert cluster.resets == [FIRST, SECOND], "whoever knows the state hears that it is gone"
        with pytest.raises(KafkaError):
            await cluster.states.read(FIRST, leader_epoch=0)
        assert cluster.groups.list_groups() == []
        assert await cluster.delete_group() is ErrorCode.group_id_not_found
    async with cluster.running():
        assert cluster.groups.list_groups() == []


async def test_a_group_whose_deletion_was_cut_short_begins_anew() -> None:
    """Its record says that the states go before they do, so it never counts on one that is gone."""
    cluster = Cluster()
    async with cluster.running(), anyio.create_task_group() as tasks:
        await cluster.beat("m", 0, "a")
        await cluster.beat("m", -1)
        cluster.state_log.hold()
        tasks.start_soon(into, [], cluster.delete_group)
        await anyio.wait_all_tasks_blocked()
        tasks.cancel_scope.cancel()
    cluster.state_log = MemoryCommitLog(cluster.state_log.records)  # what was written is there
    async with cluster.running():
        joined = await cluster.beat("m", 0, "a")
        assert joined.assignment == {A: {0, 1}}
        assert (await cluster.states.read(FIRST, leader_epoch=0)).state_epoch > 2


async def test_altered_offsets_are_where_the_group_goes_on() -> None:
    cluster = Cluster()
    async with cluster.running():
        altered = await cluster.groups.share.alter_offsets(GROUP, [TopicOffsets("a", {0: 7, 5: 0})])
        assert altered.rows == {
            ("a", 0): ErrorCode.none,
            ("a", 5): ErrorCode.unknown_topic_or_partition,
        }
        assert cluster.groups.share.describe(GROUP).state == "Empty"
        await cluster.beat("m", 0, "a")
        assert (await cluster.states.read(FIRST, leader_epoch=0)).start_offset == 7
        refused = await cluster.groups.share.alter_offsets(GROUP, [TopicOffsets("a", {0: 1})])
        assert refused.error is ErrorCode.non_empty_group


async def test_forgotten_offsets_are_forgotten_for_good() -> None:
    cluster = Cluster()
    async with cluster.running():
        share = cluster.groups.share
        await share.alter_offsets(GROUP, [TopicOffsets("a", {0: 7}), TopicOffsets("b", {0: 8})])
        deleted = await share.delete_offsets(GROUP, ["a", "nowhere"])
        assert deleted.topics == (
            DeletedTopic("a", A, ErrorCode.none),
            DeletedTopic("nowhere", None, ErrorCode.unknown_topic_or_partition),
        )
        assert share.initialized_partitions(GROUP) == {B: {0}}
        joined = await cluster.beat("m", 0, "a", "b")
        assert joined.assignment == {A: {0, 1}, B: {0}}
        starts = [(await cluster.states.read(k, leader_epoch=0)).start_offset for k in
                  (FIRST, SharePartitionKey(GROUP, B, 0))]  # fmt: skip
        assert starts == [UNINITIALIZED_START_OFFSET, 8]


async def test_a_deleted_topic_is_forgotten_by_groups_and_states() -> None:
    cluster = Cluster()
    async with cluster.running():
        await cluster.beat("m", 0, "a", "b")
        await cluster.groups.topic_deleted("a", A)
        await cluster.states.topic_deleted(A)
        assert cluster.groups.share.initialized_partitions(GROUP) == {B: {0}}
        with pytest.raises(KafkaError):
            await cluster.states.read(FIRST, leader_epoch=0)


async def test_no_answer_leaves_before_its_state_is_committed() -> None:
    async with Cluster().running() as cluster, anyio.create_task_group() as tasks:
        await cluster.beat("m", 0, "a")
        cluster.state_log.hold()
        answers: list[Any] = []
        update = ShareStateUpdate(2, 0, 1)
        tasks.start_soon(into, answers, lambda: cluster.states.write(FIRST, update))
        await anyio.wait_all_tasks_blocked()
        tasks.start_soon(into, answers, lambda: cluster.states.read(FIRST, leader_epoch=0))
        await anyio.wait_all_tasks_blocked()
        assert answers == []
        cluster.state_log.release()
        await anyio.wait_all_tasks_blocked()
        assert len(answers) == 2


async def test_what_was_superseded_is_deleted_from_time_to_time() -> None:
    async with Cluster().running() as cluster:
        await cluster.beat("m", 0, "b")
        key = SharePartitionKey(GROUP, B, 0)
        for offset in range(1, 8):
            await cluster.states.write(key, ShareStateUpdate(2, 0, offset))
        await anyio.sleep(61)
        kept = cluster.state_log.records[cluster.deleted_before[-1] :]
        assert 0 < len(kept) <= 3
        assert kept[0].key[:2] == b"\x00\x00", "the first one kept is a whole state"


async def test_a_coordinator_that_goes_tells_whoever_waits() -> None:
    async with Cluster().running() as cluster, anyio.create_task_group() as tasks:
        await cluster.beat("m", 0, "a")
        cluster.state_log.hold()
        errors: list[ErrorCode] = []

        async def write() -> None:
            with pytest.raises(KafkaError) as refused:
                await cluster.states.write(FIRST, ShareStateUpdate(2, 0, 1))
            errors.append(refused.value.error_code)

        tasks.start_soon(write)
        await anyio.wait_all_tasks_blocked()
        cluster.states.shutdown()
        await anyio.wait_all_tasks_blocked()
        assert errors == [ErrorCode.not_coordinator]
