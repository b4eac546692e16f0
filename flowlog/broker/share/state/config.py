"""The share coordinator's settings, under the names of Kafka's broker configuration."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ShareStateConfig:
    """Times in milliseconds. Defaults are Kafka's. All are share.coordinator.…"""

    partition_count: int = 50  # state.topic.num.partitions
    updates_per_snapshot: int = 500  # snapshot.update.records.per.snapshot
    prune_interval_ms: int = 300_000  # state.topic.prune.interval.ms
    cold_snapshot_interval_ms: int = 300_000  # cold.partition.snapshot.interval.ms
