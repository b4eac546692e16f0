"""A `SharePersister` for where no states are kept: it refuses everything."""

from __future__ import annotations

from typing import NoReturn

from kio.schema.errors import ErrorCode

from flowlog.errors import KafkaError

from .persister import SharePartitionKey, ShareState, ShareStateSummary, ShareStateUpdate


class UnavailablePersister:
    """Every method raises `KafkaError`: COORDINATOR_NOT_AVAILABLE."""

    async def initialize(
        self, key: SharePartitionKey, *, state_epoch: int, start_offset: int
    ) -> None:
        _refuse()

    async def read(self, key: SharePartitionKey, *, leader_epoch: int) -> ShareState:
        _refuse()

    async def write(self, key: SharePartitionKey, update: ShareStateUpdate) -> None:
        _refuse()

    async def delete(self, key: SharePartitionKey) -> None:
        _refuse()

    async def summary(self, key: SharePartitionKey, *, leader_epoch: int) -> ShareStateSummary:
        _refuse()


def _refuse() -> NoReturn:
    raise KafkaError(ErrorCode.coordinator_not_available)
