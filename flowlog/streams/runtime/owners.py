"""Who owns a task: the address in the metadata of its last commit."""

from __future__ import annotations

import threading
import time
from typing import Final

from flowlog.client.cluster import Cluster
from flowlog.errors import FlowlogError
from flowlog.streams.topology.topology import Topology

from .committed import committed_positions
from .task import TaskId

MAX_AGE_S: Final = 1.0


class Owners:
    """Asks the group's committed offsets, at most once a second; any thread may use it."""

    def __init__(self, cluster: Cluster, group: str, topology: Topology) -> None:
        self._cluster = cluster
        self._group = group
        self._topology = topology
        self._lock = threading.Lock()
        self._owners: dict[TaskId, str] = {}
        self._asked_s = -MAX_AGE_S

    def owner_of(self, task_id: TaskId) -> str | None:
        """HOST:PORT; None if nobody has said so or the cluster does not answer."""
        with self._lock:
            if time.monotonic() - self._asked_s >= MAX_AGE_S:
                self._owners = self._ask()
                self._asked_s = time.monotonic()
            return self._owners.get(task_id)

    def _ask(self) -> dict[TaskId, str]:
        try:
            positions = committed_positions(self._cluster, self._group)
        except FlowlogError:
            return {}
        sources = set(self._topology.source_topics())
        owners = {}
        for (topic, partition), position in positions.items():
            if topic in sources and position.owner:
                sub_topology = self._topology.sub_topology_of(topic)
                owners[TaskId(sub_topology.number, partition)] = position.owner
        return owners
