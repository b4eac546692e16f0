"""Snappy in the framing of the xerial Java library, which Kafka's clients write.

    82 S N A P P Y 00   version i32 = 1   compatible version i32 = 1
    then blocks:        length i32        one raw snappy block of that length

Some clients send one raw snappy block without framing; reading takes both.
"""

from __future__ import annotations

from struct import Struct
from typing import Final

import cramjam

from flowlog.records.errors import CorruptBatchError, DecompressedTooLargeError

MAGIC: Final = b"\x82SNAPPY\x00"
HEADER: Final = MAGIC + bytes((0, 0, 0, 1, 0, 0, 0, 1))
BLOCK_BYTES: Final = 32 * 1024
LENGTH: Final = Struct(">i")


def compress(data: bytes | bytearray | memoryview) -> bytes:
    view = memoryview(data)
    parts = [HEADER]
    for start in range(0, len(view), BLOCK_BYTES):
        packed = bytes(cramjam.snappy.compress_raw(view[start : start + BLOCK_BYTES]))
        parts += (LENGTH.pack(len(packed)), packed)
    return b"".join(parts)


def decompress(data: memoryview, *, max_bytes: int) -> bytes:
    """Expand framed or raw snappy; same errors as `compression.decompress`."""
    if bytes(data[: len(MAGIC)]) != MAGIC:
        return bytes(_expand_block(data, max_bytes, max_bytes))
    parts: list[bytearray] = []
    room = max_bytes
    position = len(HEADER)
    while position < len(data):
        if len(data) - position < LENGTH.size:
            raise CorruptBatchError("snappy: block length is cut short")
        (length,) = LENGTH.unpack_from(data, position)
        position += LENGTH.size
        if not 0 < length <= len(data) - position:
            raise CorruptBatchError(f"snappy: block length {length} does not fit")
        parts.append(_expand_block(data[position : position + length], room, max_bytes))
        room -= len(parts[-1])
        position += length
    return b"".join(parts)


def _expand_block(block: memoryview, room: int, max_bytes: int) -> bytearray:
    """Expand one raw block. It names its own size, which is held against `room` first."""
    try:
        size = cramjam.snappy.decompress_raw_len(block)
        if size > room:
            raise DecompressedTooLargeError("snappy", max_bytes=max_bytes)
        output = bytearray(size)
        written = cramjam.snappy.decompress_raw_into(block, output)
    except cramjam.DecompressionError as error:
        raise CorruptBatchError(f"snappy: {error}") from None
    if written != size:
        raise CorruptBatchError("snappy: block is shorter than it says")
    return output
