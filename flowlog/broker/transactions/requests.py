"""What producers ask of their coordinator and what they hear, free of protocol versions."""

from __future__ import annotations

from typing import NamedTuple

from kio.schema.errors import ErrorCode

from .transaction import NO_EPOCH, NO_PRODUCER_ID, Producer, TopicPartition


class Initialize(NamedTuple):
    """InitProducerId with a transactional id.

    `expected` is the producer that goes on after an error (KIP-360); None: a new life begins,
    and whoever had the transactional id before is fenced.
    """

    transactional_id: str
    timeout_ms: int
    expected: Producer | None = None
    is_two_phase: bool = False
    keeps_prepared: bool = False


class Initialized(NamedTuple):
    """The answer to an `Initialize`."""

    error: ErrorCode
    producer_id: int = NO_PRODUCER_ID
    producer_epoch: int = NO_EPOCH


class AddPartitions(NamedTuple):
    """AddPartitionsToTxn and whatever else adds: all of the partitions, or none.

    `client_version`: the transaction version that the client speaks.
    """

    transactional_id: str
    producer: Producer
    partitions: frozenset[TopicPartition]
    client_version: int = 0


class End(NamedTuple):
    """EndTxn."""

    transactional_id: str
    producer: Producer
    is_commit: bool
    client_version: int = 0


class Ended(NamedTuple):
    """The answer to an `End`; with the producer's next epoch from transaction version 2 on."""

    error: ErrorCode
    producer_id: int = NO_PRODUCER_ID
    producer_epoch: int = NO_EPOCH
