"""`Window`: the runs of a share partition from its start offset to what was looked at last.

Every offset in between is in exactly one run. The window grows at its end as records are
delivered, and shrinks at its start as they come to their end.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator

from ..persister import AVAILABLE, StateBatch
from .run import Run


class Window:
    """Dense runs over [`start_offset`, `end_offset`)."""

    def __init__(self, start_offset: int, batches: Iterable[StateBatch] = ()) -> None:
        """Of the offsets between `batches` nothing is known: they are available, never delivered."""
        self.start_offset = start_offset
        self.runs: list[Run] = []
        for batch in batches:
            first = max(batch.first_offset, self.end_offset)
            if batch.last_offset < first:
                continue
            if first > self.end_offset:
                gap = first - self.end_offset
                self.runs.append(Run(self.end_offset, first - 1, AVAILABLE, 0, gap))
            size = batch.last_offset - first + 1
            self.runs.append(
                Run(first, batch.last_offset, batch.delivery_state, batch.delivery_count, size)
            )

    @property
    def end_offset(self) -> int:
        """The next offset to be looked at (exclusive)."""
        return self.runs[-1].last + 1 if self.runs else self.start_offset

    def __len__(self) -> int:
        """How many offsets it spans."""
        return self.end_offset - self.start_offset

    def append(self, run: Run) -> None:
        assert run.first == self.end_offset, (run, self.end_offset)
        self.runs.append(run)

    def overlapping(self, first: int, last: int) -> Iterator[Run]:
        """The runs that have any offset from `first` to `last`, uncut. Runs may be cut meanwhile."""
        for run in self.runs[self._index(first) :]:
            if run.first > last:
                return
            if run.last >= first:
                yield run

    def cut(self, first: int, last: int) -> list[Run]:
        """The runs that make up exactly what there is from `first` to `last`."""
        self._cut_at(first)
        self._cut_at(last + 1)
        return list(self.overlapping(first, last))

    def first_available(self, from_offset: int) -> int | None:
        """The first offset at or after `from_offset` that may be delivered."""
        runs = self.runs
        for index in range(self._index(from_offset), len(runs)):
            run = runs[index]
            if run.state == AVAILABLE and run.last >= from_offset:
                return max(run.first, from_offset)
        return None

    def trim(self) -> bool:
        """Let go of what has come to its end before everything else; whether there was any."""
        count = 0
        for run in self.runs:
            if not run.is_final:
                break
            self.start_offset = run.last + 1
            count += 1
        del self.runs[:count]
        return count > 0

    def drop_before(self, offset: int) -> bool:
        """Forget everything before `offset`, whatever its state; whether that moved the start."""
        if offset <= self.start_offset:
            return False
        if offset < self.end_offset:
            self._cut_at(offset)
            del self.runs[: self._index(offset)]
        else:
            self.runs.clear()
        self.start_offset = offset
        return True

    def join(self) -> None:
        """Make neighbours of one fate one run."""
        joined: list[Run] = []
        for run in self.runs:
            if joined and joined[-1].may_join(run):
                joined[-1].last = run.last
            else:
                joined.append(run)
        self.runs = joined

    def _cut_at(self, offset: int) -> None:
        """Have a run begin at `offset`, if it is in the window."""
        index = self._index(offset)
        if index < len(self.runs) and self.runs[index].first < offset <= self.runs[index].last:
            self.runs.insert(index + 1, self.runs[index].split(offset))

    def _index(self, offset: int) -> int:
        """Of the run that has the offset; 0 before the window, the last run's behind it."""
        return max(bisect_right(self.runs, offset, key=_first) - 1, 0)


def _first(run: Run) -> int:
    return run.first
