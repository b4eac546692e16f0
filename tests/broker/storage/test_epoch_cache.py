"""Leader epochs: where each starts and ends, as followers and consumers ask (KIP-101, KIP-320)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowlog.broker.storage.checkpoints import (
    CorruptCheckpointError,
    decode_epochs,
    encode_epochs,
)
from flowlog.broker.storage.epoch_cache import LeaderEpochCache


@pytest.fixture
def cache() -> LeaderEpochCache:
    return LeaderEpochCache([(2, 10), (4, 20), (5, 40)])


@pytest.mark.parametrize(
    ("epoch", "answer"),
    [
        pytest.param(5, (5, 50), id="latest: the log's end"),
        pytest.param(4, (4, 40), id="known: where the next starts"),
        pytest.param(3, (2, 20), id="unknown between: the largest below"),
        pytest.param(2, (2, 20), id="first"),
        pytest.param(1, (1, 10), id="older than all: where the first starts"),
        pytest.param(6, (-1, -1), id="newer than all: unknown"),
        pytest.param(-1, (-1, -1), id="no epoch"),
    ],
)
def test_the_end_offset_of_an_epoch(
    cache: LeaderEpochCache, epoch: int, answer: tuple[int, int]
) -> None:
    assert cache.end_offset_for(epoch, 50) == answer


def test_an_empty_cache_knows_no_end() -> None:
    assert LeaderEpochCache().end_offset_for(0, 50) == (-1, -1)
    assert LeaderEpochCache().epoch_for_offset(0) == -1


@pytest.mark.parametrize(("offset", "epoch"), [(9, -1), (10, 2), (19, 2), (20, 4), (99, 5)])
def test_the_epoch_of_an_offset(cache: LeaderEpochCache, offset: int, epoch: int) -> None:
    assert cache.epoch_for_offset(offset) == epoch


def test_an_epoch_that_wrote_nothing_is_replaced(cache: LeaderEpochCache) -> None:
    cache.assign(6, 40)
    assert cache.entries == [(2, 10), (4, 20), (6, 40)]


def test_an_older_epoch_changes_nothing(cache: LeaderEpochCache) -> None:
    version = cache.version
    cache.assign(5, 60)
    cache.assign(3, 60)
    assert cache.entries[-1] == (5, 40)
    assert cache.version == version


@pytest.mark.parametrize(
    ("end_offset", "left"),
    [(41, [2, 4, 5]), (40, [2, 4]), (21, [2, 4]), (20, [2]), (10, []), (0, [])],
)
def test_truncation_at_the_end(cache: LeaderEpochCache, end_offset: int, left: list[int]) -> None:
    cache.truncate_from_end(end_offset)
    assert [epoch for epoch, _ in cache.entries] == left
    assert cache.latest_epoch == (left[-1] if left else -1)


@pytest.mark.parametrize(
    ("start_offset", "left"),
    [
        (5, [(2, 10), (4, 20), (5, 40)]),
        (10, [(2, 10), (4, 20), (5, 40)]),
        (15, [(2, 15), (4, 20), (5, 40)]),
        (20, [(4, 20), (5, 40)]),
        (99, [(5, 99)]),
    ],
)
def test_truncation_at_the_start(
    cache: LeaderEpochCache, start_offset: int, left: list[tuple[int, int]]
) -> None:
    cache.truncate_from_start(start_offset)
    assert cache.entries == left


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 100)), max_size=20))
def test_entries_ascend_whatever_comes_and_survive_their_file(
    assignments: list[tuple[int, int]],
) -> None:
    entries = LeaderEpochCache(assignments).entries
    assert decode_epochs(encode_epochs(entries)) == list(entries)


@pytest.mark.parametrize(
    "data",
    [b"", b"0\n", b"1\n0\n", b"2\n0\n", b"0\n2\n0 0\n", b"0\n1\n0 0", b"0\n1\n0 x\n", b"0\n2\n3 0\n2 5\n",
     b"0\n1\n0 0 0\n", b"0\n1\n-1 0\n", b"\xff\n0\n"],
)  # fmt: skip
def test_a_damaged_checkpoint_is_refused(data: bytes) -> None:
    with pytest.raises(CorruptCheckpointError):
        decode_epochs(data)
