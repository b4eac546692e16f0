"""`ShareStateCoordinator`: the shell around the states of share partitions, a `SharePersister`.

Its shards are those of `__share_group_state`, which is made when a state is first asked for.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final, TypeVar
from uuid import UUID

import anyio
from kio.schema.errors import ErrorCode

from flowlog.broker.coordinator.commit_log import CommitLog
from flowlog.broker.coordinator.decision import Decision, Now
from flowlog.broker.coordinator.partitioning import partition_for
from flowlog.broker.coordinator.runtime import ShardRuntime
from flowlog.broker.coordinator.shards import Shards
from flowlog.broker.storage.checkpoints import decode_topic_id, encode_topic_id
from flowlog.clock import Clock
from flowlog.errors import KafkaError

from ..persister import (
    SharePartitionKey,
    ShareState,
    ShareStateSummary,
    ShareStateUpdate,
)
from .config import ShareStateConfig
from .pruning import PrunableLog
from .records import StateRecord
from .shard import PartitionExists, ShareStateShard

logger = logging.getLogger(__name__)

R = TypeVar("R")

Decide = Callable[[ShareStateShard, Now], Decision[R, StateRecord]]

SHARE_STATE_TOPIC: Final = "__share_group_state"


def coordinator_key(key: SharePartitionKey) -> str:
    """What FindCoordinator is asked for: `group:topic id:partition`."""
    return f"{key.group_id}:{encode_topic_id(key.topic_id)}:{key.partition}"


def is_coordinator_key(text: str) -> bool:
    """Whether it names a share partition, of a group whose name may itself have colons."""
    parts = text.rsplit(":", 2)
    if len(parts) < 3 or not parts[0].strip() or not parts[2].isdecimal():
        return False
    try:
        decode_topic_id(parts[1])
    except ValueError:
        return False
    return True


class ShareStateCoordinator:
    """Every share partition's state of this broker.

    `run` is its background task; `load` and `unload` follow the leadership of the partitions of
    `__share_group_state`.
    """

    def __init__(
        self,
        config: ShareStateConfig,
        clock: Clock,
        open_log: Callable[[int], PrunableLog],
        *,
        partition_exists: PartitionExists,
        ensure_topic: Callable[[], Awaitable[None]],
        delete_before: Callable[[int, int], None],
    ) -> None:
        """Args:
        partition_exists: whether a topic that has the id has that partition.
        ensure_topic: makes `__share_group_state` unless it is there; returns with it loading.
        delete_before: deletes a partition's records before an offset (exclusive).
        """
        self.config = config
        self._ensure_topic = ensure_topic
        self._delete_before = delete_before
        self._logs: dict[int, PrunableLog] = {}
        self._reset_listeners: list[Callable[[SharePartitionKey], None]] = []

        def open_prunable(index: int) -> CommitLog:
            log = self._logs[index] = open_log(index)
            return log

        self._shards: Shards[ShareStateShard] = Shards(
            SHARE_STATE_TOPIC,
            clock=clock,
            new_machine=lambda: ShareStateShard(config, partition_exists),
            open_log=open_prunable,
        )

    def add_reset_listener(self, listener: Callable[[SharePartitionKey], None]) -> None:
        """Be told, once it is committed, of each state that was set anew or deleted."""
        self._reset_listeners.append(listener)

    # Lifecycle.

    async def run(self) -> None:
        """Serve timers and commits, and delete what was superseded, until cancelled."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._shards.run)
            while True:
                await anyio.sleep(self.config.prune_interval_ms / 1000)
                self.prune()

    async def load(self, partition: int) -> None:
        """Take over a partition of `__share_group_state`; does nothing if it is ours already."""
        await self._shards.load(partition)

    def unload(self, partition: int) -> None:
        self._shards.unload(partition)

    def shutdown(self) -> None:
        self._shards.unload_all()

    def partition_for(self, key: SharePartitionKey) -> int:
        """The partition of `__share_group_state` that holds the state."""
        return partition_for(coordinator_key(key), self.config.partition_count)

    def prune(self) -> None:
        """Delete what was superseded from the log of every shard that is served."""
        for partition, log in self._logs.items():
            with suppress(KafkaError):
                self._shards.get(partition)
                try:
                    self._delete_before(partition, log.superseded_before)
                except OSError as error:
                    logger.warning(
                        "%s-%d cannot be pruned: %s", SHARE_STATE_TOPIC, partition, error
                    )

    async def topic_deleted(self, topic_id: UUID) -> None:
        """Forget every group's states in a topic that is gone."""
        for shard in self._shards:
            await shard.wait_loaded()
            with suppress(KafkaError):
                shard.check_active()
                decision = shard.machine.forget_topic(topic_id)
                written = shard.write(decision)
                if isinstance(written, Awaitable):
                    await written
                for record in decision.records:
                    self._tell(record.key)

    # `SharePersister`.

    async def initialize(
        self, key: SharePartitionKey, *, state_epoch: int, start_offset: int
    ) -> None:
        await self._write(
            key,
            lambda shard, now: shard.initialize(
                key, state_epoch=state_epoch, start_offset=start_offset, now=now
            ),
        )
        self._tell(key)

    async def read(self, key: SharePartitionKey, *, leader_epoch: int) -> ShareState:
        shard = await self._shard(key)
        decision = shard.machine.read(key, leader_epoch, shard.now())
        found = await _result(shard.write(decision))
        return found if decision.records else await _result(shard.read(found))

    async def write(self, key: SharePartitionKey, update: ShareStateUpdate) -> None:
        await self._write(key, lambda shard, now: shard.write(key, update, now))

    async def delete(self, key: SharePartitionKey) -> None:
        await self._write(key, lambda shard, _: shard.delete(key))
        self._tell(key)

    async def summary(self, key: SharePartitionKey, *, leader_epoch: int) -> ShareStateSummary:
        shard = await self._shard(key)
        return await _result(shard.read(shard.machine.summary(key)))

    # Inside.

    async def _write(self, key: SharePartitionKey, decide: Decide[R]) -> R:
        shard = await self._shard(key)
        return await _result(shard.write(decide(shard.machine, shard.now())))

    async def _shard(self, key: SharePartitionKey) -> ShardRuntime[ShareStateShard]:
        """The shard that holds the state, once it is loaded; nothing suspends where it is."""
        index = self.partition_for(key)
        try:
            return self._shards.get(index)
        except KafkaError as error:
            if error.error_code is ErrorCode.not_coordinator:
                await self._ensure_topic()
        await self._shards.wait_loaded(index)
        return self._shards.get(index)

    def _tell(self, key: SharePartitionKey) -> None:
        for listener in self._reset_listeners:
            listener(key)


async def _result(answer: R | Awaitable[R]) -> R:
    return await answer if isinstance(answer, Awaitable) else answer
