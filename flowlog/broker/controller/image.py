"""`MetadataImage`: what the metadata log adds up to, in memory, with look-ups at constant cost.

Only `apply` changes it, record by record, live and at start alike. Readers run on the same event
loop, so they always see whole batches.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from uuid import UUID

from .records import (
    BrokerRecord,
    ClusterRecord,
    ConfigRecord,
    MetadataRecord,
    PartitionRecord,
    ProducerIdsRecord,
    RemoveTopicRecord,
    TopicRecord,
)


class ResourceType(IntEnum):
    """What a configuration belongs to, numbered as in Kafka's protocol."""

    TOPIC = 2
    BROKER = 4


@dataclass(slots=True)
class TopicImage:
    """A topic and its partitions, by index from 0 without gaps."""

    name: str
    topic_id: UUID
    partitions: list[PartitionRecord] = field(default_factory=list)


class MetadataImage:
    """Brokers, topics, partitions and settings as of `offset` records applied."""

    def __init__(self) -> None:
        self.cluster_id = ""
        self.brokers: dict[int, BrokerRecord] = {}
        self.topics: dict[str, TopicImage] = {}
        self.topics_by_id: dict[UUID, TopicImage] = {}
        self.next_producer_id = 0
        self._configs: dict[tuple[int, str], dict[str, str]] = {}

    def topic(self, name: str) -> TopicImage | None:
        return self.topics.get(name)

    def topic_name(self, topic_id: UUID) -> str | None:
        """The name of the topic with that id, or None."""
        topic = self.topics_by_id.get(topic_id)
        return None if topic is None else topic.name

    def overrides(self, resource_type: ResourceType, name: str) -> Mapping[str, str]:
        """The settings that somebody set on the resource, by key; empty when none."""
        return self._configs.get((resource_type, name), {})

    def apply(self, record: MetadataRecord) -> None:
        """Make the change that the record says."""
        match record:
            case PartitionRecord():
                self._apply_partition(record)
            case TopicRecord():
                topic = TopicImage(record.name, record.topic_id)
                self.topics[record.name] = topic
                self.topics_by_id[record.topic_id] = topic
            case RemoveTopicRecord():
                del self.topics_by_id[record.topic_id]
                del self.topics[record.name]
                self._configs.pop((ResourceType.TOPIC, record.name), None)
            case ConfigRecord():
                self._apply_config(record)
            case BrokerRecord():
                self.brokers[record.node_id] = record
            case ProducerIdsRecord():
                self.next_producer_id = record.next_producer_id
            case ClusterRecord():
                self.cluster_id = record.cluster_id
            case _:
                raise AssertionError(f"no rule for {record}")

    def _apply_partition(self, record: PartitionRecord) -> None:
        partitions = self.topics_by_id[record.topic_id].partitions
        if record.partition == len(partitions):
            partitions.append(record)
        else:
            partitions[record.partition] = record

    def _apply_config(self, record: ConfigRecord) -> None:
        key = (record.resource_type, record.resource_name)
        settings = self._configs.setdefault(key, {})
        if record.value is None:
            settings.pop(record.name, None)
        else:
            settings[record.name] = record.value
        if not settings:
            del self._configs[key]
