"""How far behind: in records and seconds."""

from __future__ import annotations

import pytest

from flowlog.client.lag import first_unread, lag_seconds
from flowlog.client.offsets import OffsetRange


@pytest.mark.parametrize(
    ("committed", "expected"),
    [
        pytest.param(None, 10, id="never committed: from the start"),
        pytest.param(50, 50, id="committed"),
        pytest.param(3, 10, id="records lost to retention"),
        pytest.param(150, 100, id="beyond the end, after a log was made anew"),
    ],
)
def test_where_a_group_goes_on(committed: int | None, expected: int) -> None:
    assert first_unread(committed, OffsetRange(10, 100)) == expected


def test_lag_in_seconds_is_the_age_of_the_oldest_unread_record() -> None:
    assert lag_seconds(5, 1_000, now_ms=3_500) == 2.5
    assert lag_seconds(5, 9_000, now_ms=3_500) == 0.0  # a clock ahead of ours
    assert lag_seconds(0, -1, now_ms=3_500) == 0.0
    assert lag_seconds(5, -1, now_ms=3_500) is None
