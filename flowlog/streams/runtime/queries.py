"""Questions about tables: what this process holds, as of the last commit.

Read from the stores only, which any thread may do; the caches belong to the task thread.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol

from flowlog.streams.errors import NotHereError, StateError
from flowlog.streams.operators.window_table import stored_starts
from flowlog.streams.state.entry import unpack_value
from flowlog.streams.state.store import Store, prefix_end
from flowlog.streams.topology.nodes import FoldNode, StoreNode
from flowlog.streams.topology.topology import SubTopology, Topology
from flowlog.streams.windows.keys import store_key

from .answers import Answer, WindowAnswer
from .partitioner import partition_of
from .task import Task, TaskId


class TaskHost(Protocol):
    """Who runs tasks in this process."""

    @property
    def topology(self) -> Topology:
        """The app."""
        ...

    def running(self) -> Mapping[TaskId, Task]:
        """The tasks that run here; restoring ones are not in it."""
        ...

    def partition_count(self, sub_topology: SubTopology) -> int:
        """How many tasks a sub-topology has in all."""
        ...

    def owner_of(self, task_id: TaskId) -> str | None:
        """HOST:PORT of the worker that owns a task, if it is known."""
        ...

    def now_ms(self) -> int:
        """The wall clock."""
        ...


class Questions(Protocol):
    """What a table asks of the process it lives in."""

    def now_ms(self) -> int:
        """The wall clock."""
        ...

    def local_get(self, table: str, key: bytes) -> Answer | None:
        """See `LocalTables.local_get`."""
        ...

    def local_windows(self, table: str, key: bytes, since_ms: int) -> list[WindowAnswer]:
        """See `LocalTables.local_windows`."""
        ...

    def local_scan(self, table: str, prefix: bytes) -> Iterator[tuple[bytes, Answer]]:
        """See `LocalTables.local_scan`."""
        ...

    async def get(self, table: str, key: bytes) -> Answer | None:
        """The same from whoever owns the key."""
        ...

    async def windows(self, table: str, key: bytes, since_ms: int) -> list[WindowAnswer]:
        """The same from whoever owns the key."""
        ...


class LocalTables:
    """Answers from the stores of the tasks that run here."""

    def __init__(self, host: TaskHost) -> None:
        self._host = host

    def now_ms(self) -> int:
        return self._host.now_ms()

    def node(self, table: str) -> tuple[SubTopology, StoreNode]:
        """The table of that name.

        Raises:
            StateError: there is none.
        """
        found = self._host.topology.store(table)
        if found is None:
            raise StateError(f"{self._host.topology.app} has no table {table!r}")
        return found

    def local_get(self, table: str, key: bytes) -> Answer | None:
        """The key's value; None if it has none.

        Raises:
            NotHereError: another worker owns the key, or the table is being restored.
        """
        task = self._task_for(table, key)
        stored = _store(task, table).get(key)
        if stored is None:
            return None
        timestamp_ms, value = unpack_value(stored)
        return Answer(value, timestamp_ms, task.partition, position_of(task))

    def local_windows(self, table: str, key: bytes, since_ms: int) -> list[WindowAnswer]:
        """The key's windows that end after `since_ms`, the oldest first.

        Raises:
            NotHereError: as `local_get`.
        """
        _, node = self.node(table)
        if not isinstance(node, FoldNode) or node.window is None:
            raise StateError(f"table {table!r} has no windows")
        window = node.window
        store = _store(self._task_for(table, key), table)
        stream_time_ms = store.position().stream_time_ms
        found = []
        for start_ms in stored_starts(store, since_ms - window.size_ms + 1):
            stored = store.get(store_key(key, start_ms))
            if stored is not None:
                timestamp_ms, value = unpack_value(stored)
                is_closed = window.is_closed(start_ms, stream_time_ms)
                end_ms = start_ms + window.size_ms
                found.append(WindowAnswer(start_ms, end_ms, value, timestamp_ms, is_closed))
        return found

    def local_scan(self, table: str, prefix: bytes) -> Iterator[tuple[bytes, Answer]]:
        """Keys that begin with the prefix, in order, of all partitions that are here."""
        sub_topology, _ = self.node(table)
        rows = []
        for task in list(self._host.running().values()):
            if task.sub_topology is sub_topology:
                position = position_of(task)
                for key, stored in _store(task, table).scan(prefix, prefix_end(prefix)):
                    timestamp_ms, value = unpack_value(stored)
                    rows.append((key, Answer(value, timestamp_ms, task.partition, position)))
        yield from sorted(rows, key=lambda row: row[0])

    async def get(self, table: str, key: bytes) -> Answer | None:
        return self.local_get(table, key)

    async def windows(self, table: str, key: bytes, since_ms: int) -> list[WindowAnswer]:
        return self.local_windows(table, key, since_ms)

    def task_of(self, table: str, key: bytes) -> Task:
        """The task that owns a key.

        Raises:
            NotHereError: it does not run here.
        """
        return self._task_for(table, key)

    def _task_for(self, table: str, key: bytes) -> Task:
        sub_topology, _ = self.node(table)
        partition = partition_of(key, self._host.partition_count(sub_topology))
        task_id = TaskId(sub_topology.number, partition)
        task = self._host.running().get(task_id)
        if task is None:
            raise NotHereError(
                f"partition {partition} of table {table!r} is not here",
                owner=self._host.owner_of(task_id),
            )
        return task


def position_of(task: Task) -> dict[str, int]:
    """The committed input of a task, as `{"clicks-3": 9120}`."""
    return {f"{topic}-{task.partition}": at for topic, at in task.committed_offsets.items()}


def _store(task: Task, table: str) -> Store:
    return task.stores[table]
