"""The settings of a broker, with Kafka's names and defaults, and flowlog's own few.

Only keys that the broker acts on are here; any other is an error with a suggestion.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from .keys import INT_MAX, ConfigKey, ConfigType, table
from .share_keys import SHARE_KEYS
from .topic_keys import TOPIC_KEYS
from .transaction_keys import TRANSACTION_KEYS


def _topic_defaults() -> Iterator[ConfigKey]:
    """Each topic setting under its broker-wide name: what topics without an own value get."""
    for key in TOPIC_KEYS.values():
        yield ConfigKey(
            key.broker_key,
            key.type,
            key.default,
            f"Default of {key.name} for topics without their own. {key.doc}",
            low=key.low,
            high=key.high,
            choices=key.choices,
            dynamic=True,
        )


_OWN = [
    ConfigKey("node.id", ConfigType.INT, "1", "This node's number in the cluster.", low=0),
    ConfigKey(
        "listeners",
        ConfigType.LIST,
        "PLAINTEXT://127.0.0.1:9092",
        "Where the broker listens: PLAINTEXT://host:port; port 0 takes a free one.",
    ),
    ConfigKey(
        "advertised.listeners",
        ConfigType.LIST,
        "",
        "The address that clients are told; the listener's own when left empty.",
    ),
    ConfigKey("log.dirs", ConfigType.LIST, "flowlog-data", "The folders that hold the data."),
    ConfigKey(
        "log.dir.free.bytes.floor",
        ConfigType.LONG,
        "-1",
        "flowlog's own: free bytes that clients' records may not fill, so that offsets, metadata "
        "and a recovery still can; -1 is 1% of the file system, at most 64 MiB.",
        low=-1,
    ),
    ConfigKey("cluster.id", ConfigType.STRING, "", "The cluster's id; made when left empty."),
    ConfigKey("broker.rack", ConfigType.STRING, "", "The rack that this broker stands in."),
    ConfigKey(
        "num.partitions", ConfigType.INT, "1", "Partitions of a topic made without a number.", low=1
    ),
    ConfigKey(
        "default.replication.factor",
        ConfigType.INT,
        "1",
        "Replicas of a topic made without a number.",
        low=1,
    ),
    ConfigKey(
        "auto.create.topics.enable",
        ConfigType.BOOLEAN,
        "true",
        "Whether asking for an unknown topic makes it.",
    ),
    ConfigKey("delete.topic.enable", ConfigType.BOOLEAN, "true", "Whether topics can be deleted."),
    ConfigKey(
        "log.retention.minutes",
        ConfigType.INT,
        None,
        "Retention in minutes; log.retention.ms goes first.",
    ),
    ConfigKey(
        "log.retention.hours",
        ConfigType.INT,
        "168",
        "Retention in hours; log.retention.minutes goes first.",
    ),
    ConfigKey(
        "log.roll.hours",
        ConfigType.INT,
        "168",
        "Segment age in hours; log.roll.ms goes first.",
        low=1,
    ),
    ConfigKey(
        "log.retention.check.interval.ms",
        ConfigType.LONG,
        "300000",
        "How often retention looks for old segments, in milliseconds.",
        low=1,
    ),
    ConfigKey(
        "log.flush.offset.checkpoint.interval.ms",
        ConfigType.INT,
        "60000",
        "How often the recovery points are written down, in milliseconds.",
        low=1,
    ),
    ConfigKey(
        "durability",
        ConfigType.STRING,
        "replicated",
        "When an acknowledgement may leave: replicated (as Kafka) or fsync (after the disk's).",
        choices=("replicated", "fsync"),
    ),
    ConfigKey(
        "producer.id.expiration.ms",
        ConfigType.INT,
        "86400000",
        "Idle time after which a producer's sequence numbers are forgotten, in milliseconds.",
        low=1,
    ),
    ConfigKey(
        "socket.request.max.bytes",
        ConfigType.INT,
        "104857600",
        "The largest request, in bytes.",
        low=1,
    ),
    ConfigKey(
        "connections.max.idle.ms",
        ConfigType.LONG,
        "600000",
        "Idle time after which a connection is closed, in milliseconds.",
    ),
    ConfigKey(
        "max.connections", ConfigType.INT, str(INT_MAX), "The most connections at one time.", low=1
    ),
    ConfigKey(
        "fetch.max.bytes",
        ConfigType.INT,
        "57671680",
        "The most bytes that one fetch is answered with.",
        low=1024,
    ),
    ConfigKey(
        "log.cleaner.enable",
        ConfigType.BOOLEAN,
        "true",
        "Whether topics with cleanup.policy=compact are compacted.",
    ),
    ConfigKey(
        "log.cleaner.backoff.ms",
        ConfigType.LONG,
        "15000",
        "Time between two looks for logs that need compaction, in milliseconds.",
        low=1,
    ),
    ConfigKey(
        "log.cleaner.dedupe.buffer.size",
        ConfigType.LONG,
        "134217728",
        "Memory for the keys of one compaction, in bytes; more keys take several rounds.",
        low=1,
    ),
    ConfigKey(
        "log.cleaner.io.max.bytes.per.second",
        ConfigType.DOUBLE,
        "1.7976931348623157E308",
        "The most that compaction reads and writes in a second.",
        low=1024,
    ),
    ConfigKey(
        "max.incremental.fetch.session.cache.slots",
        ConfigType.INT,
        "1000",
        "The most fetch sessions at one time; other clients name their partitions in each fetch.",
        low=0,
    ),
    ConfigKey(
        "offsets.topic.num.partitions",
        ConfigType.INT,
        "50",
        "Partitions of the topic that keeps group offsets; fixed once it exists.",
        low=1,
    ),
    ConfigKey(
        "offsets.topic.segment.bytes",
        ConfigType.INT,
        "104857600",
        "Segment size of the topic that keeps group offsets, in bytes.",
        low=1,
    ),
    ConfigKey(
        "offsets.topic.replication.factor",
        ConfigType.SHORT,
        "1",
        "Replicas of the topic that keeps group offsets.",
        low=1,
    ),
    ConfigKey(
        "offsets.retention.minutes",
        ConfigType.INT,
        "10080",
        "How long an empty group's offsets are kept, in minutes.",
        low=1,
    ),
    ConfigKey(
        "offsets.retention.check.interval.ms",
        ConfigType.LONG,
        "600000",
        "How often expired offsets are looked for, in milliseconds.",
        low=1,
    ),
    ConfigKey(
        "offset.metadata.max.bytes",
        ConfigType.INT,
        "4096",
        "The longest text that a committed offset may carry, in bytes.",
    ),
    ConfigKey(
        "group.initial.rebalance.delay.ms",
        ConfigType.INT,
        "3000",
        "How long a new group waits for more members, in milliseconds.",
        low=0,
    ),
    ConfigKey(
        "group.min.session.timeout.ms",
        ConfigType.INT,
        "6000",
        "The shortest session timeout that a member may ask for, in milliseconds.",
    ),
    ConfigKey(
        "group.max.session.timeout.ms",
        ConfigType.INT,
        "1800000",
        "The longest session timeout that a member may ask for, in milliseconds.",
    ),
    ConfigKey(
        "group.max.size", ConfigType.INT, str(INT_MAX), "The most members of a group.", low=1
    ),
    ConfigKey(
        "group.consumer.max.size",
        ConfigType.INT,
        str(INT_MAX),
        "The most members of a new-protocol group.",
        low=1,
    ),
    ConfigKey(
        "group.consumer.assignors",
        ConfigType.LIST,
        "uniform,range,flowlog",
        "The assignors that new-protocol groups may ask for; the first is for those that do not.",
        choices=("uniform", "range", "flowlog"),
    ),
    ConfigKey(
        "group.consumer.migration.policy",
        ConfigType.STRING,
        "bidirectional",
        "Which way a group with members may change between the classic and the new protocol.",
        choices=("disabled", "downgrade", "upgrade", "bidirectional"),
    ),
    ConfigKey(
        "group.consumer.session.timeout.ms",
        ConfigType.INT,
        "45000",
        "Silence after which a member of a new-protocol group is removed, in milliseconds.",
        low=1,
    ),
    ConfigKey(
        "group.consumer.min.session.timeout.ms",
        ConfigType.INT,
        "45000",
        "The least that a group may set for its session timeout, in milliseconds.",
        low=1,
    ),
    ConfigKey(
        "group.consumer.max.session.timeout.ms",
        ConfigType.INT,
        "60000",
        "The most that a group may set for its session timeout, in milliseconds.",
        low=1,
    ),
    ConfigKey(
        "group.consumer.heartbeat.interval.ms",
        ConfigType.INT,
        "5000",
        "How often members of a new-protocol group report, in milliseconds.",
        low=1,
    ),
    ConfigKey(
        "group.consumer.min.heartbeat.interval.ms",
        ConfigType.INT,
        "5000",
        "The least that a group may set for its heartbeat interval, in milliseconds.",
        low=1,
    ),
    ConfigKey(
        "group.consumer.max.heartbeat.interval.ms",
        ConfigType.INT,
        "15000",
        "The most that a group may set for its heartbeat interval, in milliseconds.",
        low=1,
    ),
]

BROKER_KEYS: Final[Mapping[str, ConfigKey]] = table(
    [*_OWN, *TRANSACTION_KEYS, *SHARE_KEYS, *_topic_defaults()]
)
