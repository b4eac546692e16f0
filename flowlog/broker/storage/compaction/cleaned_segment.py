"""Writes the `.cleaned` files of one new segment: the log and its indexes, on the disk when done."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import Final

from flowlog.broker.storage.files import File, Files
from flowlog.broker.storage.index import OffsetIndex, TimeIndex
from flowlog.broker.storage.segment_names import (
    CLEANED,
    LOG,
    OFFSET_INDEX,
    TIME_INDEX,
    TRANSACTION_INDEX,
    file_name,
)
from flowlog.broker.storage.transaction_index import AbortedTransaction, TransactionIndex
from flowlog.records.batch import NO_TIMESTAMP, RecordBatchView

WRITE_BYTES: Final = 1024 * 1024


class CleanedSegment:
    """Batches go in, in the order of their offsets; `finish` makes them durable."""

    def __init__(
        self, files: Files, directory: str, base_offset: int, *, index_interval_bytes: int
    ) -> None:
        self.size_bytes = 0
        self._files = files
        self._directory = directory
        self._base_offset = base_offset
        self._index_interval_bytes = index_interval_bytes
        self._offsets = OffsetIndex(base_offset)
        self._times = TimeIndex(base_offset)
        self._aborted = TransactionIndex()
        self._largest = NO_TIMESTAMP, base_offset
        self._bytes_since_index = 0
        self._pending = bytearray()
        self._made: list[str] = []
        self._log: File | None = self._make(LOG)

    def append(self, encoded: bytes | bytearray | memoryview) -> None:
        """Add one whole batch."""
        batch = RecordBatchView(encoded)
        if batch.max_timestamp_ms > self._largest[0]:
            self._largest = batch.max_timestamp_ms, batch.last_offset
        if self._bytes_since_index > self._index_interval_bytes:
            self._offsets.append(batch.last_offset, self.size_bytes)
            self._times.maybe_append(*self._largest)
            self._bytes_since_index = 0
        self._bytes_since_index += batch.size_bytes
        self._pending += encoded
        self.size_bytes += batch.size_bytes
        if len(self._pending) >= WRITE_BYTES:
            self._write()

    def finish(self, aborted: Iterable[AbortedTransaction]) -> int:
        """Have it all on the disk, with an index of the aborted transactions; how many there are."""
        assert self._log is not None, "finished already"
        self._write()
        self._log.sync()
        self._close_log()
        if self._largest[0] != NO_TIMESTAMP:
            self._times.maybe_append(*self._largest)
        self._put(OFFSET_INDEX, self._offsets.encode())
        self._put(TIME_INDEX, self._times.encode())
        for entry in aborted:
            self._aborted.append(entry)
        if len(self._aborted):
            self._put(TRANSACTION_INDEX, self._aborted.encode())
        return len(self._aborted)

    def abandon(self) -> None:
        """Give it up: what was written goes, for a full disk may be the reason."""
        with suppress(OSError):
            self._close_log()
        for path in self._made:
            with suppress(OSError):
                self._files.remove(path)

    def _close_log(self) -> None:
        log, self._log = self._log, None
        if log is not None:
            log.close()

    def _write(self) -> None:
        if self._pending:
            assert self._log is not None, "finished already"
            self._log.pwrite(self._pending, self.size_bytes - len(self._pending))
            self._pending = bytearray()

    def _put(self, suffix: str, data: bytes) -> None:
        file = self._make(suffix)
        try:
            file.pwrite(data, 0)
            file.sync()
        finally:
            file.close()

    def _make(self, suffix: str) -> File:
        path = f"{self._directory}/{file_name(self._base_offset, suffix)}{CLEANED}"
        file = self._files.open(path, create=True)
        self._made.append(path)
        file.truncate(0)
        return file
