"""`OffsetStore`: the offsets of one shard's groups, committed and pending.

Only the `replay` methods and `end_transaction` change them, each for a record of the log.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Final

from flowlog.broker.coordinator.commit_log import CoordinatorMarker

from .pending_offsets import PendingOffsets
from .record_types import CommittedOffset, OffsetRecord, TransactionalOffset

NOTHING: Final[Mapping[str, Mapping[int, CommittedOffset]]] = {}


class OffsetStore:
    """Offsets by group, topic and partition."""

    def __init__(self) -> None:
        self._groups: dict[str, dict[str, dict[int, CommittedOffset]]] = {}
        self.pending = PendingOffsets()

    def replay(self, record: OffsetRecord) -> None:
        """Apply a record that is in the log."""
        if record.committed is None:
            self._forget(record)
            self.pending.forget(record)
            return
        self._put(record, record.committed)
        self.pending.supersede(record)

    def replay_pending(self, record: TransactionalOffset) -> None:
        """Apply a record that is in the log, and that waits for the end of its transaction."""
        self.pending.put(record.producer.producer_id, record.offset)

    def end_transaction(self, marker: CoordinatorMarker) -> None:
        """Apply a marker that is in the log; what was committed later than it stays."""
        for pending in self.pending.end(marker.producer.producer_id):
            if marker.is_commit and pending.offset.committed is not None:
                self._put(pending.offset, pending.offset.committed)
                self.pending.supersede(pending.offset, before=pending.serial)

    def _put(self, record: OffsetRecord, committed: CommittedOffset) -> None:
        topics = self._groups.setdefault(record.group_id, {})
        topics.setdefault(record.topic, {})[record.partition] = committed

    def _forget(self, record: OffsetRecord) -> None:
        topics = self._groups.get(record.group_id, {})
        partitions = topics.get(record.topic, {})
        partitions.pop(record.partition, None)
        if not partitions:
            topics.pop(record.topic, None)
        if not topics:
            self._groups.pop(record.group_id, None)

    def get(self, group_id: str, topic: str, partition: int) -> CommittedOffset | None:
        return self._groups.get(group_id, NOTHING).get(topic, {}).get(partition)

    def of_group(self, group_id: str) -> Mapping[str, Mapping[int, CommittedOffset]]:
        """A group's offsets by topic and partition; empty when it has none."""
        return self._groups.get(group_id, NOTHING)

    def rows(self, group_id: str) -> Iterator[tuple[str, int, CommittedOffset]]:
        """A group's offsets one by one. The store must not change meanwhile."""
        for topic, partitions in self.of_group(group_id).items():
            for partition, committed in partitions.items():
                yield topic, partition, committed

    def group_ids(self) -> Iterator[str]:
        """Every group with an offset, be it pending; some come twice."""
        return chain(self._groups, self.pending.group_ids())

    def has_any(self, group_id: str, topic: str, partition: int) -> bool:
        """Whether there is an offset to delete, be it pending."""
        return self.get(group_id, topic, partition) is not None or self.pending.is_open(
            group_id, topic, partition
        )

    def pending_only(self, group_id: str) -> list[tuple[str, int]]:
        """The group's partitions in which nothing is committed yet, but something is pending."""
        rows = self.pending.rows(group_id)
        return [row for row in rows if self.get(group_id, *row) is None]

    def of_topic(self, topic: str) -> Iterator[tuple[str, int, CommittedOffset]]:
        """Every offset in that topic, with its group and partition; pending ones too."""
        yield from self.pending.of_topic(topic)
        for group_id, topics in self._groups.items():
            for partition, committed in topics.get(topic, {}).items():
                yield group_id, partition, committed
