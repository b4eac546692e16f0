"""The positions that all workers of an app have committed, read from the group's offsets."""

from __future__ import annotations

from flowlog.client.cluster import Cluster

from .position import TaskPosition, decode_position


def committed_positions(cluster: Cluster, group: str) -> dict[tuple[str, int], TaskPosition]:
    """Positions by topic and partition.

    Raises:
        ClientError: the cluster does not answer.
    """
    from confluent_kafka import ConsumerGroupTopicPartitions

    futures = cluster.admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)])
    found = cluster.wait(futures[group], "read the positions of tasks")
    positions = {}
    for part in found.topic_partitions:
        position = decode_position(part.metadata)
        if position is not None:
            positions[part.topic, part.partition] = position
    return positions
