"""Walk over the records of a batch for their keys alone: compaction's inner loop.

A log of small records has ten million of them in a gigabyte, so these two functions are written
for speed: variable-length numbers are read in place, and nothing is made of a record but its key.
Records are as `records/record.py` has them: length, attributes, timestamp delta, offset delta,
key, value, headers. Batches were checked when they were appended and again (checksum) before they
come here; a record that runs out of its batch is damage all the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from typing import Final, NamedTuple

from flowlog.records.errors import CorruptBatchError
from flowlog.records.varint import VARLONG_MAX_BYTES, read_varint

LONG_KEY_BYTES: Final = 32
DIGEST_BYTES: Final = 16
NULL_LENGTH: Final = 1  # -1, zigzag


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


def note_latest(records: bytes, base_offset: int, latest: dict[bytes, int]) -> None:
    """Note, for each key in `records` (uncompressed), its offset times two, plus one for a tombstone.

    Raises:
        CorruptBatchError: what stands there are no records.
    """
    position, end = 0, len(records)
    base = base_offset << 1
    try:
        while position < end:
            # Length of what follows it.
            byte = records[position]
            position += 1
            if byte < 0x80:
                after = position + (byte >> 1)
            else:
                size, shift = byte & 0x7F, 7
                while (byte := records[position]) >= 0x80:
                    size |= (byte & 0x7F) << shift
                    shift += 7
                    position += 1
                position += 1
                after = position + ((size | byte << shift) >> 1)
            # Attributes and timestamp delta.
            position += 1
            while records[position] >= 0x80:
                position += 1
            # Offset delta; zigzag has it times two already, as the map has offsets.
            byte = records[position := position + 1]
            if byte < 0x80:
                code = base + byte
            else:
                size, shift = byte & 0x7F, 7
                while (byte := records[position := position + 1]) >= 0x80:
                    size |= (byte & 0x7F) << shift
                    shift += 7
                code = base + (size | byte << shift)
            # Key.
            byte = records[position := position + 1]
            if byte < 0x80:
                position += 1
                size = byte
            else:
                size, shift = byte & 0x7F, 7
                while (byte := records[position := position + 1]) >= 0x80:
                    size |= (byte & 0x7F) << shift
                    shift += 7
                position += 1
                size |= byte << shift
            if not size & 1:  # Else null: no key, nothing to compact by.
                stop = position + (size >> 1)
                key = records[position:stop]
                if size > 2 * LONG_KEY_BYTES:
                    key = map_key(key)
                latest[key] = code + 1 if records[stop] == NULL_LENGTH else code
            if after > end:
                raise CorruptBatchError("a record runs out of its batch")
            position = after
    except IndexError:
        raise CorruptBatchError("a record runs out of its batch") from None


def walk_records(records: bytes) -> Iterator[Walked]:
    """Each record in `records` (uncompressed); slower than `note_latest`, for what is kept.

    Raises:
        CorruptBatchError: what stands there are no records.
    """
    position, end = 0, len(records)
    while position < end:
        size, after_size = read_varint(records, position)
        stop = after_size + size
        timestamp_delta, after_timestamp = read_varint(
            records, after_size + 1, max_bytes=VARLONG_MAX_BYTES
        )
        offset_delta, at = read_varint(records, after_timestamp)
        key_bytes, at = read_varint(records, at)
        value_at = at + max(key_bytes, 0)
        if size <= 0 or stop > end or value_at >= stop:
            raise CorruptBatchError("a record runs out of its batch")
        key = None if key_bytes < 0 else map_key(records[at:value_at])
        is_tombstone = records[value_at] == NULL_LENGTH
        yield Walked(
            position, stop, timestamp_delta, after_timestamp, offset_delta, key, is_tombstone
        )
        position = stop
