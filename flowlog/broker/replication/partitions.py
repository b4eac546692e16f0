"""`Partitions`: all partitions that this broker serves, kept in step with the metadata image."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from uuid import UUID

from kio.schema.errors import ErrorCode

from flowlog.broker.controller.image import MetadataImage, ResourceType, TopicImage
from flowlog.broker.controller.records import (
    ConfigRecord,
    MetadataRecord,
    PartitionRecord,
    RemoveTopicRecord,
)
from flowlog.broker.storage.config import LogConfig
from flowlog.broker.storage.group_commit import GroupCommit
from flowlog.broker.storage.log_dirs import LogDirectories
from flowlog.errors import KafkaError

from .partition import Partition

logger = logging.getLogger(__name__)


class Partitions:
    """Opens, serves and drops partitions as the metadata says."""

    def __init__(
        self,
        image: MetadataImage,
        directory: LogDirectories,
        group_commit: GroupCommit,
        log_config: Callable[[str], LogConfig],
    ) -> None:
        """`log_config` gives the settings in force for a topic's name."""
        self._image = image
        self.directories = directory
        self._group_commit = group_commit
        self._log_config = log_config
        self._by_topic: dict[str, dict[int, Partition]] = {}
        self._by_id: dict[UUID, dict[int, Partition]] = {}
        self._offline: set[tuple[UUID, int]] = set()
        """Partitions whose log is damaged, or lies in a directory that could not be opened."""

    def __iter__(self) -> Iterator[Partition]:
        for partitions in self._by_topic.values():
            yield from partitions.values()

    def of_topic(self, topic: str) -> Mapping[int, Partition]:
        """The topic's partitions on this broker, by index."""
        return self._by_topic.get(topic, {})

    def find(self, topic: str, index: int) -> Partition:
        """The partition by its topic's name.

        Raises:
            KafkaError: UNKNOWN_TOPIC_OR_PARTITION, or KAFKA_STORAGE_ERROR where it is offline.
        """
        try:
            return self._by_topic[topic][index]
        except KeyError:
            image = self._image.topic(topic)
            self._check_offline(None if image is None else image.topic_id, index)
            raise KafkaError(ErrorCode.unknown_topic_or_partition) from None

    def find_by_id(self, topic_id: UUID | None, index: int) -> Partition:
        """The partition by its topic's id.

        Raises:
            KafkaError: UNKNOWN_TOPIC_ID, UNKNOWN_TOPIC_OR_PARTITION for a missing index, or
                KAFKA_STORAGE_ERROR where it is offline.
        """
        partitions = None if topic_id is None else self._by_id.get(topic_id)
        if partitions is None or index not in partitions:
            self._check_offline(topic_id, index)
        if partitions is None:
            raise KafkaError(ErrorCode.unknown_topic_id)
        try:
            return partitions[index]
        except KeyError:
            raise KafkaError(ErrorCode.unknown_topic_or_partition) from None

    def _check_offline(self, topic_id: UUID | None, index: int) -> None:
        if (topic_id, index) in self._offline:
            raise KafkaError(ErrorCode.kafka_storage_error, "the partition is offline")

    def open_all(self) -> None:
        """Open what the image names and delete logs of topics that it no longer has.

        A crash between a metadata record and its work on disk leaves either kind of difference.
        """
        for topic in self._image.topics.values():
            for record in topic.partitions:
                key = topic.topic_id, record.partition
                if self.directories.get(*key) is None and self.directories.may_hold(*key):
                    self._offline.add(key)
                    continue
                self._open(topic, record)
        for topic_id, index in self.directories.damaged():
            if topic_id not in self._image.topics_by_id:
                self.directories.delete(topic_id, index)
        for log in self.directories.all():
            if log.topic_id not in self._by_id and log.topic_id not in self.directories.reserved:
                logger.warning("deleting the log %s of a topic that was deleted", log.name)
                self.directories.delete(log.topic_id, log.partition)

    async def on_metadata(self, records: Sequence[MetadataRecord]) -> None:
        """Follow a committed batch of metadata records."""
        for record in records:
            match record:
                case PartitionRecord():
                    self._open(self._image.topics_by_id[record.topic_id], record)
                case RemoveTopicRecord():
                    self._drop(record.topic_id)
                case ConfigRecord(resource_type=ResourceType.TOPIC):
                    self._configure(record.resource_name)
                case ConfigRecord(resource_type=ResourceType.BROKER):
                    for topic in self._by_topic:
                        self._configure(topic)

    def _open(self, topic: TopicImage, record: PartitionRecord) -> None:
        if (topic.topic_id, record.partition) in self._offline:
            return
        partition = self._by_id.get(topic.topic_id, {}).get(record.partition)
        if partition is not None:
            partition.leader_epoch = record.leader_epoch
            return
        log = self.directories.get(topic.topic_id, record.partition)
        config = self._log_config(topic.name)
        if log is None:
            log = self.directories.create(topic.name, topic.topic_id, record.partition, config)
        log.config = config
        partition = Partition(
            topic.name,
            topic.topic_id,
            record.partition,
            log,
            leader_epoch=record.leader_epoch,
            group_commit=self._group_commit,
        )
        by_index = self._by_id.setdefault(topic.topic_id, {})
        by_index[record.partition] = partition
        self._by_topic[topic.name] = by_index

    def _drop(self, topic_id: UUID) -> None:
        dropped = self._by_id.pop(topic_id, {})
        for partition in dropped.values():
            if self._by_topic.get(partition.topic) is dropped:
                del self._by_topic[partition.topic]
            partition.wake_all()
            self.directories.delete(topic_id, partition.index)
        for key in [key for key in self._offline if key[0] == topic_id]:
            self._offline.remove(key)
            self.directories.delete(*key)

    def _configure(self, topic: str) -> None:
        config = self._log_config(topic)
        for partition in self.of_topic(topic).values():
            partition.log.config = config
