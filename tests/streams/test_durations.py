from __future__ import annotations

from datetime import timedelta

import pytest

from flowlog.errors import ConfigError
from flowlog.streams.durations import to_ms


@pytest.mark.parametrize(
    ("duration", "expected_ms"),
    [
        ("250ms", 250),
        ("30s", 30_000),
        ("1m", 60_000),
        ("1.5h", 5_400_000),
        ("1h30m", 5_400_000),
        ("7d", 604_800_000),
        (90, 90),
        (timedelta(minutes=2), 120_000),
    ],
)
def test_a_duration_is_milliseconds(duration: str | int | timedelta, expected_ms: int) -> None:
    assert to_ms(duration) == expected_ms


@pytest.mark.parametrize("duration", ["", "1", "1 parsec", "m", "1m x", -1, timedelta(-1)])
def test_what_is_no_duration_is_refused(duration: str | int | timedelta) -> None:
    with pytest.raises(ConfigError):
        to_ms(duration)
