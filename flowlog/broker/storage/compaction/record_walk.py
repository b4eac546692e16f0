"""Walk over the records of a batch for their keys alone: compaction's inner loop.

A log of small records has ten million of them in a gigabyte, so these two functions are written
for speed: variable-length numbers are read in place, and nothing is made of a record but its key.
Records are as `records/record.py` has them: length, attributes, timestamp delta, offset delta,
key, value, headers. Batches were checked when they were appended and again (checksum) before they
come here; a record that runs out of its batch is damage all the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import blake2b
from typing import Final, NamedTuple

from flowlog.records.errors import CorruptBatchError
from flowlog.records.varint import VARLONG_MAX_BYTES, read_varint

LONG_KEY_BYTES: Final = 32
DIGEST_BYTES: Final = 16
NULL_LENGTH: Final = 1  # -1, zigzag
SHORT_KEY_LENGTH_MAX: Final = 2 * LONG_KEY_BYTES  # zigzag too
_DELTA_SIZES: Final = ((0, 64, 2), (64, 8192, 3), (8192, 1 << 20, 4))
"""Offset deltas from, up to (exclusive), and their bytes with the last one of the timestamp."""


class Walked(NamedTuple):
    """One record: where it stands in its batch's records, and what compaction must know of it."""

    start: int
    end: int
    timestamp_delta: int
    after_timestamp: int
    """Position behind the timestamp delta: from there on the bytes stay when it is rewritten."""
    offset_delta: int
    key: bytes | None
    """As `map_key` has it."""
    is_tombstone: bool


def map_key(key: bytes) -> bytes:
    """What stands for a key in the offset map: long ones by their digest, to bound the memory."""
    if len(key) <= LONG_KEY_BYTES:
        return key
    return blake2b(key, digest_size=DIGEST_BYTES).digest() + b"\0" * (LONG_KEY_BYTES + 1)


def note_latest(
    records: bytes, base_offset: int, latest: dict[bytes, int], *, is_dense: bool = False
) -> None:
    """Note, for each key in `records` (uncompressed), its offset times two, plus one for a tombstone.

    Args:
        is_dense: the records have the offsets 0, 1, 2 and so on from the base, as a client sends
            them: then their offset deltas need not be read, which takes a third of the time.

    Raises:
        CorruptBatchError: what stands there are no records.
    """
    try:
        position = _note_dense(records, base_offset << 1, latest) if is_dense else 0
    except IndexError:
        raise CorruptBatchError("a record runs out of its batch") from None
    for record in walk_records(records, position):
        if record.key is not None:
            latest[record.key] = (base_offset + record.offset_delta) * 2 + record.is_tombstone


def _note_dense(records: bytes, base: int, latest: dict[bytes, int]) -> int:
    """Note records as long as they have the usual shape; the position of the first that has not.

    Offset deltas up to 63 take one byte, up to 8,191 two, up to 1,048,575 three.
    """
    position, end = 0, len(records)
    for first, behind, delta_bytes in _DELTA_SIZES:
        for code in range(base + 2 * first, base + 2 * behind, 2):
            if position >= end:
                return position
            size = records[position]
            if size < 0x80:
                after = position + 1 + (size >> 1)
                at = position + 2  # Behind the attributes.
            else:
                second = records[position + 1]
                if second >= 0x80:
                    return position
                after = position + 2 + ((size & 0x7F | second << 7) >> 1)
                at = position + 3
            while records[at] >= 0x80:  # The timestamp delta.
                at += 1
            at += delta_bytes
            size = records[at]
            if size > SHORT_KEY_LENGTH_MAX or size & 1 or after > end:
                return position
            at += 1
            stop = at + (size >> 1)
            latest[records[at:stop]] = code + 1 if records[stop] == NULL_LENGTH else code
            position = after
    return position


def walk_records(records: bytes, position: int = 0) -> Iterator[Walked]:
    """Each record in `records` (uncompressed) from `position` on, the start of one.

    Slower than `note_latest`: for what may be kept.

    Raises:
        CorruptBatchError: what stands there are no records.
    """
    end = len(records)
    while position < end:
        record = _walked(records, position)
        yield record
        position = record.end


def walk_chosen(records: bytes, chosen: Iterable[int]) -> Iterator[Walked]:
    """The records at these places, ascending from 0; the others are passed over by their lengths.

    Raises:
        CorruptBatchError: what stands there are no records, or not so many.
    """
    position, at = 0, 0
    try:
        for place in chosen:
            while at < place:
                size = records[position]
                if size < 0x80:
                    position += 1 + (size >> 1)
                else:
                    length, position = read_varint(records, position)
                    position += length
                at += 1
            yield _walked(records, position)
    except IndexError:
        raise CorruptBatchError("a record runs out of its batch") from None


def _walked(records: bytes, position: int) -> Walked:
    size, after_size = read_varint(records, position)
    stop = after_size + size
    timestamp_delta, after_timestamp = read_varint(
        records, after_size + 1, max_bytes=VARLONG_MAX_BYTES
    )
    offset_delta, at = read_varint(records, after_timestamp)
    key_bytes, at = read_varint(records, at)
    value_at = at + max(key_bytes, 0)
    if size <= 0 or stop > len(records) or value_at >= stop:
        raise CorruptBatchError("a record runs out of its batch")
    key = None if key_bytes < 0 else map_key(records[at:value_at])
    is_tombstone = records[value_at] == NULL_LENGTH
    return Walked(position, stop, timestamp_delta, after_timestamp, offset_delta, key, is_tombstone)
