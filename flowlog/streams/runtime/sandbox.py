"""A world of lists for `app.test()`: topics, committed offsets, stores that outlive a crash."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from flowlog.streams.errors import StateError
from flowlog.streams.state.entry import ChangelogRow
from flowlog.streams.state.memory import MemoryStore
from flowlog.streams.state.store import Store
from flowlog.streams.topology.nodes import StoreNode, TableSourceNode
from flowlog.streams.topology.topology import SubTopology, Topology, internal_partition_counts

from .async_steps import AsyncRunner
from .idleness import Idleness
from .message import Message
from .outputs import OutRow
from .partitioner import partition_of
from .position import TaskPosition, decode_position, encode_position
from .queries import LocalTables
from .restoring import Restoring
from .task import Task, TaskId


@dataclass(slots=True)
class _Committed:
    offsets: dict[tuple[str, int], int] = field(default_factory=dict)
    positions: dict[TaskId, str] = field(default_factory=dict)


class Sandbox:
    """Runs all tasks of a topology in turn, on this thread."""

    def __init__(self, topology: Topology, *, partitions: int, now_ms: int) -> None:
        self._topology = topology
        self._default_partitions = partitions
        self._now_ms = now_ms
        self._logs: dict[str, list[list[Message]]] = {}
        self._committed = _Committed()
        self._stores: dict[tuple[str, int], MemoryStore] = {}
        self._tasks: dict[TaskId, Task] = {}
        self._runner = AsyncRunner()
        self._idleness = Idleness(topology)
        self._null_key_turn = 0
        self._room: int | None = None
        self.tables = LocalTables(self)
        for topic in topology.external_topics:
            self._create(topic.name, topic.partitions or partitions)
        known = {name: len(logs) for name, logs in self._logs.items()}
        for name, count in internal_partition_counts(topology, known).items():
            self._create(name, count)

    # What the driver drives

    @property
    def is_running(self) -> bool:
        """Whether tasks are there: between `start` and `crash`."""
        return bool(self._tasks)

    def start(self, *, wipe_state: bool = False) -> None:
        """Make the tasks as a worker does: stores, restore, position."""
        if wipe_state:
            self._stores.clear()
        for sub_topology in self._topology.sub_topologies:
            for partition in range(self.partition_count(sub_topology)):
                self._start_task(sub_topology, partition)
        self._commit_offsets()  # says where they stand before there is anything to lose

    def close(self) -> None:
        """End the helpers."""
        self._tasks.clear()
        self._runner.close()

    def run(self, *, commit: bool = True) -> None:
        """Work until no task has anything to do; commit in between, since commits write too."""
        while True:
            while self._process_once():
                pass
            if not commit:
                return
            self.commit()
            if not self._has_input():
                return

    def work(self, records: int) -> None:
        """Work through at most so many records of each task, without a commit."""
        for _ in range(records):
            self._process_once()

    def commit(self) -> None:
        """Commit all tasks."""
        self._flush()
        self._commit_offsets()
        for task in self._tasks.values():
            task.written()

    def crash(self, at: str = "now", *, rows: int = 0) -> None:
        """See `TopologyTestDriver.crash`."""
        assert at in ("now", "flushing", "flushed", "committed"), at
        if at == "flushing":
            self._room = rows
            self._flush()
            self._room = None
        elif at != "now":
            self._flush()
        if at == "committed":
            self._commit_offsets()
        self._tasks.clear()

    def advance(self, duration_ms: int) -> None:
        """Move the wall clock; close what has been idle for long enough."""
        self._now_ms += duration_ms
        for task, tables in self._idleness.idle_tables(self._tasks.values(), self._now_ms):
            task.close_idle_windows(tables)
            task.outputs.drain(self)

    def write(self, topic: str, row: OutRow, partition: int | None = None) -> Message:
        """Append a record."""
        logs = self.topic(topic)
        if partition is None:
            partition = self._choose(row[0], len(logs))
        message = Message(topic, partition, len(logs[partition]), row)
        logs[partition].append(message)
        return message

    def write_again(self, message: Message) -> None:
        """Append a copy of a record."""
        row = (message.key(), message.value(), message.timestamp()[1], message.headers())
        self.write(message.topic(), row, message.partition())

    def topic(self, name: str) -> list[list[Message]]:
        """A topic's records by partition.

        Raises:
            StateError: there is no such topic.
        """
        if name not in self._logs:
            raise StateError(f"no topic {name!r} in {self._topology.app}")
        return self._logs[name]

    # Sender

    def send(self, topic: str, rows: Sequence[OutRow]) -> None:
        if topic not in self._logs:
            self._create(topic, self._default_partitions)
        for row in rows:
            if self._has_room():
                self.write(topic, row)

    def send_to(self, topic: str, partition: int, rows: Sequence[ChangelogRow]) -> None:
        for key, value, timestamp_ms in rows:
            if self._has_room():
                self.write(topic, (key, value, timestamp_ms, None), partition)

    def _has_room(self) -> bool:
        """Whether a row still gets through, while a crash is under way."""
        if self._room is None:
            return True
        self._room -= 1
        return self._room >= 0

    # TaskHost

    @property
    def topology(self) -> Topology:
        return self._topology

    def running(self) -> Mapping[TaskId, Task]:
        return self._tasks

    def partition_count(self, sub_topology: SubTopology) -> int:
        return max(len(self._logs[source.topic.name]) for source in sub_topology.sources)

    def owner_of(self, task_id: TaskId) -> str | None:
        return None

    def now_ms(self) -> int:
        return self._now_ms

    # Inside

    def _create(self, name: str, partitions: int) -> None:
        self._logs[name] = [[] for _ in range(partitions)]

    def _choose(self, key: bytes | None, partition_count: int) -> int:
        if key is not None:
            return partition_of(key, partition_count)
        self._null_key_turn += 1
        return self._null_key_turn % partition_count

    def _start_task(self, sub_topology: SubTopology, partition: int) -> None:
        task_id = TaskId(sub_topology.number, partition)
        position = decode_position(self._committed.positions.get(task_id)) or TaskPosition()
        stores: dict[str, Store] = {}
        repairs: dict[str, list[bytes]] = {}
        for node in sub_topology.stores:
            store = self._stores.setdefault((node.name, partition), MemoryStore())
            stores[node.name] = store
            repairs[node.name] = self._restore(node, store, partition, position)
        task = Task(
            self._topology,
            sub_topology,
            partition,
            stores=stores,
            position=position,
            runner=self._runner,
        )
        for store_name, keys in repairs.items():
            task.touch(store_name, keys)
        self._tasks[task_id] = task
        self._idleness.note_input(task_id, self._now_ms)

    def _restore(
        self, node: StoreNode, store: Store, partition: int, position: TaskPosition
    ) -> list[bytes]:
        log = self._logs[self._topology.changelog_of(node)][partition]
        if isinstance(node, TableSourceNode):
            end = self._committed.offsets.get((node.topic.name, partition), 0)
        else:
            end = position.changelogs.get(node.name, 0)
        restoring = Restoring(node, store, end, position.stream_time_ms)
        restoring.apply(log[store.position().changelog_offset :])
        restoring.finish()
        return restoring.repairs

    def _has_input(self) -> bool:
        return any(self._next_messages(task) for task in self._tasks.values())

    def _next_messages(self, task: Task) -> dict[str, list[Message]]:
        found = {}
        for source in task.sub_topology.sources:
            name = source.topic.name
            logs = self._logs[name]
            if task.partition < len(logs):
                at = task.next_offsets.get(
                    name, self._committed.offsets.get((name, task.partition), 0)
                )
                if messages := logs[task.partition][at:]:
                    found[name] = messages
        return found

    def _process_once(self) -> bool:
        """One record of each task that has one; whether there was any."""
        is_busy = False
        for task in list(self._tasks.values()):
            for name, messages in self._next_messages(task).items():
                is_busy = True
                self._idleness.note_input(task.id, self._now_ms)
                task.process(name, messages[:1])
                task.outputs.drain(self)
        return is_busy

    def _flush(self) -> None:
        for task in self._tasks.values():
            task.flush()
            task.outputs.drain(self)
            for store in task.changed_stores():
                found = self._topology.store(store)
                assert found is not None, store
                changelog = self._topology.changelog_of(found[1])
                task.set_changelog_end(store, len(self._logs[changelog][task.partition]))

    def _commit_offsets(self) -> None:
        for task in self._tasks.values():
            for topic, offset in task.next_offsets.items():
                self._committed.offsets[topic, task.partition] = offset
            self._committed.positions[task.id] = encode_position(task.position())
