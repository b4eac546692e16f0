"""The settings of share groups (KIP-932), with Kafka's names and defaults.

Left out, and refused as unknown: the threads and buffers of Kafka's share coordinator, its time
limit for a write, and how long a new assignment may be put off (flowlog makes it at once).
"""

from __future__ import annotations

from typing import Final

from .keys import INT_MAX, ConfigKey, ConfigType


def _bounded(
    name: str, unit: str, doc: str, *, default: int, low: int, high: int
) -> tuple[ConfigKey, ConfigKey, ConfigKey]:
    """A setting that groups may have of their own, and the bounds that the broker sets them."""

    def key(prefix: str, default: int, doc: str) -> ConfigKey:
        return ConfigKey(
            f"group.share.{prefix}{name}", ConfigType.INT, str(default), f"{doc}{unit}.", low=1
        )

    return (
        key("", default, doc),
        key("min.", low, f"The least that a share group may set as {name}"),
        key("max.", high, f"The most that a share group may set as {name}"),
    )


SHARE_KEYS: Final = (
    ConfigKey(
        "group.share.max.size",
        ConfigType.INT,
        "200",
        "The most members of a share group.",
        low=1,
        high=1000,
    ),
    ConfigKey(
        "group.share.assignors",
        ConfigType.LIST,
        "simple",
        "How partitions are shared out among a share group's members.",
        choices=("simple",),
    ),
    *_bounded(
        "session.timeout.ms",
        ", in milliseconds",
        "Silence after which a member of a share group is removed",
        default=45_000,
        low=45_000,
        high=60_000,
    ),
    *_bounded(
        "heartbeat.interval.ms",
        ", in milliseconds",
        "How often members of a share group report",
        default=5_000,
        low=5_000,
        high=15_000,
    ),
    *_bounded(
        "record.lock.duration.ms",
        ", in milliseconds",
        "How long a record that was delivered is kept from the others",
        default=30_000,
        low=15_000,
        high=60_000,
    ),
    *_bounded(
        "delivery.count.limit",
        "",
        "How often a record is delivered at the most",
        default=5,
        low=2,
        high=10,
    ),
    *_bounded(
        "partition.max.record.locks",
        "",
        "The most records of a partition that may be locked, or known apart, at once",
        default=2_000,
        low=100,
        high=4_000,
    ),
    ConfigKey(
        "group.share.max.share.sessions",
        ConfigType.INT,
        "2000",
        "The most share sessions that the broker keeps.",
        low=1,
    ),
    ConfigKey(
        "share.coordinator.state.topic.num.partitions",
        ConfigType.INT,
        "50",
        "Partitions of the topic that keeps share groups' progress; fixed once it exists.",
        low=1,
    ),
    ConfigKey(
        "share.coordinator.state.topic.segment.bytes",
        ConfigType.INT,
        "104857600",
        "Segment size of the topic that keeps share groups' progress, in bytes.",
        low=1,
        high=INT_MAX,
    ),
    ConfigKey(
        "share.coordinator.state.topic.replication.factor",
        ConfigType.SHORT,
        "1",
        "Replicas of the topic that keeps share groups' progress.",
        low=1,
    ),
    ConfigKey(
        "share.coordinator.state.topic.min.isr",
        ConfigType.SHORT,
        "1",
        "Replicas that must have a record of a share group's progress before it counts.",
        low=1,
    ),
    ConfigKey(
        "share.coordinator.snapshot.update.records.per.snapshot",
        ConfigType.INT,
        "500",
        "Changes of a share partition's state that are written between two whole states.",
        low=0,
        high=500,
    ),
    ConfigKey(
        "share.coordinator.state.topic.prune.interval.ms",
        ConfigType.INT,
        "300000",
        "How often what has been superseded of share groups' progress is deleted.",
        low=1,
    ),
    ConfigKey(
        "share.coordinator.cold.partition.snapshot.interval.ms",
        ConfigType.INT,
        "300000",
        "Age at which the whole state of a quiet share partition is written again, so that what "
        "comes before it can be deleted, in milliseconds.",
        low=1,
    ),
)
