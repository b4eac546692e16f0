"""A transaction coordinator with its runtime, over a log and partitions in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio
from kio.schema.errors import ErrorCode

from flowlog.broker.transactions.config import TransactionConfig
from flowlog.broker.transactions.coordinator import TransactionCoordinator
from flowlog.broker.transactions.markers import Marker
from flowlog.broker.transactions.records import TransactionRecord, encode
from flowlog.broker.transactions.requests import AddPartitions, End, Initialize, Initialized
from flowlog.broker.transactions.states import TransactionState
from flowlog.broker.transactions.transaction import (
    LAST_USABLE_EPOCH,
    Producer,
    TopicPartition,
    Transaction,
)
from flowlog.errors import KafkaError
from flowlog.testing.clock import EPOCH_MS, EventLoopClock
from flowlog.testing.commit_log import MemoryCommitLog

A, B = ("a", 0), ("b", 0)
TIMEOUT_MS = 10_000
PRODUCER = Producer(1000, 0)
AWAY = ErrorCode.not_leader_or_follower


@dataclass
class MarkerLog:
    """A `MarkerPort` that notes markers; partitions in `away` refuse them."""

    written: list[tuple[TopicPartition, Marker]] = field(default_factory=list)
    tried_at: list[float] = field(default_factory=list)
    away: set[TopicPartition] = field(default_factory=set)
    later: anyio.Event | None = None
    """Outcomes come when it is set."""

    def write(self, marker: Marker, partitions: Collection[TopicPartition]) -> Any:
        self.tried_at.append(anyio.current_time())
        outcomes = {key: AWAY if key in self.away else ErrorCode.none for key in partitions}
        self.written += [(key, marker) for key, code in outcomes.items() if code is not AWAY]
        return outcomes if self.later is None else self._later(outcomes, self.later)

    async def _later(
        self, outcomes: Mapping[TopicPartition, ErrorCode], later: anyio.Event
    ) -> Mapping[TopicPartition, ErrorCode]:
        await later.wait()
        return outcomes


class SlowIds:
    """Producer ids from 1,000 on that have to be fetched in blocks of one."""

    def __init__(self) -> None:
        self.error: ErrorCode | None = None
        self.at_hand: list[int] = []
        self._next = 1_000
        self._one_taker = anyio.Lock()

    def take(self) -> int | None:
        return self.at_hand.pop() if self.at_hand else None

    async def refill(self) -> None:
        async with self._one_taker:
            if self.at_hand:
                return
            await anyio.sleep(0.01)
            if self.error is not None:
                raise KafkaError(self.error)
            self.at_hand.append(self._next)
            self._next += 1


@dataclass
class World:
    """A coordinator of one partition, and what it is made of."""

    coordinator: TransactionCoordinator
    log: MemoryCommitLog
    markers: MarkerLog
    ids: SlowIds

    async def ask(self, answer: Any) -> Any:
        return await answer if isinstance(answer, Awaitable) else answer

    async def start(self) -> Initialized:
        answer = await self.ask(self.coordinator.initialize(Initialize("t", TIMEOUT_MS)))
        assert isinstance(answer, Initialized)
        return answer

    def add(self, *partitions: TopicPartition, producer: Producer = PRODUCER) -> Any:
        return self.coordinator.add_partitions(
            AddPartitions("t", producer, frozenset(partitions), 2)
        )

    def end(self, producer: Producer = PRODUCER, *, commit: bool = True) -> Any:
        return self.coordinator.end(End("t", producer, commit, 2))

    def admit(self, *partitions: TopicPartition, is_implicit: bool = True) -> Any:
        return self.coordinator.admit(
            "t",
            producer_id=PRODUCER.producer_id,
            producer_epoch=PRODUCER.epoch,
            partitions=partitions,
            is_implicit=is_implicit,
        )

    @property
    def state(self) -> str:
        return self.coordinator.describe("t").transaction.state.label


@asynccontextmanager
async def running(log: MemoryCommitLog | None = None, **config: Any) -> AsyncIterator[World]:
    """A coordinator that serves, with `t` started unless there is a log."""
    logs, markers, ids = log or MemoryCommitLog(), MarkerLog(), SlowIds()
    coordinator = TransactionCoordinator(
        TransactionConfig(partition_count=1, **config),
        EventLoopClock(),
        lambda _: logs,
        producer_ids=ids,
        markers=markers,
        server_version=lambda: 2,
        coordinator_epoch=lambda _: 0,
    )
    world = World(coordinator, logs, markers, ids)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(coordinator.run)
        await coordinator.load(0)
        if log is None:
            assert (await world.start()).error is ErrorCode.none
        yield world
        tasks.cancel_scope.cancel()


async def noted(answer: Awaitable[Any], into: list[Any]) -> None:
    into.append(await answer)


def used_up(state: TransactionState = TransactionState.EMPTY) -> MemoryCommitLog:
    """The log of a producer whose epochs are used up."""
    is_open = state is TransactionState.ONGOING
    transaction = Transaction(
        PRODUCER.producer_id,
        LAST_USABLE_EPOCH,
        TIMEOUT_MS,
        state,
        EPOCH_MS,
        EPOCH_MS if is_open else -1,
        frozenset({A}) if is_open else frozenset(),
    )
    return MemoryCommitLog([encode(TransactionRecord("t", transaction), 1)])
