"""The settings of transactions, with Kafka's names and defaults.

Left out, and refused as unknown: how often Kafka looks for transactions that took too long
(`transaction.abort.timed.out.transaction.cleanup.interval.ms`), which flowlog aborts at their
time; the loading buffer's size; two-phase commit (KIP-939).
"""

from __future__ import annotations

from typing import Final

from .keys import INT_MAX, ConfigKey, ConfigType

TRANSACTION_KEYS: Final = (
    ConfigKey(
        "transaction.max.timeout.ms",
        ConfigType.INT,
        "900000",
        "The longest time that a producer may ask for a transaction to take, in milliseconds.",
        low=1,
    ),
    ConfigKey(
        "transactional.id.expiration.ms",
        ConfigType.INT,
        "604800000",
        "Idle time after which a transactional id is forgotten, in milliseconds.",
        low=1,
    ),
    ConfigKey(
        "transaction.remove.expired.transaction.cleanup.interval.ms",
        ConfigType.INT,
        "3600000",
        "How often transactional ids are looked through for idle ones, in milliseconds.",
        low=1,
    ),
    ConfigKey(
        "transaction.partition.verification.enable",
        ConfigType.BOOLEAN,
        "true",
        "Whether a transaction's first write to a partition is held against its coordinator.",
    ),
    ConfigKey(
        "transaction.state.log.num.partitions",
        ConfigType.INT,
        "50",
        "Partitions of the topic that keeps transactions; fixed once it exists.",
        low=1,
    ),
    ConfigKey(
        "transaction.state.log.segment.bytes",
        ConfigType.INT,
        "104857600",
        "Segment size of the topic that keeps transactions, in bytes.",
        low=1,
        high=INT_MAX,
    ),
    ConfigKey(
        "transaction.state.log.replication.factor",
        ConfigType.SHORT,
        "1",
        "Replicas of the topic that keeps transactions.",
        low=1,
    ),
    ConfigKey(
        "transaction.state.log.min.isr",
        ConfigType.INT,
        "1",
        "Replicas that must have a transaction's record before it counts.",
        low=1,
    ),
)
