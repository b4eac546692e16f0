"""One sync for many waiters; none of them is answered before it, none after a failure."""

from __future__ import annotations

import errno
import threading
from collections.abc import Callable

import anyio
import pytest

from flowlog.broker.storage.group_commit import GroupCommit
from flowlog.broker.storage.partition_log import PartitionLog
from flowlog.errors import KafkaError, StorageError
from flowlog.testing.files import MemoryFiles

pytestmark = pytest.mark.anyio
NOW_MS = 1_700_000_000_000
MakeBatch = Callable[..., bytes]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class SlowDisk:
    """Holds every sync of a log file until it is let go; counts them."""

    def __init__(self, files: MemoryFiles) -> None:
        self.gate = threading.Semaphore(0)
        self.started = 0
        self.error: OSError | None = None
        files.fail_when(self._decide)

    def _decide(self, operation: str, path: str) -> OSError | None:
        if operation == "sync" and path.endswith(".log"):
            self.started += 1
            assert self.gate.acquire(timeout=20)
            return self.error
        return None

    def let_go(self, count: int = 1) -> None:
        self.gate.release(count)

    async def wait_started(self, count: int) -> None:
        with anyio.fail_after(10):
            while self.started < count:  # noqa: ASYNC110 - the other side is a thread
                await anyio.sleep(0.001)


@pytest.fixture
def disk(memory_home) -> SlowDisk:
    return SlowDisk(memory_home.files)


@pytest.fixture
def log(memory_home, disk: SlowDisk) -> PartitionLog:
    return memory_home.open()


def append(log: PartitionLog, make_batch: MakeBatch) -> int:
    return log.append_as_leader(make_batch(), leader_epoch=0, now_ms=NOW_MS).last_offset + 1


async def test_those_who_wait_together_share_one_sync(
    log: PartitionLog, disk: SlowDisk, make_batch: MakeBatch
) -> None:
    commits, answered = GroupCommit(), []

    async def produce(number: int) -> None:
        await commits.wait_flushed(log, append(log, make_batch))
        answered.append(number)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(produce, 0)
        await disk.wait_started(1)
        for number in range(1, 50):
            tasks.start_soon(produce, number)
        await anyio.wait_all_tasks_blocked()
        assert answered == [], "nobody is answered before the disk"
        disk.let_go()
        await disk.wait_started(2)
        assert answered == [0], "the sync began before the others wrote"
        disk.let_go()
    assert sorted(answered) == list(range(50))
    assert disk.started == 2
    assert log.recovery_point == 50


async def test_a_flush_that_ends_starts_the_one_that_others_wait_for(
    log: PartitionLog, disk: SlowDisk, make_batch: MakeBatch
) -> None:
    """Without any help of the waiters: the one whose flush it was may be gone by then."""
    commits, answered = GroupCommit(), []

    async def produce() -> None:
        await commits.wait_flushed(log, append(log, make_batch))
        answered.append(log.recovery_point)

    async with anyio.create_task_group() as tasks:
        with anyio.CancelScope() as scope:
            tasks.start_soon(produce)
            await disk.wait_started(1)
            tasks.start_soon(produce)
            await anyio.wait_all_tasks_blocked()
            scope.cancel()
        disk.let_go()
        await disk.wait_started(2)
        disk.let_go()
    assert answered == [1, 2]


async def test_what_is_flushed_already_needs_no_sync(
    log: PartitionLog, disk: SlowDisk, make_batch: MakeBatch
) -> None:
    commits = GroupCommit()
    end_offset = append(log, make_batch)
    disk.let_go()
    await commits.wait_flushed(log, end_offset)
    await commits.wait_flushed(log, end_offset)
    assert disk.started == 1


async def test_a_failed_sync_answers_all_with_an_error_for_ever(
    log: PartitionLog, disk: SlowDisk, make_batch: MakeBatch
) -> None:
    commits, refused = GroupCommit(), []

    async def produce() -> None:
        with pytest.raises(StorageError):
            await commits.wait_flushed(log, append(log, make_batch))
        refused.append(True)

    disk.error = OSError(errno.EIO, "injected")
    async with anyio.create_task_group() as tasks:
        for _ in range(5):
            tasks.start_soon(produce)
        await disk.wait_started(1)
        disk.let_go(10)
    assert len(refused) == 5
    disk.error = None
    with pytest.raises(StorageError):
        await commits.wait_flushed(log, 5)
    assert disk.started == 1, "a sync that failed is not tried again"
    assert log.recovery_point == 0


async def test_a_waiter_that_goes_away_leaves_the_others_served(
    log: PartitionLog, disk: SlowDisk, make_batch: MakeBatch
) -> None:
    commits, answered = GroupCommit(), []

    async def produce(name: str) -> None:
        await commits.wait_flushed(log, append(log, make_batch))
        answered.append(name)

    async with anyio.create_task_group() as tasks:
        first = anyio.CancelScope()

        async def leave() -> None:
            with first:
                await produce("leaves")

        tasks.start_soon(leave)
        await disk.wait_started(1)
        tasks.start_soon(produce, "stays")
        await anyio.wait_all_tasks_blocked()
        first.cancel()
        disk.let_go(2)
    assert "stays" in answered
    assert log.recovery_point == 2


async def test_a_flush_goes_on_without_its_waiter_and_close_waits_for_it(
    memory_home, make_batch: MakeBatch
) -> None:
    log, commits = memory_home.open(), GroupCommit()
    append(log, make_batch)
    log.roll()
    append(log, make_batch)
    synced: list[str] = []
    memory_home.files.fail_when(lambda op, path: synced.append(path) if op == "sync" else None)
    with anyio.CancelScope() as scope:
        scope.cancel()
        await commits.flush(log)
    assert log.recovery_point == 0
    await commits.close()
    assert log.recovery_point == 2
    assert {path[-4:] for path in synced} >= {".log", "ndex"}
    assert len([path for path in synced if path.endswith(".log")]) == 2


async def test_a_log_deleted_while_it_is_flushed_says_so(
    log: PartitionLog, disk: SlowDisk, make_batch: MakeBatch
) -> None:
    commits = GroupCommit()

    async def late() -> None:
        with pytest.raises(KafkaError):
            await commits.wait_flushed(log, log.log_end_offset)

    async with anyio.create_task_group() as tasks:
        end_offset = append(log, make_batch)
        tasks.start_soon(commits.wait_flushed, log, end_offset)
        await disk.wait_started(1)
        append(log, make_batch)
        tasks.start_soon(late)
        await anyio.wait_all_tasks_blocked()
        log.drop_files()
        disk.let_go()


async def test_waiting_for_what_was_cut_away_is_an_error(
    memory_home, make_batch: MakeBatch
) -> None:
    log = memory_home.open()
    end_offset = append(log, make_batch)
    log.truncate_to(0)
    with pytest.raises(StorageError, match="cut"):
        await GroupCommit().wait_flushed(log, end_offset)
