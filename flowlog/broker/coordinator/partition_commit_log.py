"""A coordinator's log kept in a partition: each decision is one batch, all of it or nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kio.schema.errors import ErrorCode

from flowlog.broker.replication.partition import Partition
from flowlog.broker.storage.log_records import iter_log_batches
from flowlog.broker.storage.origin import AppendOrigin
from flowlog.clock import Clock
from flowlog.errors import KafkaError
from flowlog.records.batch import RecordBatchView
from flowlog.records.builder import build_batch
from flowlog.records.control import ControlType, read_end_marker
from flowlog.records.record import Record, iter_records

from .commit_log import CoordinatorMarker, CoordinatorRecord, LogEntry, RecordProducer


class PartitionCommitLog:
    """`CommitLog` over a partition that this broker leads."""

    def __init__(self, partition: Partition, clock: Clock) -> None:
        self._partition = partition
        self._clock = clock

    def append(self, entries: Sequence[LogEntry]) -> int:
        """Append the records as one batch, or the marker; return the offset after the last.

        Raises:
            KafkaError: KAFKA_STORAGE_ERROR, or the log refuses a producer's epoch or a
                coordinator's; nothing was written that will be kept.
        """
        records = [entry for entry in entries if isinstance(entry, CoordinatorRecord)]
        try:
            if records:
                assert len(records) == len(entries), "a marker is an append of its own"
                return self._append_records(records)
            (marker,) = entries
            assert isinstance(marker, CoordinatorMarker)
            return self._append_marker(marker)
        except OSError as error:
            raise KafkaError(ErrorCode.kafka_storage_error, str(error)) from error

    def _append_records(self, records: Sequence[CoordinatorRecord]) -> int:
        now_ms = self._clock.now_ms()
        rows = [Record(key=r.key, value=r.value, timestamp_ms=now_ms) for r in records]
        producer = records[0].producer
        if producer is None:
            batch = build_batch(rows)
        else:
            assert {r.producer for r in records} == {producer}, "one transaction in a batch"
            batch = build_batch(
                rows,
                producer_id=producer.producer_id,
                producer_epoch=producer.producer_epoch,
                is_transactional=True,
            )
        result = self._partition.append(batch, now_ms=now_ms, origin=AppendOrigin.COORDINATOR)
        return result.last_offset + 1

    def _append_marker(self, marker: CoordinatorMarker) -> int:
        return self._partition.append_marker(
            producer_id=marker.producer.producer_id,
            producer_epoch=marker.producer.producer_epoch,
            committed=marker.is_commit,
            coordinator_epoch=marker.coordinator_epoch,
            transaction_version=marker.transaction_version,
            now_ms=self._clock.now_ms(),
        )

    def is_committed(self, end_offset: int) -> bool:
        return self._partition.is_committed(end_offset)

    async def wait_committed(self, end_offset: int) -> None:
        try:
            await self._partition.wait_committed(end_offset)
        except OSError as error:
            raise KafkaError(ErrorCode.kafka_storage_error, str(error)) from error

    def read_all(self) -> Iterator[LogEntry]:
        """Every record and marker, oldest first."""
        log = self._partition.log
        for batch in iter_log_batches(log):
            if batch.is_control:
                yield from _markers(batch)
                continue
            producer = _producer(batch) if batch.is_transactional else None
            for record in iter_records(
                batch, max_decompressed_bytes=log.config.max_decompressed_bytes
            ):
                if record.key is not None:
                    yield CoordinatorRecord(record.key, record.value, producer)


def _producer(batch: RecordBatchView) -> RecordProducer:
    return RecordProducer(batch.producer_id, batch.producer_epoch)


def _markers(batch: RecordBatchView) -> Iterator[CoordinatorMarker]:
    marker = read_end_marker(batch)
    if marker is not None:
        is_commit = marker.type is ControlType.COMMIT
        yield CoordinatorMarker(_producer(batch), is_commit, marker.coordinator_epoch)
