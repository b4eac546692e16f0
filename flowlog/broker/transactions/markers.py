"""Markers: what the partitions of a transaction are told of how it ended, and the port for it."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Collection, Mapping
from typing import Final, NamedTuple, Protocol, TypeAlias

from kio.schema.errors import ErrorCode

from .states import TransactionState
from .transaction import TopicPartition, Transaction

logger = logging.getLogger(__name__)

Partitions: TypeAlias = Collection[TopicPartition]
Outcomes: TypeAlias = Mapping[TopicPartition, ErrorCode]

SETTLED: Final = frozenset(
    {
        ErrorCode.none,
        # A newer epoch wrote here: what this marker would end has ended.
        ErrorCode.invalid_producer_epoch,
    }
)


class Marker(NamedTuple):
    """What a partition is told: how a producer's transaction ended, and who says so."""

    producer_id: int
    producer_epoch: int
    is_commit: bool
    coordinator_epoch: int
    transaction_version: int


class MarkerPort(Protocol):
    """Where markers are written."""

    def write(
        self, marker: Marker, partitions: Collection[TopicPartition]
    ) -> Outcomes | Awaitable[Outcomes]:
        """Write the marker to each partition; `none` once its outcome will survive a crash.

        A partition whose topic was deleted has nothing to be told: `none`. Never raises for a
        partition that cannot be written.
        """
        ...


def marker_of(transaction: Transaction, coordinator_epoch: int) -> Marker:
    """What the partitions of a transaction that ends are told."""
    return Marker(
        transaction.producer_id,
        transaction.producer_epoch,
        transaction.state is TransactionState.PREPARE_COMMIT,
        coordinator_epoch,
        transaction.client_version,
    )


def refused_by(outcomes: Outcomes) -> Partitions:
    """The partitions that have to be told again."""
    refused = {key: code.name for key, code in outcomes.items() if code not in SETTLED}
    if refused:
        logger.warning("markers are sent again, partitions refused them: %s", refused)
    return tuple(refused)
