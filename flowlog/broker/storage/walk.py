"""Walk over the batches of a log file, by their headers alone or with their checksums.

The file is read in chunks; a batch larger than a chunk is never held whole. What a header claims
is believed only as far as the file reaches.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple, Protocol

from crc32c import crc32c

from flowlog.broker.storage.file_pool import PooledFile
from flowlog.records.batch import (
    ATTRIBUTES_POSITION,
    BATCH_LENGTH_MIN,
    HEADER_BYTES,
    MAGIC,
    RecordBatchView,
)
from flowlog.records.errors import CorruptBatchError

SEEK_CHUNK_BYTES: Final = 8 * 1024
"""A little more than the gap between two index entries."""
SCAN_CHUNK_BYTES: Final = 1024 * 1024


class Readable(Protocol):
    """What reading needs of a file."""

    def pread(self, size: int, position: int) -> bytes: ...


class Located(NamedTuple):
    """A batch and where it lies in its file. The view may hold no more than the header."""

    position: int
    end: int
    header: RecordBatchView


class _Window:
    """The chunk of a file that was read last."""

    def __init__(self, file: PooledFile, end: int, chunk_bytes: int) -> None:
        self._file = file
        self._end = end
        self._chunk_bytes = chunk_bytes
        self.start = 0
        self.chunk = b""

    def move_to(self, position: int, size: int) -> int:
        """Have `size` bytes from `position` in the chunk, if they fit; where they start in it."""
        at = position - self.start
        if not 0 <= at <= len(self.chunk) - size:
            self.start = position
            wanted = min(max(self._chunk_bytes, HEADER_BYTES), self._end - position)
            self.chunk = self._file.pread(wanted, position)
            return 0
        return at

    def located(self, position: int) -> Located:
        """Raises CorruptBatchError unless a batch that ends in time can start here."""
        at = self.move_to(position, HEADER_BYTES)
        header = RecordBatchView(self.chunk, at)
        if header.magic != MAGIC or header.batch_length < BATCH_LENGTH_MIN:
            raise CorruptBatchError(f"no record batch at position {position}")
        end = position + header.size_bytes
        if end > self._end:
            raise CorruptBatchError(f"the batch at position {position} is cut short")
        return Located(position, end, header)


def walk_headers(file: PooledFile, position: int, end: int) -> Iterator[Located]:
    """Every batch from `position` (a batch's start) to `end` (exclusive), headers only.

    Raises:
        CorruptBatchError: what stands at a position cannot be a batch that ends by `end`.
    """
    window = _Window(file, end, SEEK_CHUNK_BYTES)
    while position < end:
        located = window.located(position)
        position = located.end
        yield located


def scan_batches(file: PooledFile, end: int, position: int = 0) -> Iterator[Located]:
    """As `walk_headers`, with each batch's checksum verified.

    Raises:
        CorruptBatchError: as above, or a checksum differs.
    """
    window = _Window(file, end, SCAN_CHUNK_BYTES)
    while position < end:
        located = window.located(position)
        size = located.end - position
        at = window.move_to(position, size)
        if at + size <= len(window.chunk):
            crc = crc32c(memoryview(window.chunk)[at + ATTRIBUTES_POSITION : at + size])
        else:
            crc = crc_of_file(file, position + ATTRIBUTES_POSITION, located.end)
        if crc != located.header.crc:
            raise CorruptBatchError(f"checksum differs at position {position}")
        position = located.end
        yield located


def crc_of_file(file: Readable, position: int, end: int) -> int:
    """Of the bytes in `[position, end)`, held a chunk at a time."""
    crc = 0
    while position < end:
        part = file.pread(min(SCAN_CHUNK_BYTES, end - position), position)
        if not part:
            raise CorruptBatchError("the log file ends inside a batch")
        crc = crc32c(part, crc)
        position += len(part)
    return crc


def read_batch(file: PooledFile, located: Located) -> RecordBatchView:
    """The whole batch in memory, its checksum verified. Raises CorruptBatchError."""
    view = RecordBatchView(file.pread(located.end - located.position, located.position))
    view.check_whole()
    view.check_crc()
    return view
