"""`MemoryPartition`: a partition as far as transactions are concerned."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from kio.schema.errors import ErrorCode

from flowlog.broker.transactions.markers import Marker
from flowlog.broker.transactions.transaction import Producer


class Permit:
    """Held by who asked the coordinator; worth something until the next marker of the producer."""


@dataclass
class MemoryPartition:
    """Values by producer, what became of them, and every marker."""

    markers: list[Marker] = field(default_factory=list)
    committed: list[Any] = field(default_factory=list)
    aborted: list[Any] = field(default_factory=list)
    open: dict[int, list[Any]] = field(default_factory=dict)
    _epochs: dict[int, int] = field(default_factory=dict)
    _permits: dict[int, Permit] = field(default_factory=dict)

    def is_open(self, producer: Producer) -> bool:
        """Whether a batch of the producer would go on with a transaction that is open here."""
        id_ = producer.producer_id
        return id_ in self.open and self._epochs[id_] == producer.epoch

    def ask(self, producer: Producer) -> Permit:
        return self._permits.setdefault(producer.producer_id, Permit())

    def forget_who_asked(self) -> None:
        self._permits.clear()

    def append(self, producer: Producer, value: Any, permit: Permit | None) -> bool:
        """Write a value, the first of a transaction only with a permit; whether that was done."""
        id_, epoch = producer
        if epoch < self._epochs.get(id_, epoch):
            return False
        if not self.is_open(producer) and (permit is None or permit is not self._permits.get(id_)):
            return False
        self._permits.pop(id_, None)
        self._epochs[id_] = epoch
        self.open.setdefault(id_, []).append(value)
        return True

    def mark(self, marker: Marker) -> ErrorCode:
        """Write a marker, as `ProducerStateTable.check_marker` allows it."""
        id_, epoch = marker.producer_id, marker.producer_epoch
        known = self._epochs.get(id_, epoch)
        is_late = marker.transaction_version >= 2 and id_ in self.open and epoch == known
        if epoch < known or is_late:
            return ErrorCode.invalid_producer_epoch
        self._epochs[id_] = epoch
        self._permits.pop(id_, None)
        self.markers.append(marker)
        values = self.open.pop(id_, [])
        (self.committed if marker.is_commit else self.aborted).extend(values)
        return ErrorCode.none
