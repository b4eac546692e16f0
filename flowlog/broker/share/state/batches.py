"""Laying new state batches over old ones, so that every offset has one fate.

Where two batches speak of one offset the greater delivery count counts, then the greater delivery
state: what has been delivered once more is the newer, and an end (acknowledged, archived) is one.
So a write that comes late, or twice, takes nothing back.

Source: `PersisterStateBatchCombiner` in apache/kafka, share-coordinator.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import TypeAlias

from ..persister import UNINITIALIZED_START_OFFSET, StateBatch

Batches: TypeAlias = tuple[StateBatch, ...]
"""Ascending by offset, none overlapping, neighbours of one fate made one."""


def combine(before: Batches, updates: Sequence[StateBatch], start_offset: int) -> Batches:
    """The batches after an update, without what lies before the start offset (-1: none is cut).

    `updates` may overlap each other; only the part of `before` that they touch is looked at.
    """
    before = cut(before, start_offset)
    fresh = [b for b in updates if b.last_offset >= start_offset]
    if not fresh:
        return before
    first = min(b.first_offset for b in fresh) - 1  # a neighbour may become one with them
    last = max(b.last_offset for b in fresh) + 1
    low = bisect_left(before, first, key=_last_offset)
    high = bisect_right(before, last, key=_first_offset)
    merged = _merged([*before[low:high], *fresh], start_offset)
    return (*before[:low], *merged, *before[high:])


def cut(batches: Batches, start_offset: int) -> Batches:
    """The batches from the start offset on."""
    if start_offset == UNINITIALIZED_START_OFFSET or not batches:
        return batches
    kept = batches[bisect_left(batches, start_offset, key=_last_offset) :]
    if kept and kept[0].first_offset < start_offset:
        return (kept[0]._replace(first_offset=start_offset), *kept[1:])
    return kept


def _first_offset(batch: StateBatch) -> int:
    return batch.first_offset


def _last_offset(batch: StateBatch) -> int:
    return batch.last_offset


def _merged(batches: list[StateBatch], start_offset: int) -> list[StateBatch]:
    """What the batches say together, by a sweep over the offsets at which that changes."""
    batches = [b._replace(first_offset=max(b.first_offset, start_offset)) for b in batches]
    batches.sort(key=_first_offset)
    merged: list[StateBatch] = []
    for piece in _pieces(batches):
        if merged and _are_one(merged[-1], piece):
            merged[-1] = merged[-1]._replace(last_offset=piece.last_offset)
        else:
            merged.append(piece)
    return merged


def _are_one(left: StateBatch, right: StateBatch) -> bool:
    return left.last_offset + 1 == right.first_offset and left[2:] == right[2:]


def _pieces(batches: Sequence[StateBatch]) -> Iterator[StateBatch]:
    """The ranges between two changes, each with the fate that counts there."""
    edges = sorted(_edges(batches))
    open_ones: list[tuple[int, int, int]] = []  # a heap: the one that counts first, and its end
    position = 0
    for start, end in pairwise(edges):
        while position < len(batches) and batches[position].first_offset <= start:
            batch = batches[position]
            heapq.heappush(
                open_ones, (-batch.delivery_count, -batch.delivery_state, batch.last_offset)
            )
            position += 1
        while open_ones and open_ones[0][2] < start:
            heapq.heappop(open_ones)
        if open_ones:
            count, state, _ = open_ones[0]
            yield StateBatch(start, end - 1, -state, -count)


def _edges(batches: Iterable[StateBatch]) -> set[int]:
    return {edge for b in batches for edge in (b.first_offset, b.last_offset + 1)}
