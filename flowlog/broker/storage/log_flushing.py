"""When and how a partition log gets to the disk, and its clean end."""

from __future__ import annotations

from flowlog.broker.storage.flushing import FlushJob
from flowlog.broker.storage.log_state import DISK_ERRORS, LogState
from flowlog.errors import StorageError


class LogFlushing(LogState):
    """How the log is made durable."""

    @property
    def must_flush_before_ack(self) -> bool:
        """Whether `flush.messages` demands that the disk has the log's end before an answer."""
        unflushed = self.log_end_offset - self.recovery_point
        return unflushed >= self.config.flush_messages

    def is_flush_due(self, now_ms: int) -> bool:
        """Whether `flush.messages` or `flush.ms` asks for a flush now."""
        if self.log_end_offset <= self.recovery_point or self.is_closed:
            return False
        waited_ms = now_ms - self._flushes.last_flush_ms
        return self.must_flush_before_ack or waited_ms >= self.config.flush_ms

    def maybe_flush(self, now_ms: int) -> bool:
        """Flush, waiting for the disk, if `is_flush_due`; whether it did."""
        if not self.is_flush_due(now_ms):
            return False
        self._flushes.last_flush_ms = now_ms
        self.flush()
        return True

    def flush(self) -> None:
        """Return when everything appended so far is on the disk."""
        job = self.begin_flush()
        try:
            job.run()
        except OSError as error:
            self.fail_flush(job, error)
            raise StorageError(error.errno, f"flush {self.name}: {error.strerror}") from error
        self.finish_flush(job)

    def begin_flush(self) -> FlushJob:
        """First step of a flush whose middle, `FlushJob.run`, happens in another thread.

        `finish_flush`, `fail_flush` or `abandon_flush` must follow, on this thread.
        """
        self.check_open()
        self._health.check()
        try:
            return self._flushes.begin(self.segments.active, self.epochs)
        except OSError as error:
            raise self.said("flush", error) from error

    def finish_flush(self, job: FlushJob) -> None:
        self._flushes.finish(job)

    def abandon_flush(self, job: FlushJob) -> None:
        """The job will not run after all."""
        self._flushes.abandon(job)

    def fail_flush(self, job: FlushJob, error: OSError) -> None:
        """After a failed sync nothing is believed any more: the directory goes offline.

        Raises:
            KafkaError: the log was deleted under the job, which proves nothing of the disk.
        """
        if self.is_closed:
            self._flushes.abandon(job)
            self.check_open()
        self._flushes.fail(job, error)

    def prepare_close(self) -> bool:
        """Write what a clean start reads instead of scanning; whether a flush has to follow."""
        end_offset = self.log_end_offset
        if end_offset == self._clean_end_offset == self.recovery_point:
            return False
        self._health.check()
        try:
            self.segments.active.write_indexes()
            self._snapshots.write(end_offset, self.producers)
        except DISK_ERRORS as error:
            raise self.said("close", error) from error
        self._flushes.note_closing(self.segments.active, self._snapshots.path(end_offset))
        return True

    def close(self) -> None:
        """Flush and let go of the files. The log cannot be used afterwards."""
        if not self.is_closed and self.prepare_close():
            self.flush()
        self.drop_files()

    def drop_files(self) -> None:
        """Let go of the files as they are. Closing twice is fine."""
        self.is_closed = True
        for segment in self.segments:
            segment.close()
