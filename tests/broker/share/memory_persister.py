"""A `SharePersister` in memory, which fails and waits as it is told to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import anyio
from kio.schema.errors import ErrorCode

from flowlog.broker.coordinator.decision import Now
from flowlog.broker.share.persister import (
    SharePartitionKey,
    ShareState,
    ShareStateSummary,
    ShareStateUpdate,
)
from flowlog.broker.share.state.config import ShareStateConfig
from flowlog.broker.share.state.records import StateRecord
from flowlog.broker.share.state.shard import ShareStateShard
from flowlog.errors import KafkaError

NOW = Now(0, 0)


@dataclass
class MemoryPersister:
    """The share coordinator's own machine, without its log.

    Attributes:
        error: what writes say; they are done all the same where `is_doubtful`.
        gate: what writes wait for.
        writes: those that were done.
    """

    error: ErrorCode | None = None
    is_doubtful: bool = False
    gate: anyio.Event | None = None
    writes: list[ShareStateUpdate] = field(default_factory=list)
    shard: ShareStateShard = field(
        default_factory=lambda: ShareStateShard(ShareStateConfig(), lambda *_: True)
    )

    async def initialize(
        self, key: SharePartitionKey, *, state_epoch: int, start_offset: int
    ) -> None:
        decision = self.shard.initialize(
            key, state_epoch=state_epoch, start_offset=start_offset, now=NOW
        )
        self._replay(decision.records)

    async def read(self, key: SharePartitionKey, *, leader_epoch: int) -> ShareState:
        decision = self.shard.read(key, leader_epoch, NOW)
        self._replay(decision.records)
        return decision.response

    async def write(self, key: SharePartitionKey, update: ShareStateUpdate) -> None:
        if self.gate is not None:
            await self.gate.wait()
        if self.error is None or self.is_doubtful:
            self._replay(self.shard.write(key, update, NOW).records)
            self.writes.append(update)
        if self.error is not None:
            raise KafkaError(self.error)

    async def delete(self, key: SharePartitionKey) -> None:
        self._replay(self.shard.delete(key).records)

    async def summary(self, key: SharePartitionKey, *, leader_epoch: int) -> ShareStateSummary:
        return self.shard.summary(key)

    def _replay(self, records: Iterable[StateRecord]) -> None:
        for record in records:
            self.shard.replay(record)
