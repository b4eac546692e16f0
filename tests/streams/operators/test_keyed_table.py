"""Rows in, what a commit writes out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from flowlog.streams.operators.fold import Fold
from flowlog.streams.operators.keyed_table import CountTable, KeyedTable
from flowlog.streams.operators.rows import Row
from flowlog.streams.records import Tombstone
from flowlog.streams.serdes.basic import INT, STR
from flowlog.streams.serdes.resolve import serde_for
from flowlog.streams.state.entry import Flushed, unpack_value
from flowlog.streams.state.memory import MemoryStore
from flowlog.streams.state.store import StorePosition


def row(key: str | None, value: Any, timestamp_ms: int = 0) -> Row:
    return (None if key is None else key.encode(), value, timestamp_ms, None, timestamp_ms)


def refuse(error: Exception, _row: Row) -> None:
    raise error


def commit(table: KeyedTable, store: MemoryStore) -> Flushed:
    flushed = table.flush()
    store.write(flushed.changes, StorePosition())
    table.written()
    return flushed


def appending(store: MemoryStore, **options: Any) -> KeyedTable:
    """Strings appended to "0", as in Kafka Streams' own tests."""
    fold = Fold("append", lambda state, value: f"{state}+{value}", lambda: "0")
    options.setdefault("on_failure", refuse)
    return KeyedTable(store, STR, fold, **options)


def test_two_records_of_one_key_inside_one_commit_give_one_update() -> None:
    store = MemoryStore()
    table = appending(store)
    table.process([row("k", "a", 5), row("k", "b", 3), row("j", "c", 4)])
    flushed = commit(table, store)
    assert flushed.updates == [(b"k", "0+a+b", 5, b"0+a+b"), (b"j", "0+c", 4, b"0+c")]
    assert flushed.changelog == [(b"k", b"0+a+b", 5), (b"j", b"0+c", 4)]
    assert commit(table, store) == Flushed()


def test_state_goes_on_from_the_store() -> None:
    store = MemoryStore()
    first = appending(store)
    first.process([row("k", "a", 9)])
    commit(first, store)
    second = appending(store)
    second.process([row("k", "b", 1)])
    assert commit(second, store).updates == [(b"k", "0+a+b", 9, b"0+a+b")]


def test_a_tombstone_deletes_and_the_key_starts_again() -> None:
    store = MemoryStore()

    def fold(state: int, value: int) -> Any:
        return Tombstone if value == 0 else state + value

    table = KeyedTable(store, INT, Fold("add", fold, int), on_failure=refuse)
    table.process([row("k", 5)])
    commit(table, store)
    table.process([row("k", 0, 7)])
    flushed = commit(table, store)
    assert flushed.updates == [(b"k", Tombstone, 7, None)]
    assert flushed.changelog == [(b"k", None, 7)]
    assert store.get(b"k") is None
    table.process([row("k", 2, 8)])
    assert commit(table, store).updates == [(b"k", 2, 8, b"2")]


def test_records_without_a_key_are_dropped_and_counted() -> None:
    store = MemoryStore()
    table = appending(store)
    table.process([row(None, "a"), row("k", "b")])
    assert table.dropped_count == 1
    assert len(commit(table, store).updates) == 1


def test_a_failing_fold_changes_nothing_even_if_it_changed_its_state() -> None:
    store = MemoryStore()
    failed: list[Row] = []

    def fold(state: list[int], value: int) -> list[int]:
        state.append(value)
        if value < 0:
            raise ValueError("negative")
        return state

    table = KeyedTable(
        store,
        serde_for(list[int]),
        Fold("collect", fold, list, needs_guard=True),
        on_failure=lambda _error, bad: failed.append(bad),
    )
    table.process([row("k", 1), row("k", -1), row("k", 2), row("new", -1)])
    assert [update[:2] for update in commit(table, store).updates] == [(b"k", [1, 2])]
    assert [bad[1] for bad in failed] == [-1, -1]


def test_a_fold_that_forgets_to_return_is_told_so() -> None:
    def fold(state: list[int], value: int) -> Any:
        state.append(value)

    table = KeyedTable(
        MemoryStore(), serde_for(list[int]), Fold("forgetful", fold, list), on_failure=refuse
    )
    with pytest.raises(TypeError, match="forgetful returned None"):
        table.process([row("k", 1)])


@pytest.mark.parametrize("make", [KeyedTable, CountTable])
def test_a_small_cache_counts_as_a_large_one(make: Callable[..., KeyedTable]) -> None:
    store = MemoryStore()
    fold = Fold("count", lambda count, _: count + 1, int)
    table = make(store, INT, fold, on_failure=refuse, cache_entries=4)
    for n in range(300):
        table.process([row(f"k{n % 7}", None), row(f"k{n % 3}", None)])
        if n % 2:
            commit(table, store)
    commit(table, store)
    counts = {key: int(unpack_value(stored)[1]) for key, stored in store.scan(b"", None)}
    expected = {f"k{k}".encode(): sum(n % 7 == k for n in range(300)) for k in range(7)}
    for k in range(3):
        expected[f"k{k}".encode()] += 100
    assert counts == expected


def test_a_touched_key_is_written_once_more_as_it_is() -> None:
    store = MemoryStore()
    table = appending(store)
    table.process([row("k", "a", 3)])
    commit(table, store)
    again = appending(store)
    again.touch(b"k")
    again.touch(b"gone")
    assert again.flush().changelog == [(b"k", b"0+a", 3), (b"gone", None, -1)]
