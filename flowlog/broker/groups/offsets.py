"""`OffsetStore`: the committed offsets of one shard's groups. Only `replay` changes them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from .record_types import CommittedOffset, OffsetRecord

NOTHING: Final[Mapping[str, Mapping[int, CommittedOffset]]] = {}


class OffsetStore:
    """Offsets by group, topic and partition."""

    def __init__(self) -> None:
        self._groups: dict[str, dict[str, dict[int, CommittedOffset]]] = {}

    def replay(self, record: OffsetRecord) -> None:
        """Apply a record that is in the log."""
        if record.committed is None:
            self._forget(record)
            return
        topics = self._groups.setdefault(record.group_id, {})
        topics.setdefault(record.topic, {})[record.partition] = record.committed

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
        return iter(self._groups)

    def of_topic(self, topic: str) -> Iterator[tuple[str, int, CommittedOffset]]:
        """Every offset in that topic, with its group and partition."""
        for group_id, topics in self._groups.items():
            for partition, committed in topics.get(topic, {}).items():
                yield group_id, partition, committed
