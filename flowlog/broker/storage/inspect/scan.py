"""Every batch of a `.log` file with the outcome of its checksum, up to the first unreadable byte."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from crc32c import crc32c

from flowlog.broker.storage.inspect.reading import ReadableFile
from flowlog.records.batch import (
    ATTRIBUTES_POSITION,
    BATCH_LENGTH_MIN,
    HEADER_BYTES,
    MAGIC,
    RecordBatchView,
)

CHUNK_BYTES: Final = 1024 * 1024


class ScannedBatch(NamedTuple):
    """A batch in its file. `header` holds no more than the header's bytes."""

    position: int
    header: RecordBatchView
    crc_ok: bool

    @property
    def end(self) -> int:
        """Position of the byte behind the batch."""
        return self.position + self.header.size_bytes


class Unreadable(NamedTuple):
    """From `position` on nothing can be told any more; the last thing that a scan yields."""

    position: int
    what: str


class _Chunks:
    """A file's bytes, read a chunk at a time."""

    def __init__(self, file: ReadableFile) -> None:
        self._file = file
        self._start = 0
        self._chunk = b""

    def view(self, position: int, size: int) -> memoryview:
        """Up to `size` bytes, at most a chunk, from `position`; fewer only where the file ends."""
        at = position - self._start
        if not 0 <= at <= len(self._chunk) - size:
            self._start, at = position, 0
            self._chunk = self._file.pread(CHUNK_BYTES, position)
        return memoryview(self._chunk)[at : at + size]

    def crc(self, position: int, end: int) -> int:
        crc = 0
        while position < end:
            part = self.view(position, min(CHUNK_BYTES, end - position))
            if not part:
                break  # The file got shorter meanwhile; the checksum says it.
            crc = crc32c(part, crc)
            position += len(part)
        return crc


def scan(
    file: ReadableFile, size_bytes: int, *, start: int = 0
) -> Iterator[ScannedBatch | Unreadable]:
    """The batches in the first `size_bytes` of a file, in order, from the one at `start`."""
    chunks = _Chunks(file)
    position = start
    while position < size_bytes:
        head = bytes(chunks.view(position, min(HEADER_BYTES, size_bytes - position)))
        what = _why_unreadable(head, size_bytes - position)
        if what:
            yield Unreadable(position, what)
            return
        header = RecordBatchView(head)
        end = position + header.size_bytes
        crc = chunks.crc(position + ATTRIBUTES_POSITION, end)
        yield ScannedBatch(position, header, crc == header.crc)
        position = end


def _why_unreadable(head: bytes, left_bytes: int) -> str:
    """Why no batch can start with `head`; "" if one can."""
    if len(head) < HEADER_BYTES:
        return f"{left_bytes} bytes at the end are no whole batch"
    if not any(head):
        return f"zeros where a batch belongs, {left_bytes} bytes before the end"
    header = RecordBatchView(head)
    if header.magic != MAGIC:
        return f"record format {header.magic} is not {MAGIC}; {left_bytes} bytes are not read"
    if header.batch_length < BATCH_LENGTH_MIN:
        return f"batch length {header.batch_length} is less than a header"
    if header.size_bytes > left_bytes:
        return f"a batch of {header.size_bytes} bytes where {left_bytes} are left"
    return ""


def whole_batch(file: ReadableFile, scanned: ScannedBatch) -> RecordBatchView:
    """The batch with its records. Raises CorruptBatchError if the file has less of it now."""
    view = RecordBatchView(file.pread(scanned.header.size_bytes, scanned.position))
    view.check_whole()
    return view
