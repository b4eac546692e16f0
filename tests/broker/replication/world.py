"""Partitions on files in memory, and a producer that writes transactions by hand."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from flowlog.broker.replication.partition import Partition
from flowlog.broker.storage.config import LogConfig
from flowlog.broker.storage.group_commit import GroupCommit
from flowlog.broker.storage.log_dir import LogDirectory
from flowlog.records.builder import build_batch
from flowlog.records.record import Record

NOW_MS = 1_700_000_000_000
TOPIC_ID = UUID(int=7)


def partition_of(directory: LogDirectory, config: LogConfig) -> Partition:
    log = directory.create("clicks", TOPIC_ID, 0, config)
    return Partition("clicks", TOPIC_ID, 0, log, leader_epoch=3, group_commit=GroupCommit())


@dataclass(frozen=True)
class TransactionalWriter:
    """Builds one producer's batches, and ends its transactions as a coordinator would."""

    producer_id: int

    def batch(self, base_sequence: int, *, count: int = 1, epoch: int = 0) -> bytes:
        return build_batch(
            [Record(b"key", b"%d" % self.producer_id, (), NOW_MS)] * count,
            producer_id=self.producer_id,
            producer_epoch=epoch,
            base_sequence=base_sequence,
            is_transactional=True,
        )

    def end(self, partition: Partition, *, committed: bool, epoch: int = 0) -> int:
        """Write the marker; the end offset."""
        return partition.append_marker(
            producer_id=self.producer_id,
            producer_epoch=epoch,
            committed=committed,
            coordinator_epoch=0,
            transaction_version=1,
            now_ms=NOW_MS,
        )
