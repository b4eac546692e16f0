"""Each codec's framing is the one that Kafka's other clients write and read."""

from __future__ import annotations

import contextlib
import struct

import cramjam
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowlog.records.batch import Codec
from flowlog.records.compression import compress, decompress
from flowlog.records.errors import CorruptBatchError, DecompressedTooLargeError

CODECS = [c for c in Codec if c is not Codec.NONE]


@pytest.mark.parametrize("codec", Codec)
@pytest.mark.parametrize("size", [0, 1, 32 * 1024, 64 * 1024, 64 * 1024 + 1, 300_000])
@pytest.mark.parametrize("unit", [b"\0", bytes(range(256))])
def test_round_trip(codec: Codec, size: int, unit: bytes) -> None:
    data = (unit * size)[:size]
    packed = compress(codec, data)
    assert decompress(codec, memoryview(packed), max_bytes=size) == data


def test_incompressible_blocks_are_stored_in_lz4() -> None:
    data = bytes((i * i * 7919 >> 3) & 0xFF for i in range(1000))
    packed = compress(Codec.LZ4, data)
    assert len(packed) <= len(data) + 15
    assert decompress(Codec.LZ4, memoryview(packed), max_bytes=1000) == data


def test_lz4_frames_declare_independent_blocks() -> None:
    """The Java client refuses linked blocks; bit 5 of the flags says independent."""
    assert compress(Codec.LZ4, b"x")[4] & 0b0010_0000


@pytest.mark.parametrize("codec", CODECS)
@given(data=st.binary(max_size=300))
def test_any_bytes_expand_or_raise_a_typed_error(codec: Codec, data: bytes) -> None:
    with contextlib.suppress(CorruptBatchError, DecompressedTooLargeError):
        assert len(decompress(codec, memoryview(data), max_bytes=100_000)) <= 100_000


@pytest.mark.parametrize("codec", CODECS)
def test_the_bound_is_exact(codec: Codec) -> None:
    packed = memoryview(compress(codec, bytes(100_000)))
    assert len(decompress(codec, packed, max_bytes=100_000)) == 100_000
    with pytest.raises(DecompressedTooLargeError):
        decompress(codec, packed, max_bytes=99_999)


@pytest.mark.parametrize("codec", CODECS)
def test_a_truncated_blob_is_corrupt(codec: Codec) -> None:
    packed = compress(codec, bytes(range(256)) * 10)
    with pytest.raises(CorruptBatchError):
        decompress(codec, memoryview(packed)[:-3], max_bytes=100_000)


def test_raw_snappy_without_framing_is_read() -> None:
    raw = bytes(cramjam.snappy.compress_raw(b"bare" * 100))
    assert decompress(Codec.SNAPPY, memoryview(raw), max_bytes=400) == b"bare" * 100


def test_xerial_blocks_share_one_bound() -> None:
    block = bytes(cramjam.snappy.compress_raw(bytes(1000)))
    framed = compress(Codec.SNAPPY, b"") + (struct.pack(">i", len(block)) + block) * 5
    assert len(decompress(Codec.SNAPPY, memoryview(framed), max_bytes=5000)) == 5000
    with pytest.raises(DecompressedTooLargeError):
        decompress(Codec.SNAPPY, memoryview(framed), max_bytes=4999)


def test_several_gzip_members_are_one_content() -> None:
    two = compress(Codec.GZIP, b"one") + compress(Codec.GZIP, b"two")
    assert decompress(Codec.GZIP, memoryview(two), max_bytes=6) == b"onetwo"
