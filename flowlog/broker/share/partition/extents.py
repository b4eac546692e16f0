"""Where in a reading there are records, and where there are none."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator

from .requests import Extent, Reading


def data_in(reading: Reading, first: int, last: int) -> Iterator[tuple[int, int]]:
    """The parts of the reading's batches from `first` to `last`, both inclusive."""
    extents = reading.extents
    for index in range(bisect_left(extents, first, key=_last), len(extents)):
        extent = extents[index]
        if extent.first_offset > last:
            return
        yield max(extent.first_offset, first), min(extent.last_offset, last)


def holes_in(reading: Reading) -> Iterator[tuple[int, int]]:
    """The stretches of the reading that have no record for the group. Both offsets inclusive."""
    position = reading.start_offset
    for extent in reading.extents:
        if extent.first_offset > position:
            yield position, extent.first_offset - 1
        position = max(position, extent.last_offset + 1)
    if position < reading.end_offset:
        yield position, reading.end_offset - 1


def last_offset_for(reading: Reading, offset: int) -> int:
    """The last offset of the batch that has `offset`; `offset` itself if none has."""
    extents = reading.extents
    index = bisect_left(extents, offset, key=_last)
    if index < len(extents) and extents[index].first_offset <= offset:
        return extents[index].last_offset
    return offset


def _last(extent: Extent) -> int:
    return extent.last_offset
