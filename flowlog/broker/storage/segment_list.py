"""The segments of one log in order of their offsets; the last one grows."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator

from flowlog.broker.storage.segment import LogSegment


class SegmentList:
    """Never empty. `active` is the last."""

    def __init__(self, segments: list[LogSegment]) -> None:
        assert segments, "a log has at least one segment"
        self._segments = segments
        self._bases = [segment.base_offset for segment in segments]
        assert self._bases == sorted(set(self._bases)), self._bases
        self.active = segments[-1]

    def __len__(self) -> int:
        return len(self._segments)

    def __iter__(self) -> Iterator[LogSegment]:
        return iter(self._segments)

    def __getitem__(self, i: int) -> LogSegment:
        return self._segments[i]

    @property
    def size_bytes(self) -> int:
        return sum(segment.size_bytes for segment in self._segments)

    def floor_index(self, offset: int) -> int:
        """Index of the last segment with `base_offset <= offset`; 0 if there is none."""
        return max(0, bisect_right(self._bases, offset) - 1)

    def from_offset(self, offset: int) -> Iterator[LogSegment]:
        """The segment that `offset` falls in, and those behind it."""
        return iter(self._segments[self.floor_index(offset) :])

    def append(self, segment: LogSegment) -> None:
        assert segment.base_offset > self._bases[-1], (segment, self._bases[-1])
        self._segments.append(segment)
        self._bases.append(segment.base_offset)
        self.active = segment

    def remove_first(self, count: int) -> list[LogSegment]:
        """Take out the oldest `count`; at least one must stay."""
        assert count < len(self._segments), count
        removed = self._segments[:count]
        del self._segments[:count], self._bases[:count]
        return removed

    def remove_last(self, count: int) -> list[LogSegment]:
        """Take out the newest `count`; at least one must stay."""
        assert count < len(self._segments), count
        keep = len(self._segments) - count
        removed = self._segments[keep:]
        del self._segments[keep:], self._bases[keep:]
        self.active = self._segments[-1]
        return removed

    def index_of(self, base_offset: int) -> int | None:
        """Index of the segment that starts exactly there."""
        index = self.floor_index(base_offset)
        return index if self._bases[index] == base_offset else None

    def replace(self, first: int, count: int, segment: LogSegment) -> None:
        """Put one segment in the place of `count` others from index `first`; never the active."""
        assert first + count < len(self._segments), (first, count)
        assert segment.base_offset == self._bases[first], segment
        self._segments[first : first + count] = [segment]
        self._bases[first : first + count] = [segment.base_offset]

    def replace_all(self, segment: LogSegment) -> list[LogSegment]:
        """Start over with one segment; the old ones."""
        removed, self._segments = self._segments, [segment]
        self._bases = [segment.base_offset]
        self.active = segment
        return removed
