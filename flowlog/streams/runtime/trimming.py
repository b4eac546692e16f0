"""Deletes what has been read from repartition topics: they keep records for ever otherwise."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

from flowlog.client.cluster import Cluster
from flowlog.streams.topology.topology import Topology

from .task import Task

INTERVAL_S: Final = 30.0


class Trimmer:
    """Asks for DeleteRecords every so often; whether it succeeds does not matter to the app."""

    def __init__(self, cluster: Cluster, topology: Topology) -> None:
        self._cluster = cluster
        self._topics = {
            source.topic.name
            for sub_topology in topology.sub_topologies
            for source in sub_topology.sources
            if source.is_repartition
        }
        self._next_s = time.monotonic() + INTERVAL_S

    def maybe_trim(self, tasks: Sequence[Task]) -> None:
        """Ask, if it is time; the answer is not waited for."""
        if not self._topics or time.monotonic() < self._next_s:
            return
        from confluent_kafka import TopicPartition

        self._next_s = time.monotonic() + INTERVAL_S
        before = [
            TopicPartition(topic, task.partition, offset)
            for task in tasks
            for topic, offset in task.committed_offsets.items()
            if topic in self._topics and offset > 0
        ]
        if before:
            self._cluster.admin.delete_records(before)
