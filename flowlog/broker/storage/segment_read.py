"""Find bytes in a segment: by offset, by limit and by timestamp, through its sparse indexes."""

from __future__ import annotations

from typing import NamedTuple

from flowlog.broker.storage.file_pool import PooledFile
from flowlog.broker.storage.segment import LogSegment
from flowlog.broker.storage.walk import Located, walk_headers
from flowlog.records.errors import CorruptBatchError


class FileSlice(NamedTuple):
    """A run of whole batches in a log file. Seam for `sendfile`: no byte was read yet."""

    file: PooledFile
    position: int
    size_bytes: int

    def read(self) -> bytes:
        return self.file.pread(self.size_bytes, self.position)


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
    else:
        extent = _extent_by_index(segment, start_offset, end_offset, max_bytes, min_one_batch)
    if extent is None:
        return None
    return FileSlice(segment.log, extent[0], extent[1] - extent[0])


def seek(segment: LogSegment, offset: int) -> Located | None:
    """The first batch whose last offset is `offset` or more.

    Raises:
        CorruptBatchError: the log file itself is damaged there; a wrong index is made anew.
    """
    try:
        return _seek(segment, offset)
    except CorruptBatchError:
        if not segment.is_sealed:
            raise
        segment.rebuild_indexes()
        return _seek(segment, offset)


def _seek(segment: LogSegment, offset: int) -> Located | None:
    position = segment.indexes()[0].position_for(offset)
    for located in walk_headers(segment.log, position, segment.size_bytes):
        if located.header.last_offset >= offset:
            return located
    return None


def _extent_by_index(
    segment: LogSegment, start_offset: int, end_offset: int, max_bytes: int, min_one_batch: bool
) -> tuple[int, int] | None:
    first = seek(segment, start_offset)
    if first is None:
        return None
    if first.header.last_offset >= end_offset:
        return first.position, first.position
    end = segment.size_bytes
    if end_offset < segment.next_offset:
        over = seek(segment, end_offset)
        assert over is not None, (end_offset, segment)
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
