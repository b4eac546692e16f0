"""What a topic's configuration says about its logs; names and defaults are Kafka's."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from flowlog.records.batch import Codec
from flowlog.records.validation import BatchLimits

DAY_MS = 24 * 60 * 60 * 1000
UNLIMITED = 2**63 - 1


@dataclass(frozen=True)
class LogConfig:
    """Settings of one partition log. Unlimited is 2^63 - 1, or -1 where Kafka has it so.

    Attributes follow Kafka's keys (`segment.bytes` is `segment_bytes`). The policy lives with
    `PartitionLog`; values are checked by whoever takes them from a user.
    """

    segment_bytes: int = 1024 * 1024 * 1024
    segment_ms: int = 7 * DAY_MS
    segment_index_bytes: int = 10 * 1024 * 1024
    index_interval_bytes: int = 4096
    retention_ms: int = 7 * DAY_MS
    """-1: keep for ever."""
    retention_bytes: int = -1
    """-1: no bound."""
    cleanup_policy: frozenset[str] = frozenset({"delete"})
    flush_messages: int = UNLIMITED
    """Flush after so many records; 1: no acknowledgement before the disk has it."""
    flush_ms: int = UNLIMITED
    max_message_bytes: int = 1_048_588
    message_timestamp_type: str = "CreateTime"
    message_timestamp_before_max_ms: int = UNLIMITED
    message_timestamp_after_max_ms: int = 3_600_000
    file_delete_delay_ms: int = 60_000
    delete_retention_ms: int = DAY_MS
    min_compaction_lag_ms: int = 0
    max_compaction_lag_ms: int = UNLIMITED
    min_cleanable_dirty_ratio: float = 0.5
    compression_type: str = "producer"
    preallocate: bool = False
    """Accepted for Kafka's sake; flowlog's segments grow as they are written."""
    max_decompressed_bytes: int = 100 * 1024 * 1024
    """Bound on what one batch may expand to where its records have to be read."""
    producer_id_expiration_ms: int = DAY_MS

    @cached_property
    def takes_append_time(self) -> bool:
        return self.message_timestamp_type == "LogAppendTime"

    @cached_property
    def codec(self) -> Codec | None:
        """What batches are stored with; None keeps the producer's codec."""
        if self.compression_type == "producer":
            return None
        return Codec[
            "NONE" if self.compression_type == "uncompressed" else self.compression_type.upper()
        ]

    @cached_property
    def is_compacted(self) -> bool:
        return "compact" in self.cleanup_policy

    @cached_property
    def max_segment_ms(self) -> int:
        """How old a growing segment may become: a compacted log must roll to keep its lag."""
        if not self.is_compacted:
            return self.segment_ms
        return min(self.segment_ms, self.max_compaction_lag_ms)

    @cached_property
    def batch_limits(self) -> BatchLimits:
        return BatchLimits(
            max_message_bytes=self.max_message_bytes,
            timestamp_before_max_ms=self.message_timestamp_before_max_ms,
            timestamp_after_max_ms=self.message_timestamp_after_max_ms,
            checks_timestamps=not self.takes_append_time,
        )

    @cached_property
    def is_deleted_by_retention(self) -> bool:
        return "delete" in self.cleanup_policy
