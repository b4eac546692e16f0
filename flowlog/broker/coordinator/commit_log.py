"""The log port of the coordinators: what a shard needs of its partition of an internal topic.

The broker gives an adapter over the partition that it leads; tests give a list. The port knows
keys and values as bytes; what they mean is the machine's business. Records may be part of a
producer's transaction; its marker, an entry of its own, says later whether they count.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol, TypeAlias


class RecordProducer(NamedTuple):
    """Whose transaction a record is part of."""

    producer_id: int
    producer_epoch: int


class CoordinatorRecord(NamedTuple):
    """One record of an internal topic. A value of None is a tombstone: the key is forgotten."""

    key: bytes
    value: bytes | None
    producer: RecordProducer | None = None


class CoordinatorMarker(NamedTuple):
    """The end of a producer's transaction: its records count from here on, or never.

    `transaction_version` says how strictly the log is to look at the epoch; it is not kept.
    """

    producer: RecordProducer
    is_commit: bool
    coordinator_epoch: int
    transaction_version: int = 0


LogEntry: TypeAlias = CoordinatorRecord | CoordinatorMarker


class CommitLog(Protocol):
    """An append-only log with one writer. Offsets count records; end offsets are exclusive."""

    def append(self, entries: Sequence[LogEntry]) -> int:
        """Append all entries, or none; return the log end offset behind the last of them.

        They are records of one producer's transaction, or of none, or they are a single marker.

        Raises:
            KafkaError: the partition refuses (no longer the leader, too few replicas, too large,
                a producer or coordinator that was fenced).
            OSError: the disk failed.
        """
        ...

    def is_committed(self, end_offset: int) -> bool:
        """Whether every record below `end_offset` would survive what the topic promises to survive."""
        ...

    async def wait_committed(self, end_offset: int) -> None:
        """Return once `is_committed(end_offset)`.

        Raises:
            KafkaError: the records will not be committed here (leadership lost).
            OSError: the disk could not keep them.
        """
        ...

    def read_all(self) -> Iterator[LogEntry]:
        """Every record and marker from the log's start to its end, in order."""
        ...
