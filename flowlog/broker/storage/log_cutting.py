"""Taking records away: truncation at the end, deletion and retention at the start."""

from __future__ import annotations

from kio.schema.errors import ErrorCode

from flowlog.broker.storage.checkpoints import encode_epochs
from flowlog.broker.storage.files import replace_file
from flowlog.broker.storage.log_appending import LogAppending
from flowlog.broker.storage.log_state import DISK_ERRORS, NEVER_CLEAN
from flowlog.broker.storage.log_transactions import LogTransactions
from flowlog.broker.storage.retention import SegmentFacts, deletable_count
from flowlog.broker.storage.segment import LogSegment
from flowlog.broker.storage.segment_names import EPOCH_CHECKPOINT
from flowlog.broker.storage.segment_read import seek
from flowlog.broker.storage.snapshots import rebuild_producers
from flowlog.errors import KafkaError


class LogCutting(LogAppending, LogTransactions):
    """How records leave the log."""

    def truncate_to(self, offset: int) -> int:
        """Remove every batch that reaches to `offset` or beyond; return the new log end offset.

        The end is less than `offset` when that lies inside a batch: batches are not split.
        """
        self.check_open()
        if offset >= self.log_end_offset:
            return self.log_end_offset
        if offset < self.segments[0].base_offset:
            return self.truncate_fully_and_start_at(offset)
        try:
            self._cut_at(offset)
        except DISK_ERRORS as error:
            raise self.said("truncate", error) from error
        return self.log_end_offset

    def truncate_fully_and_start_at(self, offset: int) -> int:
        """Drop everything; the log is empty and its next offset is `offset`, which is returned."""
        self.check_open()
        try:
            self.segments.active.log.ensure_made()
            self._announce_cut(0, log_start_offset=offset)
            self._snapshots.remove_all()
            for segment in reversed(list(self.segments)):
                segment.remove()
            self.segments.replace_all(LogSegment.create(self.directory, offset, self._environment))
            self._after_cut(offset)
        except DISK_ERRORS as error:
            raise self.said("truncate", error) from error
        self._flushes.restart(offset)
        return offset

    def _cut_at(self, offset: int) -> None:
        """Remove the batches that reach to `offset`, in an order that a crash may interrupt."""
        index = self.segments.floor_index(offset)
        segment = self.segments[index]
        position, end_offset = segment.size_bytes, offset
        first_gone = seek(segment, offset)
        if first_gone is not None:
            position, end_offset = first_gone.position, min(offset, first_gone.header.base_offset)
        if segment.transactions.has_any:
            self._transaction_index(segment)  # In memory while the segment grows.
        self._announce_cut(end_offset, log_start_offset=min(self.log_start_offset, end_offset))
        self._snapshots.remove_above(end_offset)
        for later in reversed(self.segments.remove_last(len(self.segments) - 1 - index)):
            later.remove()
        segment.truncate(position, end_offset)
        self._after_cut(end_offset)

    def _announce_cut(self, end_offset: int, *, log_start_offset: int) -> None:
        """Before a cut the disk must know that less is flushed, and that the log may start earlier.

        Else a crash behind the cut would let recovery trust new bytes, or take the log for one
        that ends before it starts.
        """
        self._flushes.lower(end_offset)
        self.cleaned_to = min(self.cleaned_to, end_offset)
        self.log_start_offset = log_start_offset
        self.before_truncation()

    def _after_cut(self, end_offset: int) -> None:
        """Bring what is derived from the log in step with its new end; all of it to the disk."""
        self.log_end_offset = end_offset
        self._clean_end_offset = NEVER_CLEAN
        self.epochs.truncate_from_end(end_offset)
        before, self.producers = (
            self.producers,
            rebuild_producers(self._snapshots, self.segments, now_ms=self._last_used_ms),
        )
        self.producers.transactions.adopt_ended(before.transactions, end_offset=end_offset)
        self.segments.active.log.sync()
        epochs_path = f"{self.directory}/{EPOCH_CHECKPOINT}"
        replace_file(self._environment.files, epochs_path, encode_epochs(self.epochs.entries))

    def delete_records_before(self, offset: int) -> int:
        """Move the log start up to `offset` (DeleteRecords); return the log start offset.

        Whole segments below it go with the next `apply_retention`, and what is known of leader
        epochs with them: until then a crash may bring the old start back.

        Raises:
            KafkaError: OFFSET_OUT_OF_RANGE beyond the log's end.
        """
        if offset > self.log_end_offset:
            raise KafkaError(
                ErrorCode.offset_out_of_range, f"{offset} is beyond the end {self.log_end_offset}"
            )
        self.log_start_offset = max(self.log_start_offset, offset)
        return self.log_start_offset

    def apply_retention(self, now_ms: int, high_watermark: int) -> int:
        """Delete the oldest segments that are too old, too many bytes, or below the log start.

        Returns how many went. Nothing at or above the high watermark goes.
        """
        if self.is_closed or self._health.failure is not None:
            return 0
        try:
            count = deletable_count(
                map(_facts, self.segments),
                self.config,
                now_ms=now_ms,
                high_watermark=high_watermark,
                log_start_offset=self.log_start_offset,
            )
            if count:
                self._delete_oldest(count)
        except DISK_ERRORS as error:
            raise self.said("apply retention to", error) from error
        return count

    def _delete_oldest(self, count: int) -> None:
        if count == len(self.segments):
            self.roll()
        self.delete_records_before(self.segments[count].base_offset)
        removed = self.segments.remove_first(count)
        self._flushes.note_removed(removed)
        for segment in removed:
            segment.remove()
        self._snapshots.remove_below(self.segments[0].base_offset)
        self.epochs.truncate_from_start(self.segments[0].base_offset)

    def expire_producers(self, now_ms: int) -> int:
        """Forget producers that were idle too long; how many."""
        expiration_ms = self.config.producer_id_expiration_ms
        return self.producers.expire(now_ms=now_ms, expiration_ms=expiration_ms)


def _facts(segment: LogSegment) -> SegmentFacts:
    largest = segment.largest_timestamp() if segment.size_bytes else None
    return SegmentFacts(
        segment.next_offset,
        segment.size_bytes,
        segment.modified_ms if largest is None else largest[0],
    )
