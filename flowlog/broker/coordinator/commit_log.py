"""The log port of the coordinators: what a shard needs of its partition of an internal topic.

The broker gives an adapter over the partition that it leads; tests give a list. The port knows
keys and values as bytes; what they mean is the machine's business.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol


class CoordinatorRecord(NamedTuple):
    """One record of an internal topic. A value of None is a tombstone: the key is forgotten."""

    key: bytes
    value: bytes | None


class CommitLog(Protocol):
    """An append-only log with one writer. Offsets count records; end offsets are exclusive."""

    def append(self, records: Sequence[CoordinatorRecord]) -> int:
        """Append all records, or none; return the log end offset behind the last of them.

        Raises:
            KafkaError: the partition refuses (no longer the leader, too few replicas, too large).
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

    def read_all(self) -> Iterator[CoordinatorRecord]:
        """Every data record from the log's start to its end, in order."""
        ...
