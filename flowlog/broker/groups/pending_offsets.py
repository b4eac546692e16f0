"""Offsets that were committed within transactions: they count once these are.

Source: `OffsetMetadataManager` in apache/kafka, group-coordinator.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple, TypeAlias

from .record_types import CommittedOffset, OffsetRecord

Row: TypeAlias = tuple[str, int]  # topic and partition
Key: TypeAlias = tuple[str, str, int]  # group, topic and partition
NO_PRODUCERS: Final[frozenset[int]] = frozenset()


class Pending(NamedTuple):
    """An offset, and where its record stands among all that were pending."""

    serial: int
    offset: OffsetRecord


class PendingOffsets:
    """By producer id, as the log's records say so far.

    Readers who ask for stable offsets are put off by a pending one, also by one that a later
    commit made worthless: `is_open` until the transaction ends.
    """

    def __init__(self) -> None:
        self._by_producer: dict[int, dict[Key, Pending | None]] = {}  # None: superseded
        self._open: dict[str, dict[Row, set[int]]] = {}
        self._serial = 0

    def put(self, producer_id: int, offset: OffsetRecord) -> None:
        """Apply a transactional record that is in the log."""
        self._serial += 1
        key = (offset.group_id, offset.topic, offset.partition)
        self._by_producer.setdefault(producer_id, {})[key] = Pending(self._serial, offset)
        rows = self._open.setdefault(offset.group_id, {})
        rows.setdefault((offset.topic, offset.partition), set()).add(producer_id)

    def supersede(self, offset: OffsetRecord, before: int | None = None) -> None:
        """Something newer was committed: what is pending from before (a serial) never counts."""
        key = (offset.group_id, offset.topic, offset.partition)
        for producer_id in self._producers(*key):
            offsets = self._by_producer[producer_id]
            pending = offsets.get(key)
            if pending is not None and (before is None or pending.serial < before):
                offsets[key] = None

    def forget(self, offset: OffsetRecord) -> None:
        """The offset was deleted, and with it whatever is pending."""
        key = (offset.group_id, offset.topic, offset.partition)
        for producer_id in tuple(self._producers(*key)):
            offsets = self._by_producer[producer_id]
            del offsets[key]
            if not offsets:
                del self._by_producer[producer_id]
            self._close(key, producer_id)

    def end(self, producer_id: int) -> list[Pending]:
        """The producer's transaction ended; what was pending in it, oldest first."""
        offsets = self._by_producer.pop(producer_id, {})
        for key in offsets:
            self._close(key, producer_id)
        return sorted(pending for pending in offsets.values() if pending is not None)

    def is_open(self, group_id: str, topic: str, partition: int) -> bool:
        """Whether an undecided transaction has committed an offset there."""
        return (topic, partition) in self._open.get(group_id, ())

    def rows(self, group_id: str) -> Iterable[Row]:
        """The group's partitions with undecided offsets."""
        return tuple(self._open.get(group_id, ()))

    def group_ids(self) -> Iterator[str]:
        return iter(self._open)

    def of_topic(self, topic: str) -> Iterator[tuple[str, int, CommittedOffset]]:
        """Every offset that is pending in that topic, with its group and partition."""
        for offsets in self._by_producer.values():
            for pending in offsets.values():
                if pending is None or pending.offset.topic != topic:
                    continue
                group_id, _, partition, committed = pending.offset
                if committed is not None:
                    yield group_id, partition, committed

    def _producers(self, group_id: str, topic: str, partition: int) -> Iterable[int]:
        return self._open.get(group_id, {}).get((topic, partition), NO_PRODUCERS)

    def _close(self, key: Key, producer_id: int) -> None:
        group_id, topic, partition = key
        rows = self._open[group_id]
        producer_ids = rows[topic, partition]
        producer_ids.discard(producer_id)
        if not producer_ids:
            del rows[topic, partition]
        if not rows:
            del self._open[group_id]
