"""Transactions that hold back what readers of committed records may see. Pure.

A transaction is unstable from its first record until its marker is committed: before the marker
its outcome is open, and until the high watermark is above the marker the outcome could still be
lost with a leader. All offsets are those of one partition.

Source: ProducerStateManager (ongoing and unreplicated transactions) in apache/kafka, storage.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from operator import attrgetter
from typing import Final, NamedTuple

_last_offset: Final = attrgetter("last_offset")


class CompletedTransaction(NamedTuple):
    """A transaction that a marker ended; offsets inclusive, the last is the marker's own."""

    producer_id: int
    first_offset: int
    last_offset: int
    is_aborted: bool
    last_stable_offset: int
    """Exclusive: up to where all was decided once the marker was written."""


class UnstableTransactions:
    """Open transactions by producer, and ended ones whose marker is not committed yet.

    Invariant: `first_unstable_offset` is the first offset of the oldest of them all.
    """

    __slots__ = ("_ended", "_open", "first_unstable_offset")

    def __init__(self) -> None:
        self._open: dict[int, int] = {}  # first offset by producer id, ascending
        self._ended: list[CompletedTransaction] = []  # markers ascending
        self.first_unstable_offset: int | None = None

    @property
    def open(self) -> Mapping[int, int]:
        """First offset of each open transaction by producer id, oldest first."""
        return self._open

    def begin(self, producer_id: int, first_offset: int) -> None:
        """A producer without an open transaction wrote its first transactional record."""
        assert producer_id not in self._open, producer_id
        is_newest = not self._open or first_offset > next(reversed(self._open.values()))
        self._open[producer_id] = first_offset
        if not is_newest:  # A snapshot lists producers in any order.
            self._open = dict(sorted(self._open.items(), key=lambda item: item[1]))
        if self.first_unstable_offset is None or first_offset < self.first_unstable_offset:
            self.first_unstable_offset = first_offset

    def end(
        self, producer_id: int, marker_offset: int, *, is_aborted: bool
    ) -> CompletedTransaction | None:
        """A marker was written; the transaction that it ended, if one was open."""
        first_offset = self._open.pop(producer_id, None)
        if first_offset is None:
            return None
        stable = next(iter(self._open.values()), marker_offset + 1)
        ended = CompletedTransaction(producer_id, first_offset, marker_offset, is_aborted, stable)
        self._ended.append(ended)
        return ended

    def on_high_watermark(self, high_watermark: int) -> None:
        """Everything below `high_watermark` is committed: markers there are final."""
        if not self._ended or self._ended[0].last_offset >= high_watermark:
            return
        del self._ended[: bisect_left(self._ended, high_watermark, key=_last_offset)]
        self._find_first()

    def adopt_ended(self, others: UnstableTransactions, *, end_offset: int) -> None:
        """The log was cut at `end_offset` and read again: of the markers before it, those that
        `others` waited for are not committed, and all others are.
        """
        self._ended = [ended for ended in others if ended.last_offset < end_offset]
        self._find_first()

    def _find_first(self) -> None:
        firsts = [ended.first_offset for ended in self._ended]
        firsts += [next(iter(self._open.values()))] if self._open else []
        self.first_unstable_offset = min(firsts, default=None)

    def __iter__(self) -> Iterator[CompletedTransaction]:
        """Those that have ended, by their markers' offsets."""
        return iter(self._ended)
