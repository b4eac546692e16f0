"""One `.log` file of record batches with its two sparse indexes.

Single writer, no lock, no clock, no policy: `PartitionLog` decides when to roll, flush and delete.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from flowlog.broker.storage.environment import StorageEnvironment
from flowlog.broker.storage.file_pool import PooledFile
from flowlog.broker.storage.files import Buffer
from flowlog.broker.storage.index import RELATIVE_OFFSET_MAX, OffsetIndex, TimeIndex
from flowlog.broker.storage.recent import RecentBatches
from flowlog.broker.storage.segment_indexing import IndexedSegment
from flowlog.broker.storage.segment_names import LOG, SEGMENT_SUFFIXES, file_name
from flowlog.broker.storage.walk import walk_headers


class LogSegment(IndexedSegment):
    """Batches from `base_offset` to `next_offset` (exclusive), dense or with gaps.

    Invariant: every batch below `next_offset` is readable; unflushed ones may vanish in a crash.
    """

    __slots__ = ()

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
        self.checked.clear()
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
