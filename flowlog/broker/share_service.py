"""Where the share coordinator meets the broker: its settings, its topic and its log."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from uuid import UUID

from flowlog.broker.admin.topics import SHARE_STATE_TOPIC, NewTopic, TopicAdmin
from flowlog.broker.config.broker_config import BrokerConfig
from flowlog.broker.controller.image import MetadataImage
from flowlog.broker.coordinator.partition_commit_log import PartitionCommitLog
from flowlog.broker.replication.partitions import Partitions
from flowlog.broker.share.state.config import ShareStateConfig
from flowlog.broker.share.state.coordinator import ShareStateCoordinator
from flowlog.broker.share.state.pruning import PrunableLog
from flowlog.clock import Clock
from flowlog.errors import KafkaError


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
