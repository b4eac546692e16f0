"""Which stretches of a file were checked, against a plain set of positions."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from flowlog.broker.storage.checked_extents import CheckedExtents

STRETCHES = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=12)


def next_offset_at(position: int) -> int:
    """Any fixed relation between a batch's end and its offset will do."""
    return 1000 + position


@given(STRETCHES, st.integers(0, 30), st.integers(0, 30))
def test_exactly_what_was_added_is_known(
    stretches: list[tuple[int, int]], start: int, end: int
) -> None:
    extents = CheckedExtents()
    checked: set[int] = set()
    for first, last in stretches:
        extents.add(first, last, next_offset_at(last))
        checked |= set(range(first, last))
    assert extents.covers(start, end) == (set(range(start, end)) <= checked)
    known = extents.known_from(start)
    if start in checked:
        until = next(p for p in range(start, 100) if p not in checked)
        assert known == (until, next_offset_at(until))
    else:
        assert known is None


def test_stretches_that_touch_become_one() -> None:
    extents = CheckedExtents()
    for start in (0, 20, 10):
        extents.add(start, start + 10, next_offset_at(start + 10))
    assert len(extents) == 1


def test_a_file_that_changed_is_not_known() -> None:
    extents = CheckedExtents()
    extents.add(0, 10, 5)
    before = extents.generation
    extents.clear()
    assert not extents.covers(0, 10)
    assert extents.generation != before
