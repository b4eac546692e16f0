"""Places in a log as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowlog.client.offsets import OffsetRange
from flowlog.client.positions import (
    Anchor,
    Position,
    format_time,
    parse_duration,
    parse_position,
    parse_time,
    place,
)
from flowlog.errors import ConfigError

NOW_MS = 1_800_000_000_000


@pytest.mark.parametrize(
    ("text", "position"),
    [
        pytest.param("start", Position(Anchor.START), id="start"),
        pytest.param("earliest", Position(Anchor.START), id="Kafka's word for it"),
        pytest.param("end", Position(Anchor.END), id="end"),
        pytest.param("42", Position(Anchor.OFFSET, 42), id="an offset"),
        pytest.param("-100", Position(Anchor.SHIFT, -100), id="back"),
        pytest.param("+5", Position(Anchor.SHIFT, 5), id="forward"),
        pytest.param("@-1h", Position(Anchor.TIME, NOW_MS - 3_600_000), id="an hour ago"),
        pytest.param("@now", Position(Anchor.TIME, NOW_MS), id="now"),
        pytest.param("@1763812800000", Position(Anchor.TIME, 1_763_812_800_000), id="milliseconds"),
        pytest.param("@2026-11-22T12:00Z", Position(Anchor.TIME, 1_795_348_800_000), id="ISO 8601"),
    ],
)
def test_a_position_is_read(text: str, position: Position) -> None:
    assert parse_position(text, now_ms=NOW_MS) == position


@pytest.mark.parametrize(
    "text", ["", "begin", "1.5", "--3", "@", "@yesterday", "@-", "@-5", "\uff11"]
)
def test_anything_else_is_refused_with_the_forms_that_fit(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_position(text, now_ms=NOW_MS)
    assert caught.value.hint


def test_durations_add_their_parts() -> None:
    assert parse_duration("1h30m") == 5_400_000
    assert parse_duration("1.5s") == 1500
    assert parse_duration("250ms") == 250


@pytest.mark.parametrize("text", ["", "5", "s", "1h 30m", "-1h", "1x"])
def test_a_duration_needs_a_unit_and_nothing_else(text: str) -> None:
    with pytest.raises(ConfigError):
        parse_duration(text)


@given(st.integers(0, 4_102_444_800_000))
def test_a_time_that_is_shown_can_be_read_back(timestamp_ms: int) -> None:
    assert parse_time(format_time(timestamp_ms), now_ms=0) == timestamp_ms


def test_odd_timestamps_are_shown_without_failing() -> None:
    assert format_time(-1) == ""
    assert format_time(2**63 - 1) == "9223372036854775807"
    assert format_time(253_402_300_799_999) == "9999-12-31T23:59:59.999Z"


@given(
    st.sampled_from([Anchor.START, Anchor.END, Anchor.OFFSET, Anchor.SHIFT]),
    st.integers(-(2**40), 2**40),
    st.integers(0, 1000),
    st.integers(0, 1000),
)
def test_a_place_is_always_within_what_can_be_read(
    anchor: Anchor, number: int, start: int, count: int
) -> None:
    bounds = OffsetRange(start, start + count)
    offset = place(Position(anchor, number), bounds, shift_from=bounds.end)
    assert bounds.start <= offset <= bounds.end


def test_back_counts_from_the_end_or_from_where_a_group_stands() -> None:
    bounds = OffsetRange(10, 100)
    assert place(Position(Anchor.SHIFT, -5), bounds, shift_from=100) == 95
    assert place(Position(Anchor.SHIFT, -5), bounds, shift_from=40) == 35
    assert place(Position(Anchor.SHIFT, -50), bounds, shift_from=40) == 10
