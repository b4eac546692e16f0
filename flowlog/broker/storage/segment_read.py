"""Find bytes in a segment: by offset, by limit and by timestamp, through its sparse indexes.

Nothing that stands on a disk is believed: headers have to fit their neighbours and the indexes,
and what is to be served has its checksums verified, once for each stretch of a file.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from flowlog.broker.storage.file_pool import PooledFile
from flowlog.broker.storage.range_check import RangeCheck
from flowlog.broker.storage.segment import LogSegment
from flowlog.broker.storage.walk import Located, scan_batches, walk_headers
from flowlog.records.errors import CorruptBatchError


class FileSlice(NamedTuple):
    """A run of whole batches in a log file. Seam for `sendfile`: no byte was read yet."""

    file: PooledFile
    position: int
    size_bytes: int
    check: RangeCheck | None = None
    """What has to pass before the bytes may be served."""

    def read(self) -> bytes:
        return self.file.pread(self.size_bytes, self.position)


@dataclass(slots=True)
class _Found:
    """A batch, and where the one before it ends, as far as that is known."""

    batch: Located
    next_offset: int


def slice_batches(
    segment: LogSegment, start_offset: int, *, end_offset: int, max_bytes: int, min_one_batch: bool
) -> FileSlice | None:
    """The whole batches from the one that holds `start_offset` up to the limits.

    None when the segment has nothing at or behind `start_offset`; an empty slice when a limit
    leaves nothing of what it has.

    Raises:
        CorruptBatchError: the log file itself is damaged there; wrong indexes are made anew.
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
        CorruptBatchError: the log file itself is damaged there; wrong indexes are made anew.
    """
    try:
        found = _seek(segment, offset)
    except CorruptBatchError:
        segment.rebuild_wrong_indexes()
        found = _seek(segment, offset)
    return None if found is None else found.batch


def good_headers(segment: LogSegment, position: int) -> Iterator[Located]:
    """Every batch from `position` on; what was not checked before has its checksum verified.

    Raises CorruptBatchError where one is damaged.
    """
    if segment.checked.covers(position, segment.size_bytes):
        return walk_headers(segment.log, position, segment.size_bytes)
    return scan_batches(segment.log, segment.size_bytes, position)


def _seek(segment: LogSegment, offset: int) -> _Found | None:
    position, last_offset = segment.indexes()[0].entry_for(offset)
    next_offset = segment.base_offset
    for located in walk_headers(segment.log, position, segment.size_bytes):
        header = located.header
        if not next_offset <= header.base_offset <= header.last_offset < segment.next_offset:
            raise CorruptBatchError(
                f"offset {header.base_offset} does not belong at position {located.position}"
            )
        if located.position == position and last_offset is not None:
            _check_entry(located, last_offset)
        if header.last_offset >= offset:
            return _Found(located, next_offset)
        next_offset = header.next_offset
    return None


def _check_entry(located: Located, last_offset: int) -> None:
    if located.header.last_offset != last_offset:
        raise CorruptBatchError(
            f"offset {located.header.last_offset} at position {located.position} is "
            f"{last_offset} in the index"
        )


def _slice_by_index(
    segment: LogSegment, start_offset: int, end_offset: int, max_bytes: int, min_one_batch: bool
) -> FileSlice | None:
    found = _seek(segment, start_offset)
    if found is None or found.batch.header.base_offset > start_offset:
        _check_gap(segment, start_offset, found.batch.position if found else segment.size_bytes)
    if found is None:
        return None
    start = found.batch.position
    end = _end_by_index(segment, found.batch, end_offset, max_bytes, min_one_batch)
    check = None
    if not segment.checked.covers(start, end):
        check = RangeCheck.of(segment, start, end, found.next_offset)
    return FileSlice(segment.log, start, end - start, check)


def _check_gap(segment: LogSegment, start_offset: int, end: int) -> None:
    """No batch holds `start_offset`: compaction leaves such gaps, but so does a damaged header."""
    position = segment.indexes()[0].position_for(start_offset)
    if not segment.checked.covers(position, end):
        RangeCheck.of(segment, position, end, segment.base_offset).run_here()


def _end_by_index(
    segment: LogSegment, first: Located, end_offset: int, max_bytes: int, min_one_batch: bool
) -> int:
    """Where the batches end that the limits allow, `first` being the first."""
    if first.header.last_offset >= end_offset:
        return first.position
    end = segment.size_bytes
    if end_offset < segment.next_offset:
        over = _seek(segment, end_offset)
        if over is None:
            raise CorruptBatchError(f"offset {end_offset} is not where it should be")
        end = over.batch.position
    if end - first.position <= max_bytes:
        return end
    if first.end - first.position > max_bytes:
        return first.end if min_one_batch else first.position
    limit = first.position + max_bytes
    boundary, last_offset = segment.indexes()[0].last_boundary(limit)
    if boundary < first.end:
        boundary, last_offset = first.end, None
    for located in walk_headers(segment.log, boundary, end):
        if last_offset is not None and located.position == boundary:
            _check_entry(located, last_offset)
            last_offset = None
        if located.end > limit:
            break
        boundary = located.end
    return boundary
