"""The transaction coordinator's settings, under the names of Kafka's broker configuration."""

from __future__ import annotations

from dataclasses import dataclass

DAY_MS = 24 * 3_600_000


@dataclass(frozen=True, slots=True)
class TransactionConfig:
    """Times in milliseconds. Defaults are Kafka's."""

    partition_count: int = 50  # transaction.state.log.num.partitions
    max_timeout_ms: int = 900_000  # transaction.max.timeout.ms
    id_expiration_ms: int = 7 * DAY_MS  # transactional.id.expiration.ms
    id_expiration_check_interval_ms: int = 3_600_000
    """transaction.remove.expired.transaction.cleanup.interval.ms"""
    verifies_partitions: bool = True  # transaction.partition.verification.enable
