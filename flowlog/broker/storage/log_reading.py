"""Reading a partition log: by offset within limits, and by time."""

from __future__ import annotations

from typing import Final

import anyio.to_thread
from kio.schema.errors import ErrorCode

from flowlog.broker.storage import timestamps
from flowlog.broker.storage.file_pool import PooledFile
from flowlog.broker.storage.log_state import DISK_ERRORS, LogState
from flowlog.broker.storage.range_check import RangeCheck
from flowlog.broker.storage.segment_read import FileSlice, slice_batches
from flowlog.broker.storage.timestamps import TimestampOffset
from flowlog.errors import KafkaError
from flowlog.records.errors import CorruptBatchError

NO_LIMIT: Final = 2**63 - 1


class LogReading(LogState):
    """How records come out of the log."""

    def read(
        self,
        start_offset: int,
        *,
        end_offset: int | None = None,
        max_bytes: int,
        min_one_batch: bool = True,
    ) -> bytes:
        """Read whole batches, as stored, from the one that holds `start_offset`.

        Args:
            start_offset: first offset wanted; inside a batch is fine, the client skips ahead.
            end_offset: exclusive; the high watermark, the last stable offset, or the log's end.
            max_bytes: limit on what comes back.
            min_one_batch: the first batch comes whole even when it is larger (KIP-74).

        Raises:
            KafkaError: OFFSET_OUT_OF_RANGE, or CORRUPT_MESSAGE for a damaged log file.
            StorageError: the disk refused.
        """
        found = self.maybe_read(
            start_offset, end_offset=end_offset, max_bytes=max_bytes, min_one_batch=min_one_batch
        )
        assert not isinstance(found, RangeCheck), "nothing is too large to be checked here"
        return found

    def maybe_read(
        self,
        start_offset: int,
        *,
        end_offset: int | None = None,
        max_bytes: int,
        min_one_batch: bool = True,
        check_max_bytes: int = NO_LIMIT,
    ) -> bytes | RangeCheck:
        """As `read`, unless more than `check_max_bytes` have to be checked before they are served.

        Then it is for the caller to have `run_check` do so and to ask again.
        """
        found = self.slice(
            start_offset, end_offset=end_offset, max_bytes=max_bytes, min_one_batch=min_one_batch
        )
        if found is None or not found.size_bytes:
            return b""
        check = found.check
        if check is not None and check.size_bytes > check_max_bytes:
            return check
        try:
            if check is not None:
                check.run_here()
            return found.read()
        except DISK_ERRORS as error:
            raise self._not_read(found.file, error) from error

    async def run_check(self, check: RangeCheck) -> None:
        """Check in a thread; the loop goes on meanwhile. Raises as `read`."""
        log = check.segment.log
        try:
            file = log.pin()
            try:
                checked = await anyio.to_thread.run_sync(check.run, file)
            finally:
                log.unpin()
        except DISK_ERRORS as error:
            raise self._not_read(log, error) from error
        check.finish(checked)

    def _not_read(self, file: PooledFile, error: Exception) -> Exception:
        if isinstance(error, CorruptBatchError):
            error = CorruptBatchError(f"{file.path}: {error}")
        return self.said("read", error)

    def slice(
        self,
        start_offset: int,
        *,
        end_offset: int | None = None,
        max_bytes: int,
        min_one_batch: bool = True,
    ) -> FileSlice | None:
        """Where the bytes lie that `read` would return; None if there are none."""
        if not self.log_start_offset <= start_offset <= self.log_end_offset:
            raise KafkaError(
                ErrorCode.offset_out_of_range,
                f"offset {start_offset} is outside "
                f"[{self.log_start_offset}, {self.log_end_offset}] of {self.name}",
            )
        if self.is_closed or self._health.failure is not None:
            self.check_open()
            self._health.check()
        if end_offset is None:
            end_offset = self.log_end_offset
        if start_offset >= min(end_offset, self.log_end_offset):
            return None
        active = self.segments.active
        is_tail = start_offset >= active.base_offset
        for segment in (active,) if is_tail else self.segments.from_offset(start_offset):
            try:
                found = slice_batches(
                    segment,
                    start_offset,
                    end_offset=end_offset,
                    max_bytes=max_bytes,
                    min_one_batch=min_one_batch,
                )
            except DISK_ERRORS as error:
                raise self._not_read(segment.log, error) from error
            if found is not None:
                return found
        return None

    def size_between(self, start_offset: int, end_offset: int) -> int:
        """Bytes of the batches from `start_offset` to `end_offset`, roughly where they are old."""
        recent = self.segments.active.recent
        if start_offset >= recent.start_offset:
            return recent.position_of(end_offset) - recent.position_of(start_offset)
        return self._position(end_offset) - self._position(start_offset)

    def _position(self, offset: int) -> int:
        """Bytes before the batch that holds `offset`, counted over all segments."""
        before = 0
        for segment in self.segments:
            if offset < segment.next_offset or segment is self.segments.active:
                if offset >= segment.recent.start_offset:
                    return before + segment.recent.position_of(offset)
                return before + segment.indexes()[0].position_for(offset)
            before += segment.size_bytes
        return before

    def find_offset_for_timestamp(self, timestamp_ms: int) -> TimestampOffset | None:
        """The first record with that timestamp or a later one; None if there is none.

        Raises:
            KafkaError: CORRUPT_MESSAGE if the batch in question cannot be decoded.
        """
        self.check_open()
        try:
            return timestamps.find_first_at(
                self.segments,
                timestamp_ms,
                log_start_offset=self.log_start_offset,
                max_decompressed_bytes=self.config.max_decompressed_bytes,
            )
        except DISK_ERRORS as error:
            raise self.said("look up a timestamp in", error) from error

    def max_timestamp(self) -> TimestampOffset | None:
        """The first record with the largest timestamp of all; None if no record has one."""
        self.check_open()
        try:
            return timestamps.find_latest(
                self.segments,
                log_start_offset=self.log_start_offset,
                max_decompressed_bytes=self.config.max_decompressed_bytes,
            )
        except DISK_ERRORS as error:
            raise self.said("look up a timestamp in", error) from error
