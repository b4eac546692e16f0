"""Frames come out whole and in order, however the stream is cut, or the stream is refused."""

from __future__ import annotations

import struct
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowlog.broker.wire.errors import ProtocolError
from flowlog.broker.wire.frames import FrameReader, frame
from tests.broker.wire.samples import examples


def _read_all(reader: FrameReader) -> list[memoryview]:
    frames = []
    while (found := reader.next_frame()) is not None:
        frames.append(found)
    return frames


@settings(max_examples=examples(200), deadline=None)
@given(
    payloads=st.lists(st.binary(max_size=30), max_size=8),
    cuts=st.lists(st.integers(0, 300), max_size=12),
    reads_at_once=st.booleans(),
)
def test_frames_are_those_sent_wherever_the_stream_is_cut(
    payloads: list[bytes], cuts: list[int], reads_at_once: bool
) -> None:
    stream = b"".join(frame(len(payload)) + payload for payload in payloads)
    reader = FrameReader(30)
    found: list[memoryview] = []
    start = 0
    for stop in [*sorted(cuts), len(stream)]:
        reader.feed(stream[start:stop])
        start = max(start, min(stop, len(stream)))
        if reads_at_once:
            found += _read_all(reader)
    found += _read_all(reader)
    assert [bytes(view) for view in found] == payloads


def test_a_frame_inside_one_chunk_is_a_view_of_it() -> None:
    chunk = bytearray(frame(3) + b"abc" + frame(1) + b"d")
    reader = FrameReader()
    reader.feed(chunk)
    first, second = _read_all(reader)
    chunk[4] = ord("A")
    assert (bytes(first), bytes(second)) == (b"Abc", b"d")


def test_frames_stay_as_they_are_while_more_is_fed() -> None:
    reader = FrameReader()
    reader.feed(frame(3) + b"ab")
    reader.feed(b"c" + frame(2) + b"d")
    first = reader.next_frame()
    reader.feed(b"e" + frame(1))
    second = reader.next_frame()
    reader.feed(b"f")
    third = reader.next_frame()
    assert [bytes(view or b"") for view in (first, second, third)] == [b"abc", b"de", b"f"]


@pytest.mark.parametrize("size", [-1, -(2**31), 101, 2**31 - 1])
def test_a_size_that_is_negative_or_too_large_is_refused_before_the_frame_is_there(
    size: int,
) -> None:
    reader = FrameReader(100)
    reader.feed(struct.pack(">i", size))
    with pytest.raises(ProtocolError, match=f"a frame of {size} bytes; 100 are allowed"):
        reader.next_frame()


def test_the_bound_can_be_raised_between_frames() -> None:
    reader = FrameReader(3)
    reader.feed(frame(3) + b"abc")
    assert reader.next_frame() is not None
    reader.max_frame_bytes = 10
    reader.feed(frame(10) + bytes(10))
    assert reader.next_frame() == bytes(10)


def test_memory_follows_what_has_arrived_and_not_what_is_announced() -> None:
    reader = FrameReader()
    tracemalloc.start()
    try:
        reader.feed(frame(100 * 1024 * 1024) + b"a few bytes")
        assert reader.next_frame() is None
        reader.feed(b"and a few more")
        assert reader.next_frame() is None
        assert tracemalloc.get_traced_memory()[1] < 10_000
    finally:
        tracemalloc.stop()


def test_a_large_frame_in_small_pieces_is_gathered_in_one_buffer() -> None:
    piece = bytes(range(256)) * 16
    count = 4_096
    reader = FrameReader()
    reader.feed(frame(count * len(piece)))
    tracemalloc.start()
    try:
        for _ in range(count):
            assert reader.next_frame() is None
            reader.feed(piece)
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    whole = reader.next_frame()
    assert whole is not None
    assert whole == piece * count
    assert peak_bytes < 1.5 * len(whole)
