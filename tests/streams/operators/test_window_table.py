"""Rows in, closed windows and what a commit writes out. Rows are (key, value, time)."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowlog.streams.operators.fold import Fold
from flowlog.streams.operators.rows import Row
from flowlog.streams.operators.window_table import WindowTable
from flowlog.streams.serdes.basic import INT
from flowlog.streams.state.memory import MemoryStore
from flowlog.streams.state.store import StorePosition
from flowlog.streams.windows.keys import split_store_key
from flowlog.streams.windows.tumbling import DAY_MS, TumblingWindow


class Counting:
    """A count per key and window, committed when asked, with its own stream time."""

    def __init__(
        self, size_ms: int, grace_ms: int, *, on_close: bool = True, retention_ms: int = DAY_MS
    ) -> None:
        self.window = TumblingWindow(size_ms, grace_ms, retention_ms)
        self.on_close = on_close
        self.store = MemoryStore()
        self.stream_time_ms = -1
        self.late: list[Row] = []
        self.cache_entries = 1000
        self.open()

    def open(self) -> None:
        self.table = WindowTable(
            self.store,
            INT,
            Fold("count", lambda count, _: count + 1, int),
            self.window,
            emits_on_close=self.on_close,
            stream_time_ms=self.stream_time_ms,
            on_failure=_refuse,
            cache_entries=self.cache_entries,
        )

    def send(self, *records: tuple[str, int]) -> list[tuple[str, int, int, int]]:
        """Records in one batch; the windows that closed as (key, start, count, time)."""
        rows: list[Row] = []
        for key, timestamp_ms in records:
            self.stream_time_ms = max(self.stream_time_ms, timestamp_ms)
            rows.append((key.encode(), None, timestamp_ms, None, self.stream_time_ms))
        self.table.process(rows)
        self.late += self.table.late
        self.table.late.clear()
        return [_readable(update) for update in self.table.close_windows(self.stream_time_ms)]

    def commit(self) -> list[tuple[str, int, int, int]]:
        flushed = self.table.flush()
        self.store.write(flushed.changes, StorePosition(0, self.stream_time_ms))
        self.table.written(self.stream_time_ms)
        return [_readable(update) for update in flushed.updates]


def _refuse(error: Exception, _row: Row) -> None:
    raise error


def _readable(update: Any) -> tuple[str, int, int, int]:
    key, value, timestamp_ms, _ = update
    return key[:-8].decode(), int.from_bytes(key[-8:], "big"), value, timestamp_ms


def each(counting: Counting, *times: int) -> list[tuple[str, int, int, int]]:
    return [closed for at in times for closed in counting.send(("k1", at))]


# KI/SuppressScenarioTest#shouldSupportFinalResultsForTimeWindows
def test_final_results_with_grace_one() -> None:
    counting = Counting(2, 1)
    assert each(counting, 0, 1, 2, 1, 0, 5, 0) == [("k1", 0, 4, 1), ("k1", 2, 1, 2)]
    assert [late[2] for late in counting.late] == [0]


# KI/SuppressScenarioTest#shouldSupportFinalResultsForTimeWindowsWithLargeJump
def test_final_results_with_a_large_jump() -> None:
    counting = Counting(2, 2)
    assert each(counting, 0, 1, 2, 0, 3, 0, 4, 0, 30) == [
        ("k1", 0, 4, 1),
        ("k1", 2, 2, 3),
        ("k1", 4, 1, 4),
    ]


# IT/TimeWindowedKStreamIntegrationTest#shouldRestoreAfterJoinRestart, where we depart
def test_no_window_is_lost_when_stream_time_jumps_past_grace_and_retention() -> None:
    counting = Counting(10, 5, retention_ms=15)
    assert counting.send(("a", 3), ("b", 12), ("a", 14)) == []
    counting.commit()
    assert counting.send(("c", 10_000)) == [("a", 0, 1, 3), ("a", 10, 1, 14), ("b", 10, 1, 12)]
    counting.commit()
    counting.commit()
    starts = {split_store_key(key)[0] for key, _ in counting.store.scan(b"", None)}
    assert starts == {10_000}, "expired windows are forgotten, after they were emitted"


def test_the_changelog_hears_of_expired_windows() -> None:
    """It is compacted only: a broker that deleted it by age would compare event time with now."""
    counting = Counting(10, 5, retention_ms=15)
    counting.send(("a", 3))
    counting.commit()
    counting.send(("c", 10_000))
    counting.commit()
    assert [(key[:1], value) for key, value, _ in counting.table.flush().changelog] == [
        (b"a", None)
    ]


def test_a_key_does_not_have_to_come_again_for_its_window_to_close() -> None:
    counting = Counting(10, 0)
    counting.send(("k1", 0))
    assert counting.send(("k2", 25)) == [("k1", 0, 1, 0)]


def test_a_record_is_late_by_the_time_before_it_in_the_same_batch() -> None:
    counting = Counting(10, 0)
    assert counting.send(("k", 5), ("k", 10), ("k", 6)) == [("k", 0, 1, 5)]
    assert [late[2] for late in counting.late] == [6]


def test_on_update_every_changed_window_is_handed_on_once_per_commit() -> None:
    counting = Counting(10, 5, on_close=False)
    assert counting.send(("k", 1), ("k", 2), ("k", 11), ("k", 3)) == []
    assert counting.commit() == [("k", 0, 3, 3), ("k", 10, 1, 11)]
    assert counting.commit() == []
    assert counting.send(("k", 40)) == []
    assert counting.commit() == [("k", 40, 1, 40)]


def test_a_window_that_closed_before_a_restart_stays_closed() -> None:
    counting = Counting(10, 0)
    counting.send(("k", 1), ("k", 15))
    counting.commit()
    counting.open()
    assert counting.send(("k", 2)) == []
    assert len(counting.late) == 1
    assert counting.send(("k", 25)) == [("k", 10, 1, 15)]


def test_idleness_is_answered_with_the_time_that_closes_everything() -> None:
    counting = Counting(10, 5)
    assert counting.table.idle_stream_time_ms() is None
    counting.send(("k", 1), ("k", 11))
    assert counting.table.idle_stream_time_ms() == 25


@pytest.mark.parametrize("cache_entries", [0, 3, 1000])
@given(seed=st.integers(0, 2**32), grace_ms=st.integers(0, 30))
def test_batches_commits_restarts_and_a_small_cache_change_no_result(
    cache_entries: int, seed: int, grace_ms: int
) -> None:
    rng = random.Random(seed)
    counting = Counting(10, grace_ms)
    counting.cache_entries = cache_entries
    counting.open()
    records = [(f"k{rng.randrange(4)}", max(0, n + rng.randint(-25, 5))) for n in range(120)]
    records.append(("end", 10_000))
    closed, at = [], 0
    while at < len(records):
        size = rng.randint(1, 9)
        closed += counting.send(*records[at : at + size])
        at += size
        if rng.random() < 0.4:
            counting.commit()
            if rng.random() < 0.3:
                counting.open()
    assert closed == _model(records, 10, grace_ms)


def _model(
    records: list[tuple[str, int]], size_ms: int, grace_ms: int
) -> list[tuple[str, int, int, int]]:
    """The same by brute force: every window that had a record in time, by start and key."""
    stream_time_ms = -1
    windows: dict[tuple[int, str], list[int]] = {}
    for key, at in records:
        stream_time_ms = max(stream_time_ms, at)
        start_ms = at // size_ms * size_ms
        if start_ms + size_ms + grace_ms > stream_time_ms:
            windows.setdefault((start_ms, key), []).append(at)
    return [
        (key, start_ms, len(times), max(times))
        for (start_ms, key), times in sorted(windows.items())
        if start_ms + size_ms + grace_ms <= stream_time_ms
    ]
