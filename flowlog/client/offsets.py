"""Log offsets asked of the partition leaders: start, end, and the first at or after a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .cluster import Cluster


@dataclass(frozen=True, slots=True, order=True)
class Partition:
    """One partition of a topic."""

    topic: str
    number: int

    def __str__(self) -> str:
        return f"{self.topic}-{self.number}"


@dataclass(frozen=True, slots=True)
class OffsetRange:
    """The readable records of a partition: `start` inclusive, `end` exclusive."""

    start: int
    end: int

    @property
    def record_count(self) -> int:
        """An upper bound: compaction and transaction markers leave holes."""
        return self.end - self.start


def partitions_of(cluster: Cluster, topic: str) -> tuple[Partition, ...]:
    """The topic's partitions; raises TOPIC_NOT_FOUND."""
    return tuple(Partition(topic, number) for number in cluster.partitions_of(topic))


def start_offsets(cluster: Cluster, partitions: Iterable[Partition]) -> dict[Partition, int]:
    """The log start offsets."""
    from confluent_kafka.admin import OffsetSpec

    return _list_offsets(cluster, {partition: OffsetSpec.earliest() for partition in partitions})


def end_offsets(cluster: Cluster, partitions: Iterable[Partition]) -> dict[Partition, int]:
    """The high watermarks: where the next record will be readable."""
    from confluent_kafka.admin import OffsetSpec

    return _list_offsets(cluster, {partition: OffsetSpec.latest() for partition in partitions})


def offset_ranges(
    cluster: Cluster, partitions: Iterable[Partition]
) -> dict[Partition, OffsetRange]:
    """Start and end of each partition."""
    wanted = tuple(partitions)
    starts = start_offsets(cluster, wanted)
    ends = end_offsets(cluster, wanted)
    return {partition: OffsetRange(starts[partition], ends[partition]) for partition in wanted}


def offsets_for_time(
    cluster: Cluster, partitions: Iterable[Partition], timestamp_ms: int
) -> dict[Partition, int]:
    """The first offset whose record is at `timestamp_ms` or later; the end where there is none."""
    from confluent_kafka.admin import OffsetSpec

    wanted = tuple(partitions)
    found = _list_offsets(
        cluster, {partition: OffsetSpec.for_timestamp(timestamp_ms) for partition in wanted}
    )
    after_all = [partition for partition, offset in found.items() if offset < 0]
    return {**found, **end_offsets(cluster, after_all)}


def _list_offsets(cluster: Cluster, specs: Mapping[Partition, Any]) -> dict[Partition, int]:
    if not specs:
        return {}
    return cluster.retry(_asker(cluster, specs))


def _asker(cluster: Cluster, specs: Mapping[Partition, Any]) -> Callable[[], dict[Partition, int]]:
    from confluent_kafka import TopicPartition

    def ask() -> dict[Partition, int]:
        futures = cluster.admin.list_offsets(
            {TopicPartition(p.topic, p.number): spec for p, spec in specs.items()},
            request_timeout=cluster.timeout_s,
        )
        found = {}
        for key, future in futures.items():
            partition = Partition(key.topic, key.partition)
            found[partition] = int(cluster.wait(future, f"find offsets of {partition}").offset)
        return found

    return ask
