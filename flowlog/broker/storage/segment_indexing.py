"""The batches of one `.log` file as they are known in memory: their extent and their indexes.

A growing segment has its indexes in memory alone; they are written when it is sealed, and after a
crash the log itself is the authority. A sealed segment loads them when they are needed. An index
that contradicts the log is made anew, once: what is wrong after that is the log.
"""

from __future__ import annotations

from flowlog.broker.storage.checked_extents import CheckedExtents
from flowlog.broker.storage.environment import StorageEnvironment
from flowlog.broker.storage.file_pool import PooledFile
from flowlog.broker.storage.files import read_file, write_file
from flowlog.broker.storage.index import CorruptIndexError, OffsetIndex, TimeIndex
from flowlog.broker.storage.recent import RecentBatches
from flowlog.broker.storage.segment_names import (
    OFFSET_INDEX,
    TIME_INDEX,
    TRANSACTION_INDEX,
    file_name,
)
from flowlog.broker.storage.segment_transactions import SegmentTransactions
from flowlog.broker.storage.walk import Located, scan_batches, walk_headers
from flowlog.records.batch import NO_TIMESTAMP
from flowlog.records.errors import CorruptBatchError


class IndexedSegment:
    """What a segment knows of its file. Its operations are those of `LogSegment`."""

    __slots__ = (
        "_bytes_since_index",
        "_environment",
        "_indexes",
        "_largest",
        "base_offset",
        "checked",
        "directory",
        "first_timestamp_ms",
        "is_rebuilt",
        "is_sealed",
        "log",
        "modified_ms",
        "next_offset",
        "recent",
        "size_bytes",
        "transactions",
    )

    def __init__(
        self,
        directory: str,
        base_offset: int,
        environment: StorageEnvironment,
        log: PooledFile,
        *,
        next_offset: int,
        size_bytes: int,
        is_sealed: bool,
        modified_ms: int = 0,
    ) -> None:
        self.directory = directory
        self.base_offset = base_offset
        self.next_offset = next_offset
        self.size_bytes = size_bytes
        self.is_sealed = is_sealed
        self.modified_ms = modified_ms
        self.is_rebuilt = False
        """Its indexes were found wrong and made anew; a second time it is the log itself."""
        self.checked = CheckedExtents()
        """What was read back from the disk and found good."""
        self.log = log
        self.first_timestamp_ms: int | None = None
        self.recent = RecentBatches(next_offset, size_bytes)
        self.transactions = SegmentTransactions(environment.files, self.path(TRANSACTION_INDEX))
        self._environment = environment
        self._indexes: tuple[OffsetIndex, TimeIndex] | None = None
        self._largest: tuple[int, int] | None = None
        self._bytes_since_index = 0

    def path(self, suffix: str) -> str:
        return f"{self.directory}/{file_name(self.base_offset, suffix)}"

    def note_scanned(self, located: Located, *, index_interval_bytes: int) -> None:
        """Take in a batch that stands in the file already, as `append` would have."""
        header = located.header
        if self._bytes_since_index > index_interval_bytes:
            self._add_index_entry(header.last_offset, header.max_timestamp_ms, located.position)
        elif self._largest is None or header.max_timestamp_ms > self._largest[0]:
            self._largest = header.max_timestamp_ms, header.last_offset
        self._bytes_since_index += located.end - located.position
        self.size_bytes = located.end
        self.next_offset = header.next_offset
        if self.first_timestamp_ms is None:
            self.first_timestamp_ms = header.max_timestamp_ms

    def start_scan(self) -> None:
        """Forget all that is known of the content; `note_scanned` says it anew, batch by batch."""
        self.next_offset, self.size_bytes = self.base_offset, 0
        self.checked.clear()
        self.first_timestamp_ms = None
        self.adopt_indexes(OffsetIndex(self.base_offset), TimeIndex(self.base_offset))

    def finish_scan(self) -> None:
        """The end is known: batches before it are found by index, appends continue from it."""
        self.recent = RecentBatches(self.next_offset, self.size_bytes)

    def _add_index_entry(self, last_offset: int, max_timestamp_ms: int, position: int) -> None:
        if self._largest is None or max_timestamp_ms > self._largest[0]:
            self._largest = max_timestamp_ms, last_offset
        offset_index, time_index = self.indexes()
        offset_index.append(last_offset, position)
        time_index.maybe_append(*self._largest)
        self._bytes_since_index = 0

    # Indexes

    def adopt_indexes(self, offset_index: OffsetIndex, time_index: TimeIndex) -> None:
        """Take indexes over that are known to fit, and continue them."""
        self._indexes = offset_index, time_index
        self._largest = time_index.last()
        if len(offset_index):
            self._bytes_since_index = self.size_bytes - offset_index.positions[-1]
        else:
            self._bytes_since_index = self.size_bytes

    def indexes(self) -> tuple[OffsetIndex, TimeIndex]:
        """The indexes, loaded if need be. A file that is missing or damaged is made anew."""
        if self.is_sealed:
            self._environment.indexes.touch(self)
        if self._indexes is None:
            try:
                self._indexes = self.load_indexes()
            except (CorruptIndexError, FileNotFoundError):
                self.rebuild_indexes()
            assert self._indexes is not None
        return self._indexes

    def load_indexes(self) -> tuple[OffsetIndex, TimeIndex]:
        """Raises CorruptIndexError or FileNotFoundError; changes nothing."""
        files = self._environment.files
        offset_data = read_file(files, self.path(OFFSET_INDEX))
        time_data = read_file(files, self.path(TIME_INDEX))
        base_offset, size_bytes = self.base_offset, self.size_bytes
        offset_index = OffsetIndex.decode(base_offset, offset_data, log_size_bytes=size_bytes)
        time_index = TimeIndex.decode(base_offset, time_data)
        for index in (offset_index, time_index):
            if len(index) and base_offset + index.offsets[-1] >= self.next_offset:
                raise CorruptIndexError("an index entry lies behind its segment")
        return offset_index, time_index

    def rebuild_wrong_indexes(self) -> None:
        """Make indexes anew that contradict the log.

        Raises:
            CorruptBatchError: it was done before, or the log file is damaged.
        """
        if self.is_rebuilt:
            raise CorruptBatchError("the log contradicts indexes that were made from it")
        self.is_rebuilt = True
        self.rebuild_indexes()

    def rebuild_indexes(self, *, index_interval_bytes: int = 4096) -> None:
        """Make the indexes from the batches, and write them if sealed.

        Raises CorruptBatchError if the log file is damaged: then there is nothing to go by.
        """
        next_offset, size_bytes, before = self.next_offset, self.size_bytes, self._indexes
        self.start_scan()
        try:
            for located in scan_batches(self.log, size_bytes):
                header = located.header
                if not self.next_offset <= header.base_offset <= header.last_offset < next_offset:
                    raise CorruptBatchError(
                        f"offset {header.base_offset} does not belong at {located.position}"
                    )
                self.note_scanned(located, index_interval_bytes=index_interval_bytes)
        except CorruptBatchError:
            self._indexes = before
            raise
        finally:
            self.next_offset, self.size_bytes = next_offset, size_bytes
        self.checked.add(0, size_bytes, next_offset)
        if self.is_sealed:
            self.write_indexes()

    def write_indexes(self) -> None:
        """Write the index files; not synced."""
        offset_index, time_index = self.indexes()
        if self._largest is not None and self._largest[0] != NO_TIMESTAMP:
            time_index.maybe_append(*self._largest)
        files = self._environment.files
        write_file(files, self.path(OFFSET_INDEX), offset_index.encode())
        write_file(files, self.path(TIME_INDEX), time_index.encode())
        self.transactions.write()

    def unload(self) -> None:
        """Give the indexes' memory back."""
        if self.is_sealed:
            self._indexes = None
            self.transactions.unload()

    def largest_timestamp(self) -> tuple[int, int] | None:
        """(largest timestamp, last offset of the first batch that has it); None if there is none.

        Raises CorruptBatchError if the log file is damaged there.
        """
        if self._largest is None and self.size_bytes:
            last = self.indexes()[1].last()
            if last is not None and not self.has_time(*last):
                self.rebuild_wrong_indexes()
                last = self.indexes()[1].last()
            self._largest = last or (NO_TIMESTAMP, self.base_offset)
        if self._largest is None or self._largest[0] == NO_TIMESTAMP:
            return None
        return self._largest

    def has_time(self, timestamp_ms: int, last_offset: int) -> bool:
        """Whether a batch ends with that offset and has that largest timestamp, as an index says.

        Raises CorruptBatchError if the log file is damaged there.
        """
        position = self.indexes()[0].position_for(last_offset)
        for located in walk_headers(self.log, position, self.size_bytes):
            header = located.header
            if header.last_offset >= last_offset:
                return (header.max_timestamp_ms, header.last_offset) == (timestamp_ms, last_offset)
        return False

    def first_batch_timestamp(self) -> int | None:
        """Largest timestamp of the first batch: the segment's age is counted from it."""
        if self.first_timestamp_ms is None and self.size_bytes:
            first = next(walk_headers(self.log, 0, self.size_bytes))
            self.first_timestamp_ms = first.header.max_timestamp_ms
        return self.first_timestamp_ms
