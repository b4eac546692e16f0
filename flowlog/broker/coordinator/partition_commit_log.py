"""A coordinator's log kept in a partition: each decision is one batch, all of it or nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kio.schema.errors import ErrorCode

from flowlog.broker.replication.partition import Partition
from flowlog.broker.storage.log_records import iter_log_records
from flowlog.broker.storage.origin import AppendOrigin
from flowlog.clock import Clock
from flowlog.errors import KafkaError
from flowlog.records.builder import build_batch
from flowlog.records.record import Record

from .commit_log import CoordinatorRecord


class PartitionCommitLog:
    """`CommitLog` over a partition that this broker leads."""

    def __init__(self, partition: Partition, clock: Clock) -> None:
        self._partition = partition
        self._clock = clock

    def append(self, records: Sequence[CoordinatorRecord]) -> int:
        """Append the records as one batch; return the offset after its last.

        Raises:
            KafkaError: KAFKA_STORAGE_ERROR; nothing was written that will be kept.
        """
        now_ms = self._clock.now_ms()
        batch = build_batch(
            [Record(key=r.key, value=r.value, timestamp_ms=now_ms) for r in records]
        )
        try:
            return (
                self._partition.append(
                    batch, now_ms=now_ms, origin=AppendOrigin.COORDINATOR
                ).last_offset
                + 1
            )
        except OSError as error:
            raise KafkaError(ErrorCode.kafka_storage_error, str(error)) from error

    def is_committed(self, end_offset: int) -> bool:
        return self._partition.is_committed(end_offset)

    async def wait_committed(self, end_offset: int) -> None:
        try:
            await self._partition.wait_committed(end_offset)
        except OSError as error:
            raise KafkaError(ErrorCode.kafka_storage_error, str(error)) from error

    def read_all(self) -> Iterator[CoordinatorRecord]:
        """Every record, oldest first."""
        for record in iter_log_records(self._partition.log):
            if record.key is not None:
                yield CoordinatorRecord(record.key, record.value)
