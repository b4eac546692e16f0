"""Where the group coordinator meets the broker: its settings, and its log in `__consumer_offsets`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from uuid import UUID

from flowlog.broker.admin.configs import ConfigAdmin
from flowlog.broker.admin.topics import OFFSETS_TOPIC, NewTopic
from flowlog.broker.config.broker_config import BrokerConfig
from flowlog.broker.controller.image import MetadataImage
from flowlog.broker.coordinator.commit_log import CommitLog
from flowlog.broker.coordinator.partition_commit_log import PartitionCommitLog
from flowlog.broker.groups.config import GroupConfig, GroupSettings, MigrationPolicy
from flowlog.broker.groups.topics import Topic
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
        consumer_max_size=config.integer("group.consumer.max.size"),
        share_max_size=config.integer("group.share.max.size"),
        consumer_assignors=config.strings("group.consumer.assignors"),
        migration_policy=MigrationPolicy(config.string("group.consumer.migration.policy")),
    )


class ImageTopics:
    """The cluster's topics as groups see them, out of the metadata."""

    def __init__(self, image: MetadataImage) -> None:
        self._image = image

    @property
    def version(self) -> int:
        return self._image.offset

    def named(self, name: str) -> Topic | None:
        topic = self._image.topic(name)
        return None if topic is None else Topic(topic.name, topic.topic_id, len(topic.partitions))

    def with_id(self, topic_id: UUID) -> Topic | None:
        topic = self._image.topics_by_id.get(topic_id)
        return None if topic is None else Topic(topic.name, topic.topic_id, len(topic.partitions))

    def names(self) -> Iterable[str]:
        return self._image.topics


class GroupSettingsCache:
    """The settings of single groups, looked up once for each state of the metadata.

    Every heartbeat asks for them.
    """

    def __init__(self, image: MetadataImage, configs: ConfigAdmin) -> None:
        self._image = image
        self._configs = configs
        self._known: dict[str, GroupSettings] = {}
        self._offset = image.offset

    def __call__(self, group_id: str) -> GroupSettings:
        if self._offset != self._image.offset:
            self._known.clear()
            self._offset = self._image.offset
        settings = self._known.get(group_id)
        if settings is None:
            settings = self._known[group_id] = self._read(group_id)
        return settings

    def _read(self, group_id: str) -> GroupSettings:
        values = self._configs.group_values(group_id)

        def integer(name: str) -> int:
            value = values[name]
            assert isinstance(value, int), f"{name} is a number"
            return value

        return GroupSettings(
            consumer_session_timeout_ms=integer("consumer.session.timeout.ms"),
            consumer_heartbeat_interval_ms=integer("consumer.heartbeat.interval.ms"),
            share_session_timeout_ms=integer("share.session.timeout.ms"),
            share_heartbeat_interval_ms=integer("share.heartbeat.interval.ms"),
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
