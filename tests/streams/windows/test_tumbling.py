from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowlog.errors import ConfigError
from flowlog.streams.windows.keys import (
    changelog_key,
    split_store_key,
    store_key,
    store_key_of_changelog,
)
from flowlog.streams.windows.open_windows import OpenWindows
from flowlog.streams.windows.tumbling import DAY_MS, TumblingWindow, tumbling


def test_sizes_are_read_and_retention_is_a_day_or_longer() -> None:
    assert tumbling("1m", grace="10s") == TumblingWindow(60_000, 10_000, DAY_MS)
    assert tumbling("1d", grace="1h").retention_ms == DAY_MS + 3_600_000
    assert tumbling("1m", retention="2m").retention_ms == 120_000


@pytest.mark.parametrize(
    ("size", "retention"), [pytest.param(0, None, id="no size"), pytest.param(10, 5, id="short")]
)
def test_windows_that_cannot_be_are_refused(size: int, retention: int | None) -> None:
    with pytest.raises(ConfigError):
        tumbling(size, retention=retention)


@given(st.integers(0, 10**15), st.integers(1, 10**9), st.integers(0, 10**9))
def test_a_record_is_in_its_window_and_takes_its_own_time(
    timestamp_ms: int, size_ms: int, grace_ms: int
) -> None:
    window = TumblingWindow(size_ms, grace_ms, size_ms + grace_ms)
    start_ms = window.start_of(timestamp_ms)
    assert start_ms <= timestamp_ms < start_ms + size_ms
    assert start_ms % size_ms == 0
    assert not window.is_closed(start_ms, timestamp_ms)


def test_a_window_closes_once_stream_time_reaches_its_end_plus_grace() -> None:
    window = TumblingWindow(60, 10, 100)
    assert not window.is_closed(0, 69)
    assert window.is_closed(0, 70)
    assert not window.is_expired(0, 99)
    assert window.is_expired(0, 100)


def test_open_windows_close_in_order_and_once() -> None:
    windows = OpenWindows([20, 0])
    windows.add(10)
    windows.add(10)
    assert windows.last_start_ms() == 20
    assert list(windows.close(wait_ms=5, stream_time_ms=15)) == [0, 10]
    assert list(windows.close(wait_ms=5, stream_time_ms=15)) == []
    assert len(windows) == 1


@given(st.binary(max_size=20), st.integers(0, 2**62))
def test_the_two_forms_of_a_key_turn_into_each_other(key: bytes, start_ms: int) -> None:
    stored = store_key(key, start_ms)
    assert split_store_key(stored) == (start_ms, key)
    assert store_key_of_changelog(changelog_key(key, start_ms)) == stored
