"""Where share groups meet the broker: their settings, their states' topic and its log."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Final
from uuid import UUID

from flowlog.broker.admin.configs import ConfigAdmin
from flowlog.broker.admin.topics import SHARE_STATE_TOPIC, NewTopic, TopicAdmin
from flowlog.broker.config.broker_config import BrokerConfig
from flowlog.broker.config.keys import ConfigValue
from flowlog.broker.config.share_reset import parse_share_reset
from flowlog.broker.controller.image import MetadataImage
from flowlog.broker.coordinator.partition_commit_log import PartitionCommitLog
from flowlog.broker.replication.partition import READ_COMMITTED
from flowlog.broker.replication.partitions import Partitions
from flowlog.broker.share.partition.requests import Limits
from flowlog.broker.share.partitions import SharePartitions
from flowlog.broker.share.settings import ShareSettings
from flowlog.broker.share.state.config import ShareStateConfig
from flowlog.broker.share.state.coordinator import ShareStateCoordinator
from flowlog.broker.share.state.pruning import PrunableLog
from flowlog.clock import Clock
from flowlog.errors import KafkaError

READ_UNCOMMITTED: Final = 0


def share_state_coordinator(
    config: BrokerConfig,
    image: MetadataImage,
    partitions: Partitions,
    topics: TopicAdmin,
    clock: Clock,
) -> ShareStateCoordinator:
    """The coordinator over this broker's partitions of `__share_group_state`."""
    return ShareStateCoordinator(
        share_state_config(config, image),
        clock,
        open_share_state_log(partitions, clock),
        partition_exists=partition_exists(image),
        ensure_topic=ensure_share_state_topic(config, image, topics),
        delete_before=delete_share_state_before(partitions),
    )


def share_partitions(
    config: BrokerConfig,
    image: MetadataImage,
    partitions: Partitions,
    configs: ConfigAdmin,
    states: ShareStateCoordinator,
    clock: Clock,
) -> SharePartitions:
    """This broker's share partitions, over the states that it keeps."""
    shares = SharePartitions(
        partitions,
        states,
        clock,
        settings=ShareSettingsCache(image, configs),
        sessions_max=config.integer("group.share.max.share.sessions"),
    )
    states.add_reset_listener(shares.on_reset)
    return shares


class ShareSettingsCache:
    """The settings of single share groups, looked up once for each state of the metadata."""

    def __init__(self, image: MetadataImage, configs: ConfigAdmin) -> None:
        self._image = image
        self._configs = configs
        self._known: dict[str, ShareSettings] = {}
        self._offset = image.offset

    def __call__(self, group_id: str) -> ShareSettings:
        if self._offset != self._image.offset:
            self._known.clear()
            self._offset = self._image.offset
        settings = self._known.get(group_id)
        if settings is None:
            settings = self._known[group_id] = share_settings(self._configs.group_values(group_id))
        return settings


def share_settings(values: Mapping[str, ConfigValue]) -> ShareSettings:
    """The settings of a group's share partitions, out of all of its own."""

    def integer(name: str) -> int:
        value = values[name]
        assert isinstance(value, int), f"{name} is a number"
        return value

    return ShareSettings(
        limits=Limits(
            lock_duration_ms=integer("share.record.lock.duration.ms"),
            delivery_count=integer("share.delivery.count.limit"),
            record_locks=integer("share.partition.max.record.locks"),
            may_renew=bool(values["share.renew.acknowledge.enable"]),
        ),
        reset=parse_share_reset(str(values["share.auto.offset.reset"])),
        isolation_level=READ_COMMITTED
        if values["share.isolation.level"] == "read_committed"
        else READ_UNCOMMITTED,
    )


def share_state_config(config: BrokerConfig, image: MetadataImage) -> ShareStateConfig:
    """The coordinator's settings out of the broker's.

    Which partition holds a state depends on their number, so once the topic exists its own number
    counts, whatever the setting says now.
    """
    topic = image.topic(SHARE_STATE_TOPIC)
    return ShareStateConfig(
        partition_count=len(topic.partitions)
        if topic is not None
        else config.integer("share.coordinator.state.topic.num.partitions"),
        updates_per_snapshot=config.integer(
            "share.coordinator.snapshot.update.records.per.snapshot"
        ),
        prune_interval_ms=config.integer("share.coordinator.state.topic.prune.interval.ms"),
        cold_snapshot_interval_ms=config.integer(
            "share.coordinator.cold.partition.snapshot.interval.ms"
        ),
    )


def share_state_topic(config: BrokerConfig) -> NewTopic:
    """`__share_group_state` as it is made when the first state is asked for.

    The coordinator deletes what is of no use any more; nothing else may.
    """
    return NewTopic(
        SHARE_STATE_TOPIC,
        partition_count=config.integer("share.coordinator.state.topic.num.partitions"),
        replication_factor=config.integer("share.coordinator.state.topic.replication.factor"),
        configs={
            "cleanup.policy": "delete",
            "compression.type": "uncompressed",
            "min.insync.replicas": str(config.integer("share.coordinator.state.topic.min.isr")),
            "retention.bytes": "-1",
            "retention.ms": "-1",
            "segment.bytes": str(config.integer("share.coordinator.state.topic.segment.bytes")),
        },
    )


def ensure_share_state_topic(
    config: BrokerConfig, image: MetadataImage, topics: TopicAdmin
) -> Callable[[], Awaitable[None]]:
    """Makes the topic unless it is there.

    The function raises `KafkaError` where that cannot be.
    """

    async def ensure() -> None:
        if image.topic(SHARE_STATE_TOPIC) is not None:
            return
        (outcome,) = await topics.create([share_state_topic(config)])
        if isinstance(outcome, KafkaError) and image.topic(SHARE_STATE_TOPIC) is None:
            raise outcome

    return ensure


def open_share_state_log(partitions: Partitions, clock: Clock) -> Callable[[int], PrunableLog]:
    """How the coordinator reaches its log for a partition of `__share_group_state`."""

    def open_log(index: int) -> PrunableLog:
        partition = partitions.find(SHARE_STATE_TOPIC, index)
        return PrunableLog(PartitionCommitLog(partition, clock), partition.log.log_start_offset)

    return open_log


def delete_share_state_before(partitions: Partitions) -> Callable[[int, int], None]:
    """Deletes the beginning of a partition of `__share_group_state`, up to an offset (exclusive)."""

    def delete_before(index: int, offset: int) -> None:
        log = partitions.find(SHARE_STATE_TOPIC, index).log
        if offset > log.log_start_offset:
            log.delete_records_before(offset)

    return delete_before


def partition_exists(image: MetadataImage) -> Callable[[UUID, int], bool]:
    """Whether a topic has a partition, by the topic's id."""

    def exists(topic_id: UUID, index: int) -> bool:
        topic = image.topics_by_id.get(topic_id)
        return topic is not None and 0 <= index < len(topic.partitions)

    return exists
