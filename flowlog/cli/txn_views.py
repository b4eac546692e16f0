"""What `flowlog txn` knows of transactions and of producers."""

from __future__ import annotations

from typing import NamedTuple

TopicPartition = tuple[str, int]


class Listing(NamedTuple):
    """A transactional id, as the broker that coordinates it lists it."""

    transactional_id: str
    state: str
    producer_id: int
    coordinator: int


class Description(NamedTuple):
    """A transactional id and its transaction. Times in milliseconds; None: there is none."""

    transactional_id: str
    state: str
    coordinator: int
    producer_id: int
    producer_epoch: int
    timeout_ms: int
    started_ms: int | None
    partitions: tuple[TopicPartition, ...]


class ProducerState(NamedTuple):
    """A producer that a partition remembers; `start_offset`: of its open transaction."""

    partition: TopicPartition
    producer_id: int
    producer_epoch: int
    coordinator_epoch: int
    last_sequence: int
    last_timestamp_ms: int
    start_offset: int | None


class Filters(NamedTuple):
    """Which transactional ids are wanted; empty or None: all."""

    states: tuple[str, ...] = ()
    producer_ids: tuple[int, ...] = ()
    longer_than_ms: int | None = None
    pattern: str | None = None
