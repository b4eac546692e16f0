"""The settings of a topic, with Kafka's names and defaults.

Left out, and refused as unknown: remote storage (`remote.*`, `local.retention.*`), replication
throttles and `preallocate`, none of which flowlog does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from .keys import INT_MAX, LONG_MAX, ConfigKey, ConfigType, table

DAY_MS: Final = 24 * 3600 * 1000

TOPIC_KEYS: Final[Mapping[str, ConfigKey]] = table(
    [
        ConfigKey(
            "cleanup.policy",
            ConfigType.LIST,
            "delete",
            "What happens to old segments: delete, compact, or both.",
            choices=("delete", "compact"),
            broker_key="log.cleanup.policy",
        ),
        ConfigKey(
            "compression.type",
            ConfigType.STRING,
            "producer",
            "The codec that batches are stored with; producer keeps the producer's.",
            choices=("producer", "uncompressed", "gzip", "snappy", "lz4", "zstd"),
            broker_key="compression.type",
        ),
        ConfigKey(
            "delete.retention.ms",
            ConfigType.LONG,
            str(DAY_MS),
            "How long a tombstone of a compacted topic can still be read, in milliseconds.",
            low=0,
            broker_key="log.cleaner.delete.retention.ms",
        ),
        ConfigKey(
            "file.delete.delay.ms",
            ConfigType.LONG,
            "60000",
            "How long a deleted segment's file stays on disk, in milliseconds.",
            low=0,
            broker_key="log.segment.delete.delay.ms",
        ),
        ConfigKey(
            "flush.messages",
            ConfigType.LONG,
            str(LONG_MAX),
            "Records after which the log is forced to disk; 1 means before each acknowledgement.",
            low=1,
            broker_key="log.flush.interval.messages",
        ),
        ConfigKey(
            "flush.ms",
            ConfigType.LONG,
            str(LONG_MAX),
            "Milliseconds after which written records are forced to disk.",
            low=0,
            broker_key="log.flush.interval.ms",
        ),
        ConfigKey(
            "index.interval.bytes",
            ConfigType.INT,
            "4096",
            "Bytes of log between two entries of the offset index.",
            low=0,
            broker_key="log.index.interval.bytes",
        ),
        ConfigKey(
            "max.compaction.lag.ms",
            ConfigType.LONG,
            str(LONG_MAX),
            "The longest time a record stays uncompacted, in milliseconds.",
            low=1,
            broker_key="log.cleaner.max.compaction.lag.ms",
        ),
        ConfigKey(
            "max.message.bytes",
            ConfigType.INT,
            "1048588",
            "The largest record batch that is accepted, in bytes.",
            low=0,
            broker_key="message.max.bytes",
        ),
        ConfigKey(
            "message.timestamp.after.max.ms",
            ConfigType.LONG,
            "3600000",
            "How far a record's timestamp may lie ahead of the broker's clock, in milliseconds.",
            low=0,
            broker_key="log.message.timestamp.after.max.ms",
        ),
        ConfigKey(
            "message.timestamp.before.max.ms",
            ConfigType.LONG,
            str(LONG_MAX),
            "How far a record's timestamp may lie behind the broker's clock, in milliseconds.",
            low=0,
            broker_key="log.message.timestamp.before.max.ms",
        ),
        ConfigKey(
            "message.timestamp.type",
            ConfigType.STRING,
            "CreateTime",
            "Whose time a record carries: the producer's or the time of appending.",
            choices=("CreateTime", "LogAppendTime"),
            broker_key="log.message.timestamp.type",
        ),
        ConfigKey(
            "min.cleanable.dirty.ratio",
            ConfigType.DOUBLE,
            "0.5",
            "The part of a compacted log that must be dirty before it is compacted.",
            low=0,
            high=1,
            broker_key="log.cleaner.min.cleanable.ratio",
        ),
        ConfigKey(
            "min.compaction.lag.ms",
            ConfigType.LONG,
            "0",
            "The shortest time a record stays uncompacted, in milliseconds.",
            low=0,
            broker_key="log.cleaner.min.compaction.lag.ms",
        ),
        ConfigKey(
            "min.insync.replicas",
            ConfigType.INT,
            "1",
            "Replicas that must have a record before acks=all is answered.",
            low=1,
            broker_key="min.insync.replicas",
        ),
        ConfigKey(
            "retention.bytes",
            ConfigType.LONG,
            "-1",
            "Bytes of a partition after which its oldest segments go; -1 for no limit.",
            low=-1,
            broker_key="log.retention.bytes",
        ),
        ConfigKey(
            "retention.ms",
            ConfigType.LONG,
            str(7 * DAY_MS),
            "Age after which a partition's segments go, in milliseconds; -1 for never.",
            low=-1,
            broker_key="log.retention.ms",
        ),
        ConfigKey(
            "segment.bytes",
            ConfigType.INT,
            str(2**30),
            "Size at which a new segment begins, in bytes.",
            low=14,
            high=INT_MAX,
            broker_key="log.segment.bytes",
        ),
        ConfigKey(
            "segment.index.bytes",
            ConfigType.INT,
            "10485760",
            "Size of an offset index at which a new segment begins, in bytes.",
            low=4,
            broker_key="log.index.size.max.bytes",
        ),
        ConfigKey(
            "segment.ms",
            ConfigType.LONG,
            str(7 * DAY_MS),
            "Age at which a new segment begins, in milliseconds.",
            low=1,
            broker_key="log.roll.ms",
        ),
        ConfigKey(
            "unclean.leader.election.enable",
            ConfigType.BOOLEAN,
            "false",
            "Whether a replica outside the in-sync set may lead when nobody else is left.",
            broker_key="unclean.leader.election.enable",
        ),
    ]
)
