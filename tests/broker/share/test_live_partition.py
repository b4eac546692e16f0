"""`LivePartition`: one write for all that came before it, and what becomes of one that fails."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import anyio
import pytest
from anyio.lowlevel import checkpoint
from kio.schema.errors import ErrorCode

from flowlog.broker.share.live_partition import LivePartition
from flowlog.broker.share.partition.requests import (
    Acknowledgement,
    AcknowledgeType,
    Acquisition,
    Extent,
    Limits,
    Reading,
)
from flowlog.broker.share.partition.share_partition import SharePartition
from flowlog.broker.share.persister import SharePartitionKey
from flowlog.broker.share.reading import ReadRecords
from flowlog.errors import KafkaError

from .memory_persister import MemoryPersister

pytestmark = pytest.mark.anyio

KEY = SharePartitionKey("workers", UUID(int=1), 0)
LIMITS = Limits()
MEMBER = "anna"
ACCEPT, RELEASE = AcknowledgeType.ACCEPT, AcknowledgeType.RELEASE


class World:
    """A share partition of ten records, all of them held by one member."""

    def __init__(self) -> None:
        self.persister = MemoryPersister()
        self.over: list[LivePartition] = []

    async def open(self) -> LivePartition:
        await self.persister.initialize(KEY, state_epoch=1, start_offset=0)
        return await self.again()

    async def again(self) -> LivePartition:
        """As after a crash: what is durable, and no locks."""
        state = await self.persister.read(KEY, leader_epoch=0)
        live = LivePartition(
            KEY,
            None,  # type: ignore[arg-type]  # its log is not looked at here
            SharePartition(state.start_offset, state.batches),
            state_epoch=state.state_epoch,
            leader_epoch=0,
            persister=self.persister,
            on_deadline=lambda _: None,
            on_over=self.over.append,
        )
        acquire(live)
        return live


def acquire(live: LivePartition) -> list[int]:
    """Everything up to offset 9 that is available."""
    start = live.machine.fetch_offset
    found = ReadRecords(b"", (), Reading(start, 10, (Extent(0, 9),)))
    rows = live.acquire(found, Acquisition(MEMBER, 10, 10), LIMITS, 0) if start < 10 else []
    return [o for first, last, _ in rows for o in range(first, last + 1)]


async def say(live: LivePartition, offset: int, type_: AcknowledgeType = ACCEPT) -> None:
    await say_all(live, offset, offset, type_)


async def say_all(
    live: LivePartition, first: int, last: int, type_: AcknowledgeType = ACCEPT
) -> None:
    await live.acknowledge(MEMBER, [Acknowledgement(first, last, (type_,))], LIMITS, 0)


async def error_of(say: Callable[..., Any], *args: Any) -> ErrorCode:
    with pytest.raises(KafkaError) as raised:
        await say(*args)
    return raised.value.error_code


async def test_what_comes_during_a_write_is_written_by_the_next_all_at_once() -> None:
    world = World()
    live = await world.open()
    gate = world.persister.gate = anyio.Event()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(say, live, 0)
        await checkpoint()
        for offset in range(1, 10):
            tasks.start_soon(say, live, offset)
        await checkpoint()
        assert world.persister.writes == []
        gate.set()
    assert [w.start_offset for w in world.persister.writes] == [1, 10]
    assert live.machine.start_offset == 10


async def test_a_record_is_not_delivered_while_its_acknowledgement_is_written() -> None:
    world = World()
    live = await world.open()
    gate = world.persister.gate = anyio.Event()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(say, live, 0, RELEASE)
        await checkpoint()
        assert acquire(live) == []
        assert not live.on_time(LIMITS, 10**9) or acquire(live) == list(range(1, 10))
        assert await error_of(say, live, 0) is ErrorCode.invalid_record_state
        gate.set()
    assert acquire(live) == [0]


async def test_a_write_that_fails_is_refused_to_all_who_waited_for_it() -> None:
    world = World()
    live = await world.open()
    world.persister.error = ErrorCode.coordinator_not_available
    assert await error_of(say, live, 0) is ErrorCode.coordinator_not_available
    world.persister.error = None
    await say(live, 0)
    assert live.machine.start_offset == 1
    assert world.over == []


async def test_a_write_that_was_done_though_it_failed_takes_no_promise_back() -> None:
    world = World()
    live = await world.open()
    await say(live, 5)  # promised
    world.persister.error, world.persister.is_doubtful = ErrorCode.kafka_storage_error, True
    await error_of(say_all, live, 0, 4)  # the state begins at 6 now, and nobody knows
    world.persister.error = None
    await say(live, 7)  # the state begins at 0 again
    crashed = await world.again()
    delivered = {o for r in crashed.machine.runs if r.member_id for o in range(r.first, r.last + 1)}
    assert delivered >= {6, 8, 9}
    assert not delivered & {5, 7}


@pytest.mark.parametrize(
    "code",
    [
        ErrorCode.fenced_state_epoch,
        ErrorCode.fenced_leader_epoch,
        ErrorCode.invalid_request,
        ErrorCode.unknown_topic_or_partition,
    ],
)
async def test_a_state_that_is_another_one_ends_the_share_partition(code: ErrorCode) -> None:
    world = World()
    live = await world.open()
    world.persister.error = code
    assert await error_of(say, live, 0) is code
    assert world.over == [live]
    world.persister.error = None
    assert await error_of(say, live, 1) is ErrorCode.fenced_state_epoch
    assert world.persister.writes == []


async def test_a_write_that_is_overtaken_by_a_reset_is_refused() -> None:
    world = World()
    live = await world.open()
    gate = world.persister.gate = anyio.Event()
    codes: list[ErrorCode] = []

    async def waiting() -> None:
        codes.append(await error_of(say, live, 0))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(waiting)
        await checkpoint()
        live.give_up()
        gate.set()
    assert codes == [ErrorCode.fenced_state_epoch]


async def test_who_is_cancelled_while_writing_keeps_nobody_from_writing() -> None:
    world = World()
    live = await world.open()
    gate = world.persister.gate = anyio.Event()
    async with anyio.create_task_group() as tasks:
        async with anyio.create_task_group() as cancelled:
            cancelled.start_soon(say, live, 0)
            await checkpoint()
            tasks.start_soon(say, live, 1)
            await checkpoint()
            cancelled.cancel_scope.cancel()
        gate.set()
    assert live.machine.start_offset == 0
    await say(live, 0)  # it is held as before
    assert live.machine.start_offset == 2


async def test_what_is_released_is_written_without_anybody_waiting() -> None:
    world = World()
    live = await world.open()
    assert live.release(MEMBER, LIMITS)
    await live.flush()
    (write,) = world.persister.writes
    assert [(b.first_offset, b.last_offset, b.delivery_count) for b in write.batches] == [(0, 9, 1)]
    assert not live.has_unwritten
