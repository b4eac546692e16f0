"""Find bytes in a segment: by offset, by limit and by timestamp, through its sparse indexes."""

from __future__ import annotations

from typing import NamedTuple

from flowlog.broker.storage.file_pool import PooledFile
from flowlog.broker.storage.read_check import BASE_OFFSET, check_batches
from flowlog.broker.storage.segment import LogSegment
from flowlog.broker.storage.walk import Located, walk_headers
from flowlog.records.errors import CorruptBatchError


class FileSlice(NamedTuple):
    """A run of whole batches in a log file. Seam for `sendfile`: no byte was read yet."""

    file: PooledFile
    position: int
    size_bytes: int
    unchecked: LogSegment | None = None
    """Its segment, unless this process appended these bytes a moment ago."""
    first_offset: int = 0
    """Where the batch before the slice ends; no batch of it starts below."""

    def read(self) -> bytes:
        """Raises OSError, or CorruptBatchError for bytes that are not as they were appended."""
        data = self.file.pread(self.size_bytes, self.position)
        if self.unchecked is not None and data:
            end_offset = _base_offset_at(self.unchecked, self.position + self.size_bytes)
            check_batches(data, first_offset=self.first_offset, end_offset=end_offset)
        return data


def _base_offset_at(segment: LogSegment, position: int) -> int:
    """Of the batch that starts at `position`; at the segment's end that of the next segment."""
    if position >= segment.size_bytes:
        return segment.next_offset
    data = segment.log.pread(BASE_OFFSET.size, position)
    return min(int.from_bytes(data, signed=True), segment.next_offset)


def slice_batches(
    segment: LogSegment, start_offset: int, *, end_offset: int, max_bytes: int, min_one_batch: bool
) -> FileSlice | None:
    """The whole batches from the one that holds `start_offset` up to the limits.

    None when the segment has nothing at or behind `start_offset`; an empty slice when a limit
    leaves nothing of what it has.
    """
    recent = segment.recent
    if start_offset >= recent.start_offset:
        extent = recent.extent(
            start_offset, end_offset=end_offset, max_bytes=max_bytes, min_one_batch=min_one_batch
        )
        if extent is None:
            return None
        return FileSlice(segment.log, extent[0], extent[1] - extent[0])
    try:
        return _slice_by_index(segment, start_offset, end_offset, max_bytes, min_one_batch)
    except CorruptBatchError:
        segment.rebuild_wrong_indexes()
        return _slice_by_index(segment, start_offset, end_offset, max_bytes, min_one_batch)


def seek(segment: LogSegment, offset: int) -> Located | None:
    """The first batch whose last offset is `offset` or more.

    Raises:
        CorruptBatchError: the log file itself is damaged there; a wrong index is made anew.
    """
    try:
        found = _seek(segment, offset)
    except CorruptBatchError:
        segment.rebuild_wrong_indexes()
        found = _seek(segment, offset)
    return None if found is None else found[0]


def _seek(segment: LogSegment, offset: int) -> tuple[Located, int] | None:
    """The batch, and where the one before it ends."""
    index = segment.indexes()[0]
    position, last_offset = index.entry_for(offset)
    next_offset = segment.base_offset
    for located in walk_headers(segment.log, position, segment.size_bytes):
        header = located.header
        if not next_offset <= header.base_offset <= header.last_offset < segment.next_offset:
            raise CorruptBatchError(f"offset {header.base_offset} does not belong here")
        if located.position == position and last_offset not in (None, header.last_offset):
            raise CorruptBatchError(f"offset {header.last_offset} is {last_offset} in the index")
        if header.last_offset >= offset:
            return located, next_offset
        next_offset = header.next_offset
    return None


def _slice_by_index(
    segment: LogSegment, start_offset: int, end_offset: int, max_bytes: int, min_one_batch: bool
) -> FileSlice | None:
    found = _seek(segment, start_offset)
    if found is None or found[0].header.base_offset > start_offset:
        _check_gap(segment, start_offset, found[0].position if found else segment.size_bytes)
    if found is None:
        return None
    first, first_offset = found
    start, end = _extent_by_index(segment, first, end_offset, max_bytes, min_one_batch)
    return FileSlice(segment.log, start, end - start, segment, first_offset)


def _check_gap(segment: LogSegment, start_offset: int, end: int) -> None:
    """No batch holds `start_offset`: compaction leaves such gaps, but so does a damaged header."""
    position = segment.indexes()[0].position_for(start_offset)
    data = segment.log.pread(end - position, position)
    check_batches(data, first_offset=segment.base_offset, end_offset=start_offset)


def _extent_by_index(
    segment: LogSegment, first: Located, end_offset: int, max_bytes: int, min_one_batch: bool
) -> tuple[int, int]:
    if first.header.last_offset >= end_offset:
        return first.position, first.position
    end = segment.size_bytes
    if end_offset < segment.next_offset:
        over = seek(segment, end_offset)
        if over is None:
            raise CorruptBatchError(f"offset {end_offset} is not where it should be")
        end = over.position
    if end - first.position <= max_bytes:
        return first.position, end
    if first.end - first.position > max_bytes:
        return first.position, first.end if min_one_batch else first.position
    limit = first.position + max_bytes
    boundary = max(first.end, segment.indexes()[0].last_boundary(limit))
    for located in walk_headers(segment.log, boundary, end):
        if located.end > limit:
            break
        boundary = located.end
    return first.position, boundary
