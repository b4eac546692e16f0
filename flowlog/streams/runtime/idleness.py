"""When a task has had no input for so long that its windows are to be closed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from flowlog.streams.topology.nodes import FoldNode
from flowlog.streams.topology.topology import Topology

from .task import Task, TaskId


class Idleness:
    """Since when each task has been idle. Times are of one steady clock, in ms."""

    def __init__(self, topology: Topology) -> None:
        self._waits = _waits(topology)
        self._since_ms: dict[TaskId, float] = {}

    def note_input(self, task_id: TaskId, now_ms: float) -> None:
        """The task starts, or has had input."""
        self._since_ms[task_id] = now_ms

    def idle_tables(self, tasks: Iterable[Task], now_ms: float) -> Iterator[tuple[Task, list[str]]]:
        """The tasks that have been idle for long enough, and their tables to be closed."""
        if not self._waits:
            return
        for task in tasks:
            idle_ms = now_ms - self._since_ms.setdefault(task.id, now_ms)
            waits = self._waits.get(task.sub_topology.number, {})
            tables = [name for name, wait_ms in waits.items() if idle_ms >= wait_ms]
            if tables:
                yield task, tables


def _waits(topology: Topology) -> dict[int, dict[str, int]]:
    """Tables with `idle_close`, and how long they wait in ms, by sub-topology."""
    found: dict[int, dict[str, int]] = {}
    for sub_topology, node in topology.stores():
        if isinstance(node, FoldNode) and node.idle_close_ms is not None:
            found.setdefault(sub_topology.number, {})[node.name] = node.idle_close_ms
    return found
