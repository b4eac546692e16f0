"""Appending to a partition log: checks, offsets, rolling, and what is learnt from a batch.

The path of a client's batch is short on purpose: one header read, one checksum, one write.
"""

from __future__ import annotations

from contextlib import suppress
from typing import NamedTuple

from kio.schema.errors import ErrorCode

from flowlog.broker.storage import patching
from flowlog.broker.storage.environment import NO_SPACE
from flowlog.broker.storage.files import Buffer
from flowlog.broker.storage.log_state import NEVER_CLEAN, LogState
from flowlog.broker.storage.origin import AppendOrigin
from flowlog.broker.storage.producer_state import CachedBatch
from flowlog.broker.storage.rolling import must_roll
from flowlog.broker.storage.segment import LogSegment
from flowlog.broker.storage.snapshots import aborted_of
from flowlog.errors import KafkaError
from flowlog.records.batch import RecordBatchView, iter_batches
from flowlog.records.control import EndTransactionMarker, build_end_marker, read_end_marker
from flowlog.records.conversion import recompressed, require_keys
from flowlog.records.errors import CorruptBatchError
from flowlog.records.validation import validate_batch


class AppendResult(NamedTuple):
    """Where a batch went; offsets inclusive. A duplicate's are those it got the first time."""

    base_offset: int
    last_offset: int
    log_append_time_ms: int
    """-1 unless the topic takes the broker's time."""
    log_start_offset: int
    is_duplicate: bool


class LogAppending(LogState):
    """How records come into the log."""

    def append_as_leader(
        self,
        batches: Buffer,
        *,
        leader_epoch: int,
        now_ms: int,
        zstd_allowed: bool = True,
        origin: AppendOrigin = AppendOrigin.CLIENT,
    ) -> AppendResult:
        """Check one batch, give it the next offsets and write it.

        Args:
            batches: exactly one record batch, filling the buffer. A writable buffer is patched in
                place and must not be used for anything else afterwards.
            zstd_allowed: whether the client's version of Produce knows zstd (7 and later).

        Raises:
            KafkaError: the batch is refused; nothing was written.
            StorageError: the disk refused or is full; nothing was appended.
        """
        if self.is_closed or self._health.failure is not None:
            self.check_open()
            self._health.check()
        config = self.config
        batch = _view(batches)
        if origin is AppendOrigin.CLIENT:
            validate_batch(batch, config.batch_limits, now_ms=now_ms, zstd_allowed=zstd_allowed)
            if config.is_compacted:
                require_keys(batch, max_decompressed_bytes=config.max_decompressed_bytes)
        marker = None
        if batch.producer_id >= 0:
            if batch.is_control:
                marker = self._check_marker(batch)
            else:
                duplicate = self.producers.check(batch)
                if duplicate is not None:
                    return self._duplicate(duplicate)
        if config.codec is not None and not batch.is_control:
            batch = recompressed(
                batch, config.codec, max_decompressed_bytes=config.max_decompressed_bytes
            )
        if config.takes_append_time:
            batch = patching.with_append_time(batch, now_ms)
        if self._free_space is not None and origin is AppendOrigin.CLIENT:
            self._free_space.take(batch.size_bytes, now_ms)
        base_offset = self.log_end_offset
        last_offset = base_offset + batch.last_offset_delta
        buffers = patching.assign_offset(batch, base_offset=base_offset, leader_epoch=leader_epoch)
        self._write(batch, buffers, last_offset, leader_epoch, now_ms)
        if batch.producer_id >= 0:
            self._note_producer(batch, marker, base_offset, now_ms)
        append_time_ms = now_ms if config.takes_append_time else -1
        return AppendResult(base_offset, last_offset, append_time_ms, self.log_start_offset, False)

    def append_marker(
        self,
        marker: EndTransactionMarker,
        *,
        producer_id: int,
        producer_epoch: int,
        transaction_version: int,
        leader_epoch: int,
        now_ms: int,
    ) -> AppendResult:
        """End the producer's transaction in this log, as its coordinator decided.

        Args:
            transaction_version: of the `transaction.version` feature; 2 and later fence markers
                of the epoch that wrote the records (KIP-890).

        Raises:
            KafkaError: INVALID_PRODUCER_EPOCH or TRANSACTION_COORDINATOR_FENCED; nothing was
                written.
            StorageError: the disk refused; nothing was appended.
        """
        self.producers.check_marker(
            producer_id,
            producer_epoch,
            coordinator_epoch=marker.coordinator_epoch,
            transaction_version=transaction_version,
        )
        batch = build_end_marker(
            marker, producer_id=producer_id, producer_epoch=producer_epoch, timestamp_ms=now_ms
        )
        return self.append_as_leader(
            batch, leader_epoch=leader_epoch, now_ms=now_ms, origin=AppendOrigin.COORDINATOR
        )

    def append_as_follower(self, batches: Buffer, *, now_ms: int) -> AppendResult:
        """Write batches as the leader stored them, offsets and epochs included.

        A batch cut short at the end is left for the next fetch; offsets may have gaps, where the
        leader compacted.

        Raises:
            KafkaError: CORRUPT_MESSAGE for a damaged batch or one that does not continue the log;
                those before it were written.
            StorageError: the disk refused.
        """
        self.check_open()
        self._health.check()
        base_offset = self.log_end_offset
        try:
            for batch in iter_batches(batches):
                batch.check_crc()
                if batch.base_offset < self.log_end_offset:
                    raise CorruptBatchError(
                        f"batch at {batch.base_offset} in a log that ends at {self.log_end_offset}"
                    )
                marker = self._read_marker(batch)
                epoch = batch.leader_epoch
                self._write(batch, (batch.encoded,), batch.last_offset, epoch, now_ms)
                if batch.producer_id >= 0:
                    self._note_producer(batch, marker, batch.base_offset, now_ms)
        except CorruptBatchError as error:
            raise KafkaError(ErrorCode.corrupt_message, str(error)) from None
        return AppendResult(base_offset, self.log_end_offset - 1, -1, self.log_start_offset, False)

    def _write(
        self,
        batch: RecordBatchView,
        buffers: tuple[Buffer, ...],
        last_offset: int,
        leader_epoch: int,
        now_ms: int,
    ) -> None:
        """Put a batch at the end of the log, in a new segment if the old one is full."""
        config = self.config
        size_bytes = batch.size_bytes
        segment = self.segments.active
        if size_bytes > config.segment_bytes:
            raise KafkaError(
                ErrorCode.record_list_too_large,
                f"the batch has {size_bytes} bytes, segment.bytes is {config.segment_bytes}",
            )
        try:
            if must_roll(
                segment,
                config,
                incoming_bytes=size_bytes,
                last_offset=last_offset,
                max_timestamp_ms=batch.max_timestamp_ms,
                now_ms=now_ms,
            ):
                segment = self.roll()
                if not segment.has_room_for(last_offset):
                    raise CorruptBatchError(f"offset {last_offset} is too far ahead of the log")
            segment.append(
                buffers,
                size_bytes=size_bytes,
                last_offset=last_offset,
                max_timestamp_ms=batch.max_timestamp_ms,
                index_interval_bytes=config.index_interval_bytes,
            )
        except OSError as error:
            with suppress(OSError):  # The next append overwrites what this one left anyway.
                segment.log.truncate(segment.size_bytes)
            if self._free_space is not None and error.errno in NO_SPACE:
                self._free_space.ran_out()
            raise self._health.failed(f"append to {self.name}", error) from error
        if leader_epoch > self.epochs.latest_epoch:
            self.epochs.assign(leader_epoch, last_offset - batch.last_offset_delta)
        self.log_end_offset = last_offset + 1
        self._last_used_ms = segment.modified_ms = now_ms

    def roll(self) -> LogSegment:
        """Seal the growing segment and start one at the log's end.

        Always at the very end, also where a follower's next batch has a later offset: recovery
        takes a gap between segments for lost records.

        Source: UnifiedLog.roll in apache/kafka; the producers' state is kept for recovery.
        """
        base_offset = self.log_end_offset
        active = self.segments.active
        segment = LogSegment.create(self.directory, base_offset, self._environment)
        try:
            self._snapshots.write(base_offset, self.producers)
            active.seal()  # Last: whatever fails before it leaves the old segment growing.
        except OSError:
            self._undo_roll(segment)
            raise
        self._clean_end_offset = NEVER_CLEAN
        self._flushes.note_sealed(active, self._snapshots.path(base_offset))
        self.segments.append(segment)
        return segment

    def _undo_roll(self, segment: LogSegment) -> None:
        """An empty segment left inside the log would hide what is appended before it ends."""
        try:
            segment.remove()
        except OSError as error:
            self._health.fail(error)

    def _duplicate(self, batch: CachedBatch) -> AppendResult:
        append_time_ms = batch.timestamp_ms if self.config.takes_append_time else -1
        return AppendResult(
            batch.base_offset, batch.last_offset, append_time_ms, self.log_start_offset, True
        )

    def _read_marker(self, batch: RecordBatchView) -> EndTransactionMarker | None:
        return read_end_marker(batch) if batch.is_control and batch.has_producer_id else None

    def _check_marker(self, batch: RecordBatchView) -> EndTransactionMarker | None:
        marker = self._read_marker(batch)
        if marker is not None:
            self.producers.check_marker(
                batch.producer_id,
                batch.producer_epoch,
                coordinator_epoch=marker.coordinator_epoch,
            )
        return marker

    def _note_producer(
        self,
        batch: RecordBatchView,
        marker: EndTransactionMarker | None,
        base_offset: int,
        now_ms: int,
    ) -> None:
        if not batch.is_control:
            self.producers.record(batch, base_offset=base_offset, now_ms=now_ms)
        elif marker is not None:
            offset = base_offset + batch.last_offset_delta
            ended = self.producers.record_marker(batch, marker, offset=offset, now_ms=now_ms)
            for entry in aborted_of(ended):
                self.segments.active.transactions.add(entry)


def _view(batches: Buffer) -> RecordBatchView:
    try:
        return RecordBatchView(batches)
    except CorruptBatchError as error:
        raise KafkaError(ErrorCode.invalid_record, f"no whole batch: {error}") from None
