"""Which of a log's oldest segments may go: by age, by size, and below the log start. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from flowlog.broker.storage.config import LogConfig


@dataclass(frozen=True, slots=True)
class SegmentFacts:
    """What retention looks at. `largest_timestamp_ms` falls back on the file's own time."""

    end_offset: int
    size_bytes: int
    largest_timestamp_ms: int


def deletable_count(
    segments: Iterable[SegmentFacts],
    config: LogConfig,
    *,
    now_ms: int,
    high_watermark: int,
    log_start_offset: int,
) -> int:
    """How many segments, from the oldest on, are deletable; it stops at the first that is not.

    Nothing that ends above the high watermark goes. The last segment may be counted too if it
    holds anything: the log rolls first then.

    Source: UnifiedLog.deleteOldSegments in apache/kafka.
    """
    facts = list(segments)
    surplus_bytes = _surplus_bytes(facts, config)
    count = 0
    for segment in facts:
        if segment.end_offset > high_watermark or not segment.size_bytes:
            break
        is_surplus = surplus_bytes >= segment.size_bytes
        if not (
            segment.end_offset <= log_start_offset
            or is_surplus
            or _is_expired(segment, config, now_ms)
        ):
            break
        surplus_bytes -= segment.size_bytes
        count += 1
    return count


def _surplus_bytes(facts: list[SegmentFacts], config: LogConfig) -> int:
    if not config.is_deleted_by_retention or config.retention_bytes < 0:
        return -1
    return sum(segment.size_bytes for segment in facts) - config.retention_bytes


def _is_expired(segment: SegmentFacts, config: LogConfig, now_ms: int) -> bool:
    return (
        config.is_deleted_by_retention
        and config.retention_ms >= 0
        and now_ms - segment.largest_timestamp_ms > config.retention_ms
    )
