"""Compress and expand a batch's records; what comes out is bounded before it is made.

Output goes into buffers of our own size, so neither a length field nor a bomb (5 KB of zstd can
hold 150 MB of zeros) makes more memory than `max_bytes`. The codec and its framing are what
Kafka's clients exchange: gzip members, snappy in the framing of the xerial library (or bare, as
some clients send it), LZ4 frames of independent blocks, zstd frames.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import cramjam

from flowlog.records import lz4_frame, snappy_xerial
from flowlog.records.batch import Codec
from flowlog.records.errors import CorruptBatchError, DecompressedTooLargeError

FIRST_GUESS_MIN_BYTES: Final = 64 * 1024
GROWTH_FACTOR: Final = 4


def compress(codec: Codec, data: bytes | bytearray | memoryview) -> bytes:
    """Compress `data` at the codec's usual level."""
    match codec:
        case Codec.NONE:
            return bytes(data)
        case Codec.GZIP:
            return bytes(cramjam.gzip.compress(data))
        case Codec.SNAPPY:
            return snappy_xerial.compress(data)
        case Codec.LZ4:
            return lz4_frame.compress(data)
        case Codec.ZSTD:
            return bytes(cramjam.zstd.compress(data))


def decompress(codec: Codec, data: memoryview, *, max_bytes: int) -> bytes | memoryview:
    """Expand `data`; never makes an output of more than `max_bytes`.

    Raises:
        DecompressedTooLargeError: the content is larger than `max_bytes`.
        CorruptBatchError: `data` is not of that codec, or damaged.
    """
    match codec:
        case Codec.NONE:
            return data
        case Codec.SNAPPY:
            return snappy_xerial.decompress(data, max_bytes=max_bytes)
        case Codec.GZIP:
            return _expand(codec, cramjam.gzip.decompress_into, data, max_bytes)
        case Codec.LZ4:
            return _expand(codec, cramjam.lz4.decompress_into, data, max_bytes)
        case Codec.ZSTD:
            return _expand(codec, cramjam.zstd.decompress_into, data, max_bytes)


def _expand(
    codec: Codec,
    decompress_into: Callable[[memoryview, bytearray], int],
    data: memoryview,
    max_bytes: int,
) -> memoryview:
    """Try with a small output and grow: the sizes that frames claim for themselves are not used."""
    capacity = min(max_bytes, max(FIRST_GUESS_MIN_BYTES, GROWTH_FACTOR * len(data)))
    while True:
        output = bytearray(capacity)
        try:
            size = decompress_into(data, output)
        except cramjam.DecompressionError as error:
            if "write whole buffer" not in str(error):  # Rust's words for "the output is full".
                raise CorruptBatchError(f"{codec.name.lower()}: {error}") from None
        else:
            return memoryview(output)[:size]
        if capacity >= max_bytes:
            raise DecompressedTooLargeError(codec.name.lower(), max_bytes=max_bytes)
        capacity = min(max_bytes, capacity * GROWTH_FACTOR)
