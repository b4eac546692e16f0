"""Which leader epoch started at which offset: how replicas find where their logs part (KIP-101).

Pure; the log writes it to `leader-epoch-checkpoint`.

Source: LeaderEpochFileCache in apache/kafka, storage.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from typing import Final

UNDEFINED_EPOCH: Final = -1
UNDEFINED_OFFSET: Final = -1


class LeaderEpochCache:
    """Entries (epoch, start offset), both ascending. `version` counts changes."""

    def __init__(self, entries: Iterable[tuple[int, int]] = ()) -> None:
        self._epochs: list[int] = []
        self._start_offsets: list[int] = []
        self.version = 0
        self.latest_epoch = UNDEFINED_EPOCH
        for epoch, start_offset in entries:
            self.assign(epoch, start_offset)

    @property
    def entries(self) -> Sequence[tuple[int, int]]:
        return list(zip(self._epochs, self._start_offsets, strict=True))

    def assign(self, epoch: int, start_offset: int) -> None:
        """Note that `epoch` starts at `start_offset`; an epoch that is not newer changes nothing.

        A start at or before those of older epochs means that they wrote nothing: they go.
        """
        if epoch <= self.latest_epoch:
            return
        self._cut(bisect_left(self._start_offsets, start_offset))
        self._epochs.append(epoch)
        self._start_offsets.append(start_offset)
        self.latest_epoch = epoch
        self.version += 1

    def epoch_for_offset(self, offset: int) -> int:
        """The epoch of the record at `offset`; -1 if it lies before the first known epoch."""
        i = bisect_right(self._start_offsets, offset)
        return self._epochs[i - 1] if i else UNDEFINED_EPOCH

    def end_offset_for(self, epoch: int, log_end_offset: int) -> tuple[int, int]:
        """The largest known epoch not above `epoch`, and its end offset (exclusive).

        (-1, -1) if the epoch is newer than every known one or the cache is empty. For an epoch
        older than every known one: that epoch, and where the first known one starts.
        """
        if epoch == UNDEFINED_EPOCH or not self._epochs or epoch > self.latest_epoch:
            return UNDEFINED_EPOCH, UNDEFINED_OFFSET
        if epoch == self.latest_epoch:
            return epoch, log_end_offset
        higher = bisect_right(self._epochs, epoch)
        if higher == 0:
            return epoch, self._start_offsets[0]
        return self._epochs[higher - 1], self._start_offsets[higher]

    def truncate_from_end(self, end_offset: int) -> None:
        """Forget epochs that start at `end_offset` or later."""
        keep = bisect_left(self._start_offsets, end_offset)
        if keep < len(self._epochs):
            self._cut(keep)
            self.version += 1

    def truncate_from_start(self, start_offset: int) -> None:
        """Forget what lies before `start_offset`; the epoch it falls in now starts there."""
        i = bisect_right(self._start_offsets, start_offset)
        if i == 0 or (i == 1 and self._start_offsets[0] == start_offset):
            return
        del self._epochs[: i - 1], self._start_offsets[: i - 1]
        self._start_offsets[0] = start_offset
        self.version += 1

    def clear(self) -> None:
        if self._epochs:
            self._cut(0)
            self.version += 1

    def _cut(self, keep: int) -> None:
        del self._epochs[keep:], self._start_offsets[keep:]
        self.latest_epoch = self._epochs[-1] if self._epochs else UNDEFINED_EPOCH
