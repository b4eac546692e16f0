"""Laying state batches over each other, against a model that knows each offset's fate alone."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from flowlog.broker.share.persister import ACKNOWLEDGED, ARCHIVED, AVAILABLE, StateBatch
from flowlog.broker.share.state.batches import Batches, combine, cut

Fates = dict[int, tuple[int, int]]  # delivery count and state by offset


@st.composite
def a_batch(draw: st.DrawFn) -> StateBatch:
    first = draw(st.integers(0, 30))
    return StateBatch(
        first,
        first + draw(st.integers(0, 12)),
        draw(st.sampled_from([AVAILABLE, ACKNOWLEDGED, ARCHIVED])),
        draw(st.integers(0, 3)),
    )


UPDATES = st.lists(a_batch(), max_size=6)
STARTS = st.one_of(st.just(-1), st.integers(0, 45))


def fates(batches: Batches | list[StateBatch]) -> Fates:
    found: Fates = {}
    for batch in batches:
        for offset in range(batch.first_offset, batch.last_offset + 1):
            fate = batch.delivery_count, batch.delivery_state
            found[offset] = max(fate, found.get(offset, fate))
    return found


def assert_neat(batches: Batches) -> None:
    """Ascending, none empty, none overlapping, no two neighbours that say the same."""
    assert all(b.first_offset <= b.last_offset for b in batches)
    for left, right in pairwise(batches):
        assert left.last_offset < right.first_offset
        assert left.last_offset + 1 < right.first_offset or left[2:] != right[2:]


@given(st.lists(st.tuples(UPDATES, STARTS), max_size=5))
def test_the_greatest_delivery_count_and_state_count_at_every_offset(
    writes: list[tuple[list[StateBatch], int]],
) -> None:
    batches: Batches = ()
    expected: Fates = {}
    for updates, start_offset in writes:
        batches = combine(batches, updates, start_offset)
        expected = fates([*(StateBatch(o, o, s, c) for o, (c, s) in expected.items()), *updates])
        expected = {o: fate for o, fate in expected.items() if o >= start_offset}
        assert fates(batches) == expected
        assert_neat(batches)


@given(UPDATES, STARTS)
def test_laying_an_update_over_itself_changes_nothing(
    updates: list[StateBatch], start_offset: int
) -> None:
    once = combine((), updates, start_offset)
    assert combine(once, updates, start_offset) == once
    assert combine(once, once, start_offset) == once


@given(UPDATES, st.integers(0, 45))
def test_cutting_keeps_what_is_behind_the_start_offset(
    updates: list[StateBatch], start_offset: int
) -> None:
    batches = combine((), updates, -1)
    kept = cut(batches, start_offset)
    assert fates(kept) == {o: fate for o, fate in fates(batches).items() if o >= start_offset}
    assert cut(batches, -1) is batches


def test_an_acknowledgement_in_the_middle_splits_a_batch() -> None:
    before = (StateBatch(10, 19, AVAILABLE, 1),)
    assert combine(before, [StateBatch(13, 14, ACKNOWLEDGED, 1)], 10) == (
        StateBatch(10, 12, AVAILABLE, 1),
        StateBatch(13, 14, ACKNOWLEDGED, 1),
        StateBatch(15, 19, AVAILABLE, 1),
    )


def test_neighbours_of_one_fate_become_one() -> None:
    before = (StateBatch(0, 4, ACKNOWLEDGED, 1), StateBatch(10, 14, ACKNOWLEDGED, 1))
    assert combine(before, [StateBatch(5, 9, ACKNOWLEDGED, 1)], 0) == (
        StateBatch(0, 14, ACKNOWLEDGED, 1),
    )
