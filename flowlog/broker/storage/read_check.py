"""Checks on bytes that are about to be served: what stood on a disk may have changed there.

Checksums first. They do not cover a batch's base offset; but offsets ascend within a segment and
lie between those of its neighbours, so a wrong one contradicts them. Nothing tells of a wrong
leader epoch.
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct
from typing import Final

from crc32c import crc32c

from flowlog.broker.storage.walk import Readable, crc_of_file
from flowlog.records.batch import ATTRIBUTES_POSITION, HEADER_BYTES, LENGTH_PREFIX_BYTES, MAGIC
from flowlog.records.errors import CorruptBatchError

CHUNK_BYTES: Final = 1024 * 1024
BASE_OFFSET: Final = Struct(">q")
_START: Final = Struct(">qi4xbI2xi")
"""base offset, batch length, (leader epoch), magic, checksum, (attributes), last offset delta"""


@dataclass(frozen=True, slots=True)
class Checked:
    """How far a check came: the position behind a batch, and the offset that it ends at."""

    end: int
    next_offset: int


def check_range(file: Readable, start: int, end: int, *, next_offset: int) -> Checked:
    """Check that `[start, end)` is whole batches, each as it was appended.

    Args:
        next_offset: where the batch before ends; none of these may start below it.

    Raises:
        CorruptBatchError: a checksum differs, or offsets do not ascend.
        OSError: the file cannot be read.
    """
    position = start
    while position < end:
        data = file.pread(min(CHUNK_BYTES, end - position), position)
        size, next_offset = _check_batches(data, position, end, next_offset)
        if not size:
            size, next_offset = _check_large(file, data, position, next_offset)
        position += size
    return Checked(position, next_offset)


def check_ahead(file: Readable, checked: Checked, end: int) -> Checked:
    """Go on from `checked` as far as all is well, to `end` at most: it will be read next."""
    while checked.end < end:
        data = file.pread(min(CHUNK_BYTES, end - checked.end), checked.end)
        try:
            size, next_offset = _check_batches(data, checked.end, 1 << 62, checked.next_offset)
        except CorruptBatchError:
            break  # Whoever wants these bytes will be told.
        if not size:
            break
        checked = Checked(checked.end + size, next_offset)
    return checked


def _check_batches(data: bytes, at: int, end: int, next_offset: int) -> tuple[int, int]:
    """Check the batches that are whole in `data`: the size of them, and where the last one ends.

    `data` starts at position `at` of its file; no batch may reach beyond `end`.
    """
    view = memoryview(data)
    size_bytes, position = len(data), 0
    while size_bytes - position >= HEADER_BYTES:
        base_offset, length, magic, crc, last_offset_delta = _START.unpack_from(data, position)
        size = LENGTH_PREFIX_BYTES + length
        if magic != MAGIC or size < HEADER_BYTES or at + position + size > end:
            raise CorruptBatchError(f"no record batch at position {at + position}")
        if base_offset < next_offset or last_offset_delta < 0:
            raise CorruptBatchError(
                f"offset {base_offset} follows on {next_offset - 1} at position {at + position}"
            )
        if position + size > size_bytes:
            return position, next_offset
        if crc32c(view[position + ATTRIBUTES_POSITION : position + size]) != crc:
            raise CorruptBatchError(f"checksum differs at position {at + position}")
        position += size
        next_offset = base_offset + last_offset_delta + 1
    if at + size_bytes >= end and position < size_bytes:
        raise CorruptBatchError(f"no record batch at position {at + position}")
    return position, next_offset


def _check_large(file: Readable, data: bytes, position: int, next_offset: int) -> tuple[int, int]:
    """The batch at `position`, of which `data` holds no more than a part: its size and end."""
    if len(data) < HEADER_BYTES:
        raise CorruptBatchError(f"the file ends at position {position + len(data)}")
    base_offset, length, _, crc, last_offset_delta = _START.unpack_from(data)
    size = LENGTH_PREFIX_BYTES + length
    if crc_of_file(file, position + ATTRIBUTES_POSITION, position + size) != crc:
        raise CorruptBatchError(f"checksum differs at position {position}")
    return size, base_offset + last_offset_delta + 1
