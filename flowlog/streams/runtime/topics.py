"""Makes the topics that an app needs, and checks the ones that exist."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Final

from flowlog.client.cluster import Cluster
from flowlog.client.errors import ClientError
from flowlog.client.topics import NewTopic, create_topic
from flowlog.streams.errors import TopologyError
from flowlog.streams.on_error import Dlq
from flowlog.streams.topology.nodes import Node
from flowlog.streams.topology.topology import Topology, internal_partition_counts

from .failures import dlq_topic

log: Final = logging.getLogger("flowlog.streams.topics")

APPEAR_WAIT_S: Final = 30.0


def prepare_topics(
    cluster: Cluster, topology: Topology, *, partitions: int | None = None
) -> dict[str, int]:
    """Make what is missing; return the partition counts of all topics of the app.

    Args:
        partitions: of topics that do not say; the broker's default if None.

    Raises:
        TopologyError: topics that exist with counts that do not fit.
        ClientError: the cluster refuses.
    """
    existing = _counts(cluster)
    for topic in topology.external_topics:
        if topic.name not in existing:
            _create(cluster, topic.name, topic.partitions or partitions or -1, topic.config)
    for name in dead_letter_topics(topology):
        if name not in existing:
            _create(cluster, name, partitions or -1, {})
    names = [topic.name for topic in topology.external_topics]
    existing = _wait_for(cluster, names)
    wanted = internal_partition_counts(topology, existing)
    for internal in topology.internal_topics:
        count = wanted[internal.name]
        if internal.name not in existing:
            _create(cluster, internal.name, count, internal.config)
        elif existing[internal.name] != count:
            raise TopologyError(
                f"{internal.name} has {existing[internal.name]} partitions, the app needs {count}",
                code="PARTITIONS_CHANGED",
                hint="the source's partition count changed after the app ran: reset the app",
            )
    return _wait_for(cluster, [*names, *wanted])


def dead_letter_topics(topology: Topology) -> set[str]:
    """The dead-letter topics that the app's policies name."""
    policies = [topology.on_error]
    for sub_topology in topology.sub_topologies:
        for source in sub_topology.sources:
            policies += [node.on_error for node in _walk(source.node) if node.on_error is not None]
    return {
        policy.topic or dlq_topic(topology.app) for policy in policies if isinstance(policy, Dlq)
    }


def _walk(node: Node) -> list[Node]:
    found = [node]
    for child in node.children:
        found += _walk(child)
    return found


def _create(cluster: Cluster, name: str, partitions: int, config: Mapping[str, str]) -> None:
    try:
        create_topic(cluster, NewTopic(name, partitions, -1, config))
        log.info("topic %s made", name)
    except ClientError as error:
        if error.code != "TOPIC_ALREADY_EXISTS":  # another worker was quicker
            raise


def _counts(cluster: Cluster) -> dict[str, int]:
    return {name: len(topic.partitions) for name, topic in cluster.metadata().topics.items()}


def _wait_for(cluster: Cluster, names: list[str]) -> dict[str, int]:
    """Partition counts once all topics are in the metadata with their partitions."""
    deadline = time.monotonic() + APPEAR_WAIT_S
    while True:
        counts = _counts(cluster)
        missing = [name for name in names if not counts.get(name)]
        if not missing:
            return counts
        if time.monotonic() > deadline:
            raise TopologyError(f"topic {missing[0]} was made but does not appear")
        time.sleep(0.05)
