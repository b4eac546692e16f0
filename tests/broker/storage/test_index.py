"""Both indexes: Kafka's bytes, and look-ups equal to a plain search."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowlog.broker.storage.index import CorruptIndexError, OffsetIndex, TimeIndex

BASE = 1000
ascending = st.lists(st.integers(0, 5000), unique=True, max_size=30).map(sorted)


def offset_index(offsets: list[int]) -> OffsetIndex:
    index = OffsetIndex(BASE)
    for i, offset in enumerate(offsets):
        index.append(BASE + offset, i * 100)
    return index


@given(ascending, st.integers(-10, 6000))
def test_an_offset_is_found_at_the_last_entry_not_above_it(offsets: list[int], target: int) -> None:
    below = [i * 100 for i, offset in enumerate(offsets) if offset <= target]
    assert offset_index(offsets).position_for(BASE + target) == (below[-1] if below else 0)


@given(ascending, st.integers(0, 4000))
def test_the_last_boundary_is_the_last_entry_not_behind_a_position(
    offsets: list[int], position: int
) -> None:
    below = [i * 100 for i in range(len(offsets)) if i * 100 <= position]
    assert offset_index(offsets).last_boundary(position)[0] == (below[-1] if below else 0)


@given(ascending)
def test_an_offset_index_survives_its_file(offsets: list[int]) -> None:
    index = offset_index(offsets)
    data = index.encode()
    assert data == b"".join(struct.pack(">ii", o, i * 100) for i, o in enumerate(offsets))
    again = OffsetIndex.decode(BASE, data, log_size_bytes=1 + 100 * len(offsets))
    assert (again.offsets, again.positions) == (index.offsets, index.positions)


@given(st.lists(st.tuples(st.integers(-1, 50), st.integers(0, 9)), max_size=30), st.integers(0, 60))
def test_a_time_index_never_skips_a_record(steps: list[tuple[int, int]], target: int) -> None:
    """Every record before the offset it answers is older than the time asked for."""
    index = TimeIndex(BASE)
    offset, seen = BASE, []
    for timestamp_ms, gap in steps:
        offset += gap
        seen.append((timestamp_ms, offset))
        largest = max(seen)[0]
        index.maybe_append(largest, next(o for t, o in seen if t == largest))
        offset += 1
    entry = index.entry_before(target)
    assert entry is None or all(t < target for t, o in seen if o < entry[1])
    again = TimeIndex.decode(BASE, index.encode())
    assert (again.timestamps, again.offsets) == (index.timestamps, index.offsets)


def test_a_time_index_has_kafkas_bytes() -> None:
    index = TimeIndex(BASE)
    index.maybe_append(-1, BASE)
    index.maybe_append(7, BASE + 3)
    index.maybe_append(7, BASE + 4)
    index.maybe_append(9, BASE + 5)
    assert index.encode() == struct.pack(">qiqi", 7, 3, 9, 5)
    assert index.last() == (9, BASE + 5)


def test_truncating_forgets_what_lies_behind() -> None:
    index = offset_index([1, 5, 9])
    index.truncate(200)
    assert list(index.positions) == [0, 100]
    times = TimeIndex(BASE)
    for i in range(3):
        times.maybe_append(i, BASE + i)
    times.truncate(BASE + 1)
    assert times.last() == (0, BASE)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"1234567", id="not whole entries"),
        pytest.param(struct.pack(">iiii", 5, 0, 5, 100), id="offsets stand still"),
        pytest.param(struct.pack(">iiii", 1, 100, 2, 100), id="positions stand still"),
        pytest.param(struct.pack(">ii", -1, 0), id="before the segment"),
        pytest.param(struct.pack(">ii", 1, 5000), id="behind the log file"),
        pytest.param(bytes(16), id="zeros"),
    ],
)
def test_what_cannot_be_an_offset_index_is_refused(data: bytes) -> None:
    with pytest.raises(CorruptIndexError):
        OffsetIndex.decode(BASE, data, log_size_bytes=5000)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"12345678901", id="not whole entries"),
        pytest.param(struct.pack(">qiqi", 5, 0, 5, 1), id="timestamps stand still"),
        pytest.param(struct.pack(">qiqi", 5, 3, 6, 1), id="offsets go back"),
        pytest.param(struct.pack(">qi", 5, -3), id="before the segment"),
    ],
)
def test_what_cannot_be_a_time_index_is_refused(data: bytes) -> None:
    with pytest.raises(CorruptIndexError):
        TimeIndex.decode(BASE, data)
