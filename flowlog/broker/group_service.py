"""Where the group coordinator meets the broker: its settings, and its log in `__consumer_offsets`."""

from __future__ import annotations

from collections.abc import Callable

from flowlog.broker.admin.topics import OFFSETS_TOPIC, NewTopic
from flowlog.broker.config.broker_config import BrokerConfig
from flowlog.broker.controller.image import MetadataImage
from flowlog.broker.coordinator.commit_log import CommitLog
from flowlog.broker.coordinator.partition_commit_log import PartitionCommitLog
from flowlog.broker.groups.config import GroupConfig
from flowlog.broker.replication.partitions import Partitions
from flowlog.clock import Clock


def group_config(config: BrokerConfig, image: MetadataImage) -> GroupConfig:
    """The coordinator's settings out of the broker's.

    Which partition holds a group depends on their number, so once the topic exists its own
    number counts, whatever the setting says now.
    """
    topic = image.topic(OFFSETS_TOPIC)
    return GroupConfig(
        offsets_topic_partitions=len(topic.partitions)
        if topic is not None
        else config.integer("offsets.topic.num.partitions"),
        min_session_timeout_ms=config.integer("group.min.session.timeout.ms"),
        max_session_timeout_ms=config.integer("group.max.session.timeout.ms"),
        initial_rebalance_delay_ms=config.integer("group.initial.rebalance.delay.ms"),
        max_size=config.integer("group.max.size"),
        offset_metadata_max_bytes=config.integer("offset.metadata.max.bytes"),
        offsets_retention_ms=config.integer("offsets.retention.minutes") * 60_000,
        offsets_retention_check_interval_ms=config.integer("offsets.retention.check.interval.ms"),
    )


def offsets_topic(config: BrokerConfig) -> NewTopic:
    """`__consumer_offsets` as it is made when the first group asks for its coordinator."""
    return NewTopic(
        OFFSETS_TOPIC,
        partition_count=config.integer("offsets.topic.num.partitions"),
        replication_factor=config.integer("offsets.topic.replication.factor"),
        configs={
            "cleanup.policy": "compact",
            "compression.type": "producer",
            "segment.bytes": str(config.integer("offsets.topic.segment.bytes")),
        },
    )


def open_offsets_log(partitions: Partitions, clock: Clock) -> Callable[[int], CommitLog]:
    """How the coordinator reaches its log for a partition of `__consumer_offsets`."""

    def open_log(index: int) -> CommitLog:
        return PartitionCommitLog(partitions.find(OFFSETS_TOPIC, index), clock)

    return open_log
