"""One `.log` file of record batches with its two sparse indexes.

Single writer, no lock, no clock, no policy: `PartitionLog` decides when to roll, flush and delete.
A growing segment has its indexes in memory alone; they are written when it is sealed, and after a
crash the log itself is the authority. A sealed segment loads them when they are needed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from flowlog.broker.storage.environment import StorageEnvironment
from flowlog.broker.storage.file_pool import PooledFile
from flowlog.broker.storage.files import Buffer, read_file, write_file
from flowlog.broker.storage.index import (
    RELATIVE_OFFSET_MAX,
    CorruptIndexError,
    OffsetIndex,
    TimeIndex,
)
from flowlog.broker.storage.recent import RecentBatches
from flowlog.broker.storage.segment_names import (
    LOG,
    OFFSET_INDEX,
    SEGMENT_SUFFIXES,
    TIME_INDEX,
    TRANSACTION_INDEX,
    file_name,
)
from flowlog.broker.storage.segment_transactions import SegmentTransactions
from flowlog.broker.storage.walk import Located, walk_headers
from flowlog.records.batch import NO_TIMESTAMP
from flowlog.records.errors import CorruptBatchError


class LogSegment:
    """Batches from `base_offset` to `next_offset` (exclusive), dense or with gaps.

    Invariant: every batch below `next_offset` is readable; unflushed ones may vanish in a crash.
    """

    __slots__ = (
        "_bytes_since_index",
        "_environment",
        "_indexes",
        "_largest",
        "base_offset",
        "directory",
        "first_timestamp_ms",
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
        self.log = log
        self.first_timestamp_ms: int | None = None
        self.recent = RecentBatches(next_offset, size_bytes)
        self.transactions = SegmentTransactions(environment.files, self.path(TRANSACTION_INDEX))
        self._environment = environment
        self._indexes: tuple[OffsetIndex, TimeIndex] | None = None
        self._largest: tuple[int, int] | None = None
        self._bytes_since_index = 0

    @classmethod
    def create(
        cls, directory: str, base_offset: int, environment: StorageEnvironment
    ) -> LogSegment:
        """An empty segment that grows; makes its `.log` file."""
        log = environment.pool.create(f"{directory}/{file_name(base_offset, LOG)}")
        return cls._empty(directory, base_offset, environment, log)

    @classmethod
    def create_later(
        cls, directory: str, environment: StorageEnvironment, prepare: Callable[[], None]
    ) -> LogSegment:
        """The first segment of a log whose directory `prepare` makes before the first write."""
        path = f"{directory}/{file_name(0, LOG)}"
        log = environment.pool.create_later(path, prepare)
        return cls._empty(directory, 0, environment, log)

    @classmethod
    def _empty(
        cls, directory: str, base_offset: int, environment: StorageEnvironment, log: PooledFile
    ) -> LogSegment:
        segment = cls(
            directory,
            base_offset,
            environment,
            log,
            next_offset=base_offset,
            size_bytes=0,
            is_sealed=False,
        )
        segment.adopt_indexes(OffsetIndex(base_offset), TimeIndex(base_offset))
        return segment

    def path(self, suffix: str) -> str:
        return f"{self.directory}/{file_name(self.base_offset, suffix)}"

    # Appending

    def has_room_for(self, last_offset: int) -> bool:
        return last_offset - self.base_offset <= RELATIVE_OFFSET_MAX

    def append(
        self,
        buffers: Sequence[Buffer],
        *,
        size_bytes: int,
        last_offset: int,
        max_timestamp_ms: int,
        index_interval_bytes: int,
    ) -> int:
        """Write one batch (its offset and epoch set) in one or more buffers; return its position.

        Raises:
            OSError: nothing was appended; what may stand behind the end is overwritten next time.
        """
        assert last_offset >= self.next_offset, (last_offset, self)
        assert not self.is_sealed, self
        position = self.size_bytes
        if len(buffers) == 1:
            self.log.pwrite(buffers[0], position)
        else:
            self.log.pwritev(buffers, position)
        if self._bytes_since_index > index_interval_bytes:
            self._add_index_entry(last_offset, max_timestamp_ms, position)
        elif self._largest is None or max_timestamp_ms > self._largest[0]:
            self._largest = max_timestamp_ms, last_offset
        self._bytes_since_index += size_bytes
        self.size_bytes = position + size_bytes
        self.next_offset = last_offset + 1
        self.recent.append(self.next_offset, self.size_bytes)
        if self.first_timestamp_ms is None:
            self.first_timestamp_ms = max_timestamp_ms
        return position

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

    def rebuild_indexes(self, *, index_interval_bytes: int = 4096) -> None:
        """Make the indexes from the batches' headers, and write them if sealed.

        Raises CorruptBatchError if the log file is damaged: then there is nothing to go by.
        """
        next_offset, size_bytes = self.next_offset, self.size_bytes
        self.start_scan()
        try:
            for located in walk_headers(self.log, 0, size_bytes):
                self.note_scanned(located, index_interval_bytes=index_interval_bytes)
        except CorruptBatchError:
            self._indexes = None
            raise
        finally:
            self.next_offset, self.size_bytes = next_offset, size_bytes
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
        """(largest timestamp, last offset of the first batch that has it); None if there is none."""
        if self._largest is None and self.size_bytes:
            self._largest = self.indexes()[1].last() or (NO_TIMESTAMP, self.base_offset)
        if self._largest is None or self._largest[0] == NO_TIMESTAMP:
            return None
        return self._largest

    # Life

    def seal(self) -> None:
        """No more appends: write the indexes. The `.log` still has to be synced."""
        self.write_indexes()
        self.is_sealed = True
        self.recent = RecentBatches(self.next_offset, self.size_bytes)
        self._environment.indexes.touch(self)

    def truncate(self, position: int, next_offset: int) -> None:
        """Cut the file at `position`, the start of a batch or the end; the segment grows again."""
        offset_index, time_index = self.indexes()
        self._environment.indexes.forget(self)
        self.is_sealed = False
        self.log.truncate(position)
        offset_index.truncate(position)
        time_index.truncate(next_offset)
        self.transactions.truncate(next_offset)
        self.size_bytes, self.next_offset = position, next_offset
        self.recent = RecentBatches(next_offset, position)
        last_indexed = offset_index.positions[-1] if len(offset_index) else 0
        self._bytes_since_index = position - last_indexed
        self._largest = time_index.last()
        for located in walk_headers(self.log, last_indexed, position):
            header = located.header
            if self._largest is None or header.max_timestamp_ms > self._largest[0]:
                self._largest = header.max_timestamp_ms, header.last_offset
        if not position:
            self.first_timestamp_ms = None

    def first_batch_timestamp(self) -> int | None:
        """Largest timestamp of the first batch: the segment's age is counted from it."""
        if self.first_timestamp_ms is None and self.size_bytes:
            first = next(walk_headers(self.log, 0, self.size_bytes))
            self.first_timestamp_ms = first.header.max_timestamp_ms
        return self.first_timestamp_ms

    def close(self) -> None:
        self.log.close()

    def give_up_files(self) -> None:
        """Let go of descriptor and indexes; a reader that holds the descriptor may finish."""
        self._environment.indexes.forget(self)
        self.log.close()

    def remove(self) -> None:
        """Delete the files; a reader that holds the descriptor may finish."""
        self.give_up_files()
        for suffix in SEGMENT_SUFFIXES:
            try:
                self._environment.files.remove(self.path(suffix))
            except FileNotFoundError:
                continue

    def __repr__(self) -> str:
        return f"<LogSegment {self.base_offset}..{self.next_offset} {self.size_bytes} bytes>"
