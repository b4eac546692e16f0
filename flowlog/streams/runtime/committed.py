"""The positions that all workers of an app have committed, read from the group's offsets."""

from __future__ import annotations

from flowlog.client.cluster import Cluster
from flowlog.client.committed import committed_entries

from .position import TaskPosition, decode_position


def committed_positions(cluster: Cluster, group: str) -> dict[tuple[str, int], TaskPosition]:
    """Positions by topic and partition.

    Raises:
        ClientError: the cluster does not answer.
    """
    positions = {}
    for part in committed_entries(cluster, group):
        position = decode_position(part.metadata)
        if position is not None:
            positions[part.topic, part.partition] = position
    return positions
