"""`ShardRuntime` and `Shards` with a machine that counts: decide, write, replay, answer."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Iterable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import anyio
import pytest
from anyio.lowlevel import checkpoint
from kio.schema.errors import ErrorCode

from flowlog.broker.coordinator.commit_log import CoordinatorRecord
from flowlog.broker.coordinator.decision import Decision, Now, Reply
from flowlog.broker.coordinator.runtime import REPLAY_SLICE
from flowlog.broker.coordinator.shards import Shards
from flowlog.errors import KafkaError
from flowlog.testing.clock import EventLoopClock
from flowlog.testing.commit_log import MemoryCommitLog

pytestmark = pytest.mark.anyio

T = TypeVar("T")


class Counter:
    """A machine whose records are numbers and whose durable state is their sum."""

    def __init__(self) -> None:
        self.total = 0
        self.loaded = False
        self.deadline_ms: int | None = None
        self.parked: list[Reply[str]] = []
        self.outcomes: list[ErrorCode] = []

    def encode(self, record: int) -> CoordinatorRecord:
        return CoordinatorRecord(b"n", str(record).encode())

    def decode(self, record: CoordinatorRecord) -> int | None:
        return None if record.key == b"unknown" else int(record.value or b"")

    def replay(self, record: int) -> None:
        self.total += record

    def on_loaded(self, now: Now) -> None:
        self.loaded = True

    def on_unloaded(self) -> None:
        for reply in self.parked:
            reply.answer("unloaded")

    def next_deadline_ms(self) -> int | None:
        return self.deadline_ms

    def on_time(self, now: Now) -> Iterable[Decision[None, int]]:
        self.deadline_ms = None
        yield Decision(None, (100,))

    def add(self, number: int) -> Decision[str, int]:
        return Decision(f"added {number}", (number,), lambda error, _: self.outcomes.append(error))

    def park(self) -> Decision[str, int]:
        reply: Reply[str] = Reply()
        self.parked.append(reply)
        return Decision(reply)


@asynccontextmanager
async def running(log: MemoryCommitLog) -> AsyncIterator[Shards[Counter]]:
    """One loaded shard, number 0, over `log`."""
    shards = Shards("t", clock=EventLoopClock(), new_machine=Counter, open_log=lambda _: log)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(shards.run)
        await checkpoint()
        await shards.load(0)
        yield shards
        tasks.cancel_scope.cancel()


async def result(answer: T | Awaitable[T]) -> T:
    return await answer if isinstance(answer, Awaitable) else answer


async def answered(answer: Awaitable[Any], into: list[Any]) -> None:
    try:
        into.append(await answer)
    except KafkaError as error:
        into.append(error.error_code)


async def test_a_log_that_commits_at_once_is_answered_without_waiting() -> None:
    log = MemoryCommitLog()
    async with running(log) as shards:
        shard = shards.get(0)
        assert shard.write(shard.machine.add(5)) == "added 5"
        assert shard.machine.total == 5
        assert shard.machine.outcomes == [ErrorCode.none]
        assert log.records == [CoordinatorRecord(b"n", b"5")]


async def test_no_answer_leaves_before_its_records_are_committed() -> None:
    log = MemoryCommitLog()
    log.hold()
    answers: list[Any] = []
    async with running(log) as shards, anyio.create_task_group() as tasks:
        shard = shards.get(0)
        answer = shard.write(shard.machine.add(5))
        assert isinstance(answer, Awaitable)
        tasks.start_soon(answered, answer, answers)
        await anyio.wait_all_tasks_blocked()
        assert answers == []
        assert shard.machine.outcomes == []
        log.release()
        await anyio.wait_all_tasks_blocked()
        assert answers == ["added 5"]
        assert shard.machine.outcomes == [ErrorCode.none]


async def test_a_read_waits_for_the_writes_that_it_has_seen() -> None:
    log = MemoryCommitLog()
    log.hold()
    answers: list[Any] = []
    async with running(log) as shards, anyio.create_task_group() as tasks:
        shard = shards.get(0)
        assert shard.read(shard.machine.total) == 0
        write = shard.write(shard.machine.add(5))
        read = shard.read(shard.machine.total)
        assert isinstance(write, Awaitable)
        assert isinstance(read, Awaitable)
        tasks.start_soon(answered, read, answers)
        tasks.start_soon(answered, write, answers)
        await anyio.wait_all_tasks_blocked()
        assert answers == []
        log.release()
        await anyio.wait_all_tasks_blocked()
        assert sorted(map(str, answers)) == ["5", "added 5"]


async def test_an_append_that_fails_changes_nothing_and_tells_the_client_what_it_can_act_on() -> (
    None
):
    log = MemoryCommitLog()
    log.append_error = KafkaError(ErrorCode.not_enough_replicas)
    async with running(log) as shards:
        shard = shards.get(0)
        with pytest.raises(KafkaError) as raised:
            shard.write(shard.machine.add(5))
        assert raised.value.error_code is ErrorCode.coordinator_not_available
        assert shard.machine.total == 0
        assert shard.machine.outcomes == [ErrorCode.coordinator_not_available]
        log.append_error = None
        assert shard.write(shard.machine.add(1)) == "added 1"


async def test_a_disk_that_fails_sends_clients_to_look_for_the_coordinator_again() -> None:
    log = MemoryCommitLog()
    log.append_error = OSError("disk")
    async with running(log) as shards:
        shard = shards.get(0)
        with pytest.raises(KafkaError) as raised:
            shard.write(shard.machine.add(5))
        assert raised.value.error_code is ErrorCode.not_coordinator


async def test_records_that_will_never_be_committed_close_the_shard() -> None:
    log = MemoryCommitLog()
    log.hold()
    answers: list[Any] = []
    async with running(log) as shards, anyio.create_task_group() as tasks:
        shard = shards.get(0)
        for number in (1, 2):
            answer = shard.write(shard.machine.add(number))
            assert isinstance(answer, Awaitable)
            tasks.start_soon(answered, answer, answers)
        await anyio.wait_all_tasks_blocked()
        log.fail_commits(OSError("disk"))
        await anyio.wait_all_tasks_blocked()
        assert answers == [ErrorCode.not_coordinator] * 2
        with pytest.raises(KafkaError) as raised:
            shards.get(0)
        assert raised.value.error_code is ErrorCode.not_coordinator


async def test_a_commit_that_takes_too_long_is_answered_without_a_promise() -> None:
    log = MemoryCommitLog()
    log.hold()
    async with running(log) as shards:
        shard = shards.get(0)
        answer = shard.write(shard.machine.add(5))
        assert isinstance(answer, Awaitable)
        with pytest.raises(KafkaError) as raised:
            await answer
        assert raised.value.error_code is ErrorCode.coordinator_not_available


async def test_a_parked_request_is_answered_when_the_machine_decides_it() -> None:
    answers: list[Any] = []
    async with running(MemoryCommitLog()) as shards, anyio.create_task_group() as tasks:
        shard = shards.get(0)
        answer = shard.write(shard.machine.park())
        assert isinstance(answer, Awaitable)
        tasks.start_soon(answered, answer, answers)
        await anyio.wait_all_tasks_blocked()
        assert answers == []
        shard.machine.parked.pop().answer("now")
        await anyio.wait_all_tasks_blocked()
        assert answers == ["now"]


async def test_a_parked_request_may_be_decided_before_anyone_waits_for_it() -> None:
    async with running(MemoryCommitLog()) as shards:
        shard = shards.get(0)
        answer = shard.write(shard.machine.park())
        assert isinstance(answer, Awaitable)
        shard.machine.parked.pop().answer("at once")
        assert await answer == "at once"


async def test_unloading_answers_whoever_is_parked_and_serves_no_longer() -> None:
    answers: list[Any] = []
    async with running(MemoryCommitLog()) as shards, anyio.create_task_group() as tasks:
        shard = shards.get(0)
        answer = shard.write(shard.machine.park())
        assert isinstance(answer, Awaitable)
        tasks.start_soon(answered, answer, answers)
        await anyio.wait_all_tasks_blocked()
        shards.unload(0)
        await anyio.wait_all_tasks_blocked()
        assert answers == ["unloaded"]
        with pytest.raises(KafkaError):
            shards.get(0)


async def test_loading_replays_the_log_and_skips_kinds_it_does_not_know() -> None:
    records = [CoordinatorRecord(b"n", b"3"), CoordinatorRecord(b"unknown", b"x")] * 2
    async with running(MemoryCommitLog(records)) as shards:
        machine = shards.get(0).machine
        assert machine.total == 6
        assert machine.loaded


async def test_requests_hear_that_the_shard_is_loading_until_it_is_loaded() -> None:
    log = MemoryCommitLog([CoordinatorRecord(b"n", b"1")] * 10 * REPLAY_SLICE)
    async with running(MemoryCommitLog()) as shards, anyio.create_task_group() as tasks:
        shards._open_log = lambda _: log
        tasks.start_soon(shards.load, 1)
        await checkpoint()
        await checkpoint()  # the load has begun, and sleeps after each slice
        with pytest.raises(KafkaError) as raised:
            shards.get(1)
        assert raised.value.error_code is ErrorCode.coordinator_load_in_progress
        await anyio.wait_all_tasks_blocked()
        assert shards.get(1).machine.total == 10 * REPLAY_SLICE


async def test_a_log_that_cannot_be_understood_leaves_its_partition_unserved() -> None:
    async with running(MemoryCommitLog([CoordinatorRecord(b"n", b"no number")])) as shards:
        with pytest.raises(KafkaError) as raised:
            shards.get(0)
        assert raised.value.error_code is ErrorCode.not_coordinator


async def test_loading_again_does_nothing_while_the_shard_is_served() -> None:
    log = MemoryCommitLog()
    async with running(log) as shards:
        shard = shards.get(0)
        shard.write(shard.machine.add(5))
        await shards.load(0)
        assert shards.get(0) is shard


async def test_timed_work_is_written_when_it_is_due_and_not_before() -> None:
    log = MemoryCommitLog()
    async with running(log) as shards:
        shard = shards.get(0)
        shard.machine.deadline_ms = shard.now().monotonic_ms + 60_000
        shard.write(shard.machine.add(1))  # any change makes the runtime look at the deadline
        await anyio.sleep(59.9)
        assert shard.machine.total == 1
        await anyio.sleep(0.2)
        assert shard.machine.total == 101


async def test_an_earlier_deadline_wakes_the_timer_that_sleeps_for_a_later_one() -> None:
    log = MemoryCommitLog()
    async with running(log) as shards:
        shard = shards.get(0)
        for delay_ms in (3_600_000, 1_000):
            shard.machine.deadline_ms = shard.now().monotonic_ms + delay_ms
            shard.write(shard.machine.add(0))
            await anyio.wait_all_tasks_blocked()
        await anyio.sleep(1.1)
        assert shard.machine.total == 100


async def test_timed_work_on_a_log_that_commits_later_leaves_nothing_behind() -> None:
    log = MemoryCommitLog()
    log.hold()
    async with running(log) as shards:
        shard = shards.get(0)
        shard.machine.deadline_ms = shard.now().monotonic_ms
        shard._on_deadline(shard.machine.deadline_ms)
        await anyio.wait_all_tasks_blocked()
        assert shard.machine.total == 100
        log.release()
        await anyio.wait_all_tasks_blocked()
        assert shard.read("at once") == "at once"
