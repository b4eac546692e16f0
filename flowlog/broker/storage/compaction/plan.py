"""Which part of a log is to be cleaned, and whether it is worth it. Pure.

Source: LogCleanerManager.cleanableOffsets and LogToClean in apache/kafka.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flowlog.broker.storage.config import LogConfig


@dataclass(frozen=True, slots=True)
class SegmentFacts:
    """A sealed segment. Timestamps are the records' largest, or the file's where they have none."""

    base_offset: int
    next_offset: int
    size_bytes: int
    first_timestamp_ms: int
    largest_timestamp_ms: int


@dataclass(frozen=True, slots=True)
class Dirty:
    """Offsets [first_dirty, first_uncleanable) have not been cleaned yet and may be."""

    first_dirty_offset: int
    first_uncleanable_offset: int
    clean_bytes: int
    dirty_bytes: int
    is_overdue: bool
    """Some of it waits longer than `max.compaction.lag.ms` allows."""

    @property
    def ratio(self) -> float:
        """The dirty part of the bytes that a cleaning would read, 0 to 1."""
        return self.dirty_bytes / max(1, self.clean_bytes + self.dirty_bytes)


def find_dirty(
    segments: Sequence[SegmentFacts],
    *,
    cleaned_to: int,
    end_offset: int,
    config: LogConfig,
    now_ms: int,
) -> Dirty | None:
    """What may be cleaned of the sealed segments; None where there is nothing.

    Args:
        cleaned_to: where the cleaning before ended; outside the log it counts for nothing.
        end_offset: exclusive; nothing that is not decided or not replicated is cleaned.
    """
    if not segments:
        return None
    first_offset = segments[0].base_offset
    cleanable = _cleanable(segments, end_offset, config, now_ms)
    if not cleanable:
        return None
    uncleanable = min(cleanable[-1].next_offset, end_offset)
    first_dirty = cleaned_to if first_offset <= cleaned_to <= uncleanable else first_offset
    dirty = [s for s in cleanable if s.next_offset > first_dirty]
    dirty_bytes = sum(segment.size_bytes for segment in dirty)
    if first_dirty >= uncleanable or not dirty_bytes:
        return None
    earliest_ms = min(segment.first_timestamp_ms for segment in dirty)
    return Dirty(
        first_dirty_offset=first_dirty,
        first_uncleanable_offset=uncleanable,
        clean_bytes=sum(s.size_bytes for s in cleanable if s.next_offset <= first_dirty),
        dirty_bytes=dirty_bytes,
        is_overdue=now_ms - earliest_ms > config.max_compaction_lag_ms,
    )


def is_worth_it(dirty: Dirty, config: LogConfig) -> bool:
    """Whether a cleaning is due by the ratio or by the lag."""
    return dirty.is_overdue or dirty.ratio >= config.min_cleanable_dirty_ratio


def _cleanable(
    segments: Sequence[SegmentFacts], end_offset: int, config: LogConfig, now_ms: int
) -> list[SegmentFacts]:
    """Those before the first that is too young or undecided."""
    cleanable = []
    for segment in segments:
        is_young = segment.largest_timestamp_ms > now_ms - config.min_compaction_lag_ms
        if segment.base_offset >= end_offset or (config.min_compaction_lag_ms and is_young):
            break
        cleanable.append(segment)
    return cleanable
