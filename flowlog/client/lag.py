"""How far a group is behind, in records and in seconds."""

from __future__ import annotations

from dataclasses import dataclass

from .cluster import Cluster
from .consuming import first_records
from .groups import committed_offsets, describe_group, list_groups
from .offsets import OffsetRange, Partition, offset_ranges, partitions_of


@dataclass(frozen=True, slots=True)
class PartitionLag:
    """One partition of a group.

    `lag_seconds` is the age of the oldest record not yet read; None where no record could be read
    or the group never committed. `member_id` is "" where nobody reads the partition.
    """

    partition: Partition
    committed_offset: int | None
    end_offset: int
    lag: int
    lag_seconds: float | None
    member_id: str


def group_lag(
    cluster: Cluster, group_id: str, *, now_ms: int, read_timeout_s: float = 5.0
) -> tuple[PartitionLag, ...]:
    """Every partition that the group committed or is assigned, by topic and number.

    Raises:
        ClientError: GROUP_NOT_FOUND.
    """
    detail = describe_group(cluster, group_id)
    owners = {p: member.member_id for member in detail.members for p in member.partitions}
    committed = committed_offsets(cluster, group_id)
    known = set(cluster.topic_names())
    partitions = sorted(p for p in {*owners, *committed} if p.topic in known)
    ranges = offset_ranges(cluster, partitions)
    behind = {p: first_unread(committed.get(p), ranges[p]) for p in partitions}
    heads = first_records(
        cluster,
        {p: offset for p, offset in behind.items() if offset < ranges[p].end},
        timeout_s=read_timeout_s,
    )
    rows = []
    for partition in partitions:
        head = heads.get(partition)
        rows.append(
            PartitionLag(
                partition=partition,
                committed_offset=committed.get(partition),
                end_offset=ranges[partition].end,
                lag=ranges[partition].end - behind[partition],
                lag_seconds=lag_seconds(
                    ranges[partition].end - behind[partition],
                    head.timestamp_ms if head else -1,
                    now_ms=now_ms,
                ),
                member_id=owners.get(partition, ""),
            )
        )
    return tuple(rows)


def first_unread(committed: int | None, bounds: OffsetRange) -> int:
    """Where the group would go on: from the start when it has no offset or lost the records."""
    if committed is None:
        return bounds.start
    return max(bounds.start, min(committed, bounds.end))


def lag_seconds(lag: int, head_timestamp_ms: int, *, now_ms: int) -> float | None:
    """The age of the oldest unread record, not below zero; 0 when nothing is unread."""
    if lag == 0:
        return 0.0
    if head_timestamp_ms < 0:
        return None
    return max(0, now_ms - head_timestamp_ms) / 1000


@dataclass(frozen=True, slots=True)
class TopicReader:
    """A group that committed offsets of a topic, and its lag there in records."""

    group_id: str
    state: str
    lag: int


def topic_readers(cluster: Cluster, topic: str) -> tuple[TopicReader, ...]:
    """The groups with offsets of the topic; asks every group, so not for a cluster of thousands."""
    ranges = offset_ranges(cluster, partitions_of(cluster, topic))
    readers = []
    for group in list_groups(cluster):
        committed = committed_offsets(cluster, group.group_id)
        unread = [
            bounds.end - first_unread(committed[partition], bounds)
            for partition, bounds in ranges.items()
            if partition in committed
        ]
        if unread:
            readers.append(TopicReader(group.group_id, group.state, sum(unread)))
    return tuple(readers)
