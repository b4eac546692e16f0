"""The group coordinator's settings, under the names of Kafka's broker configuration."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class MigrationPolicy(enum.Enum):
    """group.consumer.migration.policy: which way a group with members may change its protocol."""

    DISABLED = "disabled"
    DOWNGRADE = "downgrade"
    UPGRADE = "upgrade"
    BIDIRECTIONAL = "bidirectional"

    @property
    def allows_upgrade(self) -> bool:
        return self in (MigrationPolicy.UPGRADE, MigrationPolicy.BIDIRECTIONAL)

    @property
    def allows_downgrade(self) -> bool:
        return self in (MigrationPolicy.DOWNGRADE, MigrationPolicy.BIDIRECTIONAL)


@dataclass(frozen=True, slots=True)
class GroupSettings:
    """What may be set for each group by its own; times in milliseconds. Defaults are Kafka's."""

    consumer_session_timeout_ms: int = 45_000  # consumer.session.timeout.ms
    consumer_heartbeat_interval_ms: int = 5_000  # consumer.heartbeat.interval.ms
    share_session_timeout_ms: int = 45_000  # share.session.timeout.ms
    share_heartbeat_interval_ms: int = 5_000  # share.heartbeat.interval.ms


@dataclass(frozen=True, slots=True)
class GroupConfig:
    """Times in milliseconds. Defaults are Kafka's."""

    offsets_topic_partitions: int = 50  # offsets.topic.num.partitions
    min_session_timeout_ms: int = 6_000  # group.min.session.timeout.ms
    max_session_timeout_ms: int = 1_800_000  # group.max.session.timeout.ms
    initial_rebalance_delay_ms: int = 3_000  # group.initial.rebalance.delay.ms; 0: no wait
    max_size: int = 2**31 - 1  # group.max.size, members
    offset_metadata_max_bytes: int = 4_096  # offset.metadata.max.bytes
    offsets_retention_ms: int = 7 * 24 * 3_600_000  # offsets.retention.minutes
    offsets_retention_check_interval_ms: int = 600_000
    new_member_join_timeout_ms: int = 300_000  # how long a parked new member is believed in
    consumer_max_size: int = 2**31 - 1  # group.consumer.max.size, members
    consumer_assignors: tuple[str, ...] = ("uniform", "range", "flowlog")
    """group.consumer.assignors: the ones that may be asked for; the first is the default."""
    share_max_size: int = 200  # group.share.max.size, members
    migration_policy: MigrationPolicy = MigrationPolicy.BIDIRECTIONAL
