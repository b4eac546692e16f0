"""The `.txnindex` file: Kafka's bytes, what overlaps a read, and what cannot be one."""

from __future__ import annotations

import random
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowlog.broker.storage.index import CorruptIndexError
from flowlog.broker.storage.transaction_index import (
    ENTRY,
    AbortedTransaction,
    TransactionIndex,
)

BASE, NEXT = 1000, 2000


def index_of(*entries: AbortedTransaction) -> TransactionIndex:
    index = TransactionIndex()
    for entry in entries:
        index.append(entry)
    return index


def decode(data: bytes) -> TransactionIndex:
    return TransactionIndex.decode(data, base_offset=BASE, next_offset=NEXT)


@st.composite
def honest_indexes(draw: st.DrawFn) -> TransactionIndex:
    """What a log comes to whose producers open and abort transactions in any order."""
    rng = random.Random(draw(st.integers(0, 2**32)))
    open_since: dict[int, int] = {}
    index = TransactionIndex()
    offset = BASE - rng.randrange(0, 100)  # Some begin before the segment.
    while offset < NEXT and len(index) < 12:
        producer_id = rng.randrange(4)
        if producer_id not in open_since:
            open_since[producer_id] = offset
        elif offset >= BASE:
            first = open_since.pop(producer_id)
            stable = min(open_since.values(), default=offset + 1)
            index.append(AbortedTransaction(producer_id, first, offset, stable))
        offset += rng.randrange(1, 60)
    return index


def test_the_file_has_kafkas_bytes() -> None:
    data = index_of(AbortedTransaction(7, 990, 1005, 1001)).encode()
    assert data == struct.pack(">hqqqq", 0, 7, 990, 1005, 1001)
    assert len(data) == 34


@given(honest_indexes())
def test_an_honest_index_comes_back_as_it_was(index: TransactionIndex) -> None:
    assert list(decode(index.encode())) == list(index)


@given(honest_indexes(), st.integers(BASE - 50, NEXT), st.integers(1, 300))
def test_a_read_is_told_every_transaction_that_overlaps_it(
    index: TransactionIndex, start: int, length: int
) -> None:
    end = start + length
    found, is_all = index.overlapping(start, end)
    overlapping = [e for e in index if e.last_offset >= start and e.first_offset < end]
    assert found == overlapping, "what an early stop leaves out cannot overlap"
    decided = [e for e in index if e.last_offset >= start and e.last_stable_offset >= end]
    assert is_all == bool(decided), "no segment is read in vain"


@given(honest_indexes(), st.integers(BASE, NEXT))
def test_a_cut_keeps_the_markers_before_it(index: TransactionIndex, next_offset: int) -> None:
    kept = [e for e in index if e.last_offset < next_offset]
    index.truncate(next_offset)
    assert list(index) == kept


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(ENTRY.pack(0, 7, 990, 1005, 1001)[:-1], id="cut"),
        pytest.param(bytes(34), id="zeros"),
        pytest.param(ENTRY.pack(1, 7, 990, 1005, 1001), id="another version"),
        pytest.param(ENTRY.pack(0, 7, 990, 999, 990), id="marker before the segment"),
        pytest.param(ENTRY.pack(0, 7, 990, 2000, 990), id="marker behind the segment"),
        pytest.param(ENTRY.pack(0, 7, 1006, 1005, 1001), id="starts behind its marker"),
        pytest.param(ENTRY.pack(0, 7, -1, 1005, 1001), id="starts nowhere"),
        pytest.param(ENTRY.pack(0, -1, 990, 1005, 1001), id="no producer"),
        pytest.param(ENTRY.pack(0, 7, 990, 1005, 1007), id="stable too far"),
        pytest.param(
            ENTRY.pack(0, 7, 990, 1005, 1001) + ENTRY.pack(0, 8, 990, 1005, 1006), id="same marker"
        ),
        pytest.param(
            ENTRY.pack(0, 7, 990, 1005, 1001) + ENTRY.pack(0, 7, 1005, 1008, 1009), id="overlap"
        ),
        pytest.param(
            ENTRY.pack(0, 7, 990, 1005, 1001) + ENTRY.pack(0, 8, 995, 1008, 1000), id="stable back"
        ),
    ],
)
def test_what_cannot_be_an_index_is_refused(data: bytes) -> None:
    with pytest.raises(CorruptIndexError):
        decode(data)
