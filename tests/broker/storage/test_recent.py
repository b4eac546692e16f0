"""Tail reads: the extent of whole batches equals what a walk over all of them would give."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from flowlog.broker.storage.recent import RECENT_MAX, RecentBatches


@given(
    st.lists(st.tuples(st.integers(1, 5), st.integers(61, 300)), max_size=40),
    st.integers(0, 120),
    st.integers(0, 120),
    st.integers(0, 3000),
    st.booleans(),
)
def test_an_extent_is_what_a_walk_gives(
    batches: list[tuple[int, int]], start: int, end: int, max_bytes: int, min_one: bool
) -> None:
    recent = RecentBatches(0, 0)
    rows, offset, position = [], 0, 0
    for count, size in batches:
        rows.append((offset + count, position, position + size))
        offset, position = offset + count, position + size
        recent.append(offset, position)
    extent = recent.extent(start, end_offset=end, max_bytes=max_bytes, min_one_batch=min_one)
    ahead = [row for row in rows if row[0] > start]
    if not ahead:
        assert extent is None
        return
    taken = ahead[0][1]
    for i, (next_offset, begin, stop) in enumerate(ahead):
        fits = stop - ahead[0][1] <= max_bytes or (i == 0 and min_one)
        if next_offset > end or not fits:
            break
        assert begin == taken
        taken = stop
    assert extent == (ahead[0][1], taken)


def test_only_so_many_batches_are_remembered() -> None:
    recent = RecentBatches(0, 0)
    for i in range(5 * RECENT_MAX):
        recent.append(i + 1, (i + 1) * 100)
        assert len(recent.ends) < 2 * RECENT_MAX
        assert recent.position_of(recent.start_offset) == recent.start_offset * 100
        assert recent.position_of(i + 1) == (i + 1) * 100
