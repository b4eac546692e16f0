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
    FeatureRecord,
    MetadataRecord,
    PartitionRecord,
    ProducerIdsRecord,
    QuotaRecord,
    RemoveTopicRecord,
    TopicRecord,
)


class ResourceType(IntEnum):
    """What a configuration belongs to, numbered as in Kafka's protocol."""

    TOPIC = 2
    BROKER = 4
    BROKER_LOGGER = 8
    CLIENT_METRICS = 16
    GROUP = 32


Entity = tuple[tuple[str, str | None], ...]
"""Whom a quota limits: sorted (kind, name) pairs; a name of None is the default of its kind."""


@dataclass(slots=True)
class TopicImage:
    """A topic and its partitions, by index from 0 without gaps."""

    name: str
    topic_id: UUID
    partitions: list[PartitionRecord] = field(default_factory=list)


class MetadataImage:
    """Brokers, topics, partitions and settings as of `offset` records applied."""

    def __init__(self) -> None:
        self.offset = 0
        """How many records were applied: the metadata log's end."""
        self.cluster_id = ""
        self.brokers: dict[int, BrokerRecord] = {}
        self.topics: dict[str, TopicImage] = {}
        self.topics_by_id: dict[UUID, TopicImage] = {}
        self.next_producer_id = 0
        self.features: dict[str, int] = {}
        """Levels that somebody finalized; `controller.features` knows the others."""
        self.quotas: dict[Entity, dict[str, float]] = {}
        self._configs: dict[tuple[int, str], dict[str, str]] = {}
        self._metric_names: dict[str, str] = {}

    def topic(self, name: str) -> TopicImage | None:
        return self.topics.get(name)

    def topic_name(self, topic_id: UUID) -> str | None:
        """The name of the topic with that id, or None."""
        topic = self.topics_by_id.get(topic_id)
        return None if topic is None else topic.name

    def overrides(self, resource_type: ResourceType, name: str) -> Mapping[str, str]:
        """The settings that somebody set on the resource, by key; empty when none."""
        return self._configs.get((resource_type, name), {})

    def names(self, resource_type: ResourceType) -> list[str]:
        """The resources of a kind that have settings of their own, sorted."""
        return sorted(name for kind, name in self._configs if kind == resource_type)

    def colliding_topic(self, name: str) -> str | None:
        """Another topic whose name differs only in '.' and '_', which metrics cannot tell apart."""
        other = self._metric_names.get(metric_name(name))
        return None if other == name else other

    def apply(self, record: MetadataRecord) -> None:
        """Make the change that the record says."""
        self.offset += 1
        match record:
            case PartitionRecord():
                self._apply_partition(record)
            case TopicRecord():
                topic = TopicImage(record.name, record.topic_id)
                self.topics[record.name] = topic
                self.topics_by_id[record.topic_id] = topic
                self._metric_names[metric_name(record.name)] = record.name
            case RemoveTopicRecord():
                del self.topics_by_id[record.topic_id]
                del self.topics[record.name]
                self._configs.pop((ResourceType.TOPIC, record.name), None)
                if self._metric_names.get(metric_name(record.name)) == record.name:
                    del self._metric_names[metric_name(record.name)]
            case ConfigRecord():
                self._apply_config(record)
            case BrokerRecord():
                self.brokers[record.node_id] = record
            case ProducerIdsRecord():
                self.next_producer_id = record.next_producer_id
            case ClusterRecord():
                self.cluster_id = record.cluster_id
            case FeatureRecord():
                self.features[record.name] = record.level
            case QuotaRecord():
                self._apply_quota(record)
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

    def _apply_quota(self, record: QuotaRecord) -> None:
        limits = self.quotas.setdefault(record.entity, {})
        if record.value is None:
            limits.pop(record.key, None)
        else:
            limits[record.key] = record.value
        if not limits:
            del self.quotas[record.entity]


def metric_name(topic: str) -> str:
    """The topic's name as metric names have it: without dots."""
    return topic.replace(".", "_")
