"""Topics: list, describe, create, widen, trim, delete."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .cluster import Cluster
from .offsets import OffsetRange, Partition, offset_ranges


@dataclass(frozen=True, slots=True)
class TopicSummary:
    """A topic as the metadata shows it."""

    name: str
    partition_count: int
    replication_factor: int
    is_internal: bool


@dataclass(frozen=True, slots=True)
class PartitionDetail:
    """One partition; `leader` is None while it has none, `range` while nobody can say."""

    number: int
    leader: int | None
    replicas: tuple[int, ...]
    in_sync: tuple[int, ...]
    range: OffsetRange | None


@dataclass(frozen=True, slots=True)
class TopicDetail:
    """A topic with its id and partitions; `topic_id` is "" where the broker has no ids."""

    name: str
    topic_id: str
    is_internal: bool
    partitions: tuple[PartitionDetail, ...]


@dataclass(frozen=True, slots=True)
class NewTopic:
    """A topic to be made; -1 leaves the number to the broker's default."""

    name: str
    partition_count: int = -1
    replication_factor: int = -1
    settings: Mapping[str, str] = field(default_factory=dict)


def list_topics(cluster: Cluster, *, internal: bool = False) -> tuple[TopicSummary, ...]:
    """The topics by name; those that begin with two underscores only when `internal`."""
    summaries = []
    for name, topic in sorted(cluster.metadata().topics.items()):
        is_internal = name.startswith("__")
        if is_internal and not internal:
            continue
        copies = max((len(p.replicas) for p in topic.partitions.values()), default=0)
        summaries.append(TopicSummary(name, len(topic.partitions), copies, is_internal))
    return tuple(summaries)


def describe_topic(cluster: Cluster, name: str) -> TopicDetail:
    """The topic's id, partitions, replicas and offsets; raises TOPIC_NOT_FOUND."""
    from confluent_kafka import TopicCollection

    cluster.partitions_of(name)
    futures = cluster.admin.describe_topics(
        TopicCollection([name]), request_timeout=cluster.timeout_s
    )
    description = cluster.wait(futures[name], f"describe topic {name!r}")
    led = [Partition(name, p.id) for p in description.partitions if _node_id(p.leader) is not None]
    ranges = offset_ranges(cluster, led)
    partitions = tuple(
        PartitionDetail(
            number=p.id,
            leader=_node_id(p.leader),
            replicas=tuple(node.id for node in p.replicas),
            in_sync=tuple(node.id for node in p.isr),
            range=ranges.get(Partition(name, p.id)),
        )
        for p in sorted(description.partitions, key=lambda p: p.id)
    )
    topic_id = "" if description.topic_id is None else str(description.topic_id)
    return TopicDetail(name, topic_id, bool(description.is_internal), partitions)


def create_topic(cluster: Cluster, topic: NewTopic, *, validate_only: bool = False) -> None:
    """Make the topic, or only check that it could be made.

    Raises:
        ClientError: TOPIC_ALREADY_EXISTS, INVALID_TOPIC, INVALID_CONFIG and so on.
    """
    from confluent_kafka import admin

    request = admin.NewTopic(
        topic.name, topic.partition_count, topic.replication_factor, config=dict(topic.settings)
    )
    futures = cluster.admin.create_topics(
        [request],
        operation_timeout=cluster.timeout_s,
        request_timeout=cluster.timeout_s,
        validate_only=validate_only,
    )
    cluster.wait(futures[topic.name], f"create topic {topic.name!r}")


def add_partitions(
    cluster: Cluster, name: str, *, total_count: int, validate_only: bool = False
) -> None:
    """Grow the topic to `total_count` partitions; keys may map to other ones from then on."""
    from confluent_kafka.admin import NewPartitions

    cluster.partitions_of(name)
    futures = cluster.admin.create_partitions(
        [NewPartitions(name, total_count)],
        operation_timeout=cluster.timeout_s,
        request_timeout=cluster.timeout_s,
        validate_only=validate_only,
    )
    cluster.wait(futures[name], f"add partitions to topic {name!r}")


def delete_topic(cluster: Cluster, name: str) -> None:
    """Delete the topic and its records; raises TOPIC_NOT_FOUND."""
    cluster.partitions_of(name)
    futures = cluster.admin.delete_topics(
        [name], operation_timeout=cluster.timeout_s, request_timeout=cluster.timeout_s
    )
    cluster.wait(futures[name], f"delete topic {name!r}")


def delete_records(cluster: Cluster, before: Mapping[Partition, int]) -> dict[Partition, int]:
    """Drop the records below each offset; return the log start offsets that follow.

    An offset of -1 means all records up to the high watermark.
    """
    from confluent_kafka import TopicPartition

    futures = cluster.admin.delete_records(
        [TopicPartition(p.topic, p.number, offset) for p, offset in before.items()],
        operation_timeout=cluster.timeout_s,
        request_timeout=cluster.timeout_s,
    )
    starts = {}
    for key, future in futures.items():
        partition = Partition(key.topic, key.partition)
        starts[partition] = int(cluster.wait(future, f"trim {partition}").low_watermark)
    return starts


def _node_id(node: object) -> int | None:
    node_id = getattr(node, "id", None)
    return node_id if isinstance(node_id, int) and node_id >= 0 else None
