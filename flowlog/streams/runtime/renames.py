"""Refuses an app whose table was renamed: its state would stay behind without a word.

Which tables the app had is in the metadata of its commits.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from flowlog.client.cluster import Cluster
from flowlog.client.errors import ClientError
from flowlog.streams.errors import StateError
from flowlog.streams.topology.names import changelog_topic
from flowlog.streams.topology.nodes import FoldNode
from flowlog.streams.topology.topology import Topology

from .committed import committed_positions

CODE: Final = "STORE_RENAMED"


def check_renames(cluster: Cluster, topology: Topology) -> None:
    """Look at what the group has committed and at the topics that there are.

    Raises:
        StateError: STORE_RENAMED.
    """
    try:
        positions = committed_positions(cluster, topology.app)
    except ClientError:
        return  # no such group yet, or it may not be looked at
    known = {name for position in positions.values() for name in position.changelogs}
    refuse_renamed(topology, known, cluster.topic_names())


def refuse_renamed(topology: Topology, known: Collection[str], topics: Collection[str]) -> None:
    """Refuse if a table is new while the changelog of one that is gone is still there.

    Args:
        known: the tables that commits of the app name.
        topics: all topics of the cluster.

    Raises:
        StateError: STORE_RENAMED.
    """
    own = [node.name for _, node in topology.stores() if isinstance(node, FoldNode)]
    new = [name for name in own if changelog_topic(topology.app, name) not in topics]
    left = [
        name
        for name in sorted(known)
        if name not in own and changelog_topic(topology.app, name) in topics
    ]
    if new and left:
        raise StateError(
            f"table {new[0]} is new and the state of table {left[0]} would be left behind",
            code=CODE,
            hint=f'name="{left[0]}" keeps it; to give it up, delete topic'
            f" {changelog_topic(topology.app, left[0])}",
        )
