"""A task: one partition of one sub-topology. It owns its stores, its stream time and its order.

It knows nothing of Kafka: batches of messages go in, rows for topics come out, and a commit has
three steps that the shell drives: `flush` (rows for outputs and changelogs), then the shell makes
those and the offsets durable, then `written` (the stores).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from flowlog.streams.context import Ctx, Send
from flowlog.streams.operators.source_table import SourceTable
from flowlog.streams.records import Headers, Tombstone
from flowlog.streams.serdes.basic import STR
from flowlog.streams.state.entry import Flushed
from flowlog.streams.state.store import Store, StorePosition
from flowlog.streams.topology.marks import source_id
from flowlog.streams.topology.nodes import Node, TableSourceNode
from flowlog.streams.topology.segment import Segment
from flowlog.streams.topology.topology import Source, SubTopology, Topology

from .async_steps import AsyncRunner
from .failures import Failures
from .outputs import Outputs
from .position import TaskPosition, pack_marks
from .seen_marks import SeenMarks
from .stages import StoreStage, TaskStage, WindowStage
from .tables import build_stage

CACHE_ENTRIES: Final = 200_000


@dataclass(frozen=True, slots=True, order=True)
class TaskId:
    """Sub-topology and partition."""

    sub_topology: int
    partition: int

    def __str__(self) -> str:
        return f"{self.sub_topology}_{self.partition}"


class Task:
    """Runs one sub-topology over the messages of one partition of its topics."""

    def __init__(
        self,
        topology: Topology,
        sub_topology: SubTopology,
        partition: int,
        *,
        stores: Mapping[str, Store],
        position: TaskPosition,
        runner: AsyncRunner,
        cache_entries: int = CACHE_ENTRIES,
    ) -> None:
        self.id = TaskId(sub_topology.number, partition)
        self.sub_topology = sub_topology
        self.stores = dict(stores)
        self.outputs = Outputs()
        self.failures = Failures(topology.app, topology.on_error, self.outputs)
        self.stream_time_ms = position.stream_time_ms
        self.next_offsets: dict[str, int] = {}
        self.committed_offsets: dict[str, int] = {}
        self.record_count = 0
        self.dropped_count = 0
        self._topology = topology
        self._changelogs = {
            name: end for name, end in position.changelogs.items() if name in self.stores
        }
        self._marks = SeenMarks(position.marks())
        self._flushed: dict[str, Flushed] = {}
        self._is_dirty = False
        self._cache_entries = cache_entries
        self._stages: dict[Node, TaskStage] = {}
        for stage in reversed(sub_topology.stages):  # each is bound to the ones after it
            then = self._bind(stage.segment, f"table {stage.node.name}")
            self._stages[stage.node] = build_stage(self, stage, then, runner)
        self._in_order = [self._stages[stage.node] for stage in sub_topology.stages]
        self._runs = {
            source.topic.name: self._bind_source(source) for source in sub_topology.sources
        }
        self._repartitions = {s.topic.name for s in sub_topology.sources if s.is_repartition}

    @property
    def partition(self) -> int:
        """The partition that it reads of each of its topics."""
        return self.id.partition

    @property
    def cache_entries(self) -> int:
        """How many entries each of its tables may keep in memory."""
        return self._cache_entries

    # Work

    def process(self, topic: str, messages: Sequence[Any]) -> None:
        """Work through messages of one topic, in their order.

        Messages below the next offset are left out: around a rebalance the client may hand over
        some that it fetches again afterwards.

        Raises:
            ProcessingError: a step raised and its policy is to stop.
        """
        next_offset = self.next_offsets.get(topic, 0)
        if messages[0].offset() < next_offset:
            messages = [message for message in messages if message.offset() >= next_offset]
            if not messages:
                return
        self._is_dirty = True
        self.next_offsets[topic] = messages[-1].offset() + 1
        self.record_count += len(messages)
        if topic in self._repartitions:
            messages = self._marks.new_of(messages)
        self._runs[topic](messages)
        self._process_stages()

    def close_idle_windows(self, tables: Sequence[str]) -> None:
        """Move stream time to where the open windows of these tables are closed."""
        for name, stage in self._store_stages():
            if name in tables and isinstance(stage, WindowStage):
                time_ms = stage.table.idle_stream_time_ms()
                if time_ms is not None and time_ms > self.stream_time_ms:
                    self.stream_time_ms = time_ms
                    self._is_dirty = True
        self._process_stages()

    def _process_stages(self) -> None:
        for stage in self._in_order:
            stage.process(self.stream_time_ms)

    # Commit

    @property
    def is_dirty(self) -> bool:
        """Whether there is anything to commit."""
        return self._is_dirty

    def dirty_count(self) -> int:
        """How many keys wait for the next commit."""
        return sum(stage.table.dirty_count() for _, stage in self._store_stages())

    def flush(self) -> None:
        """Encode what changed: changelog rows and updates go to the outputs."""
        for node, stage in self._stages_by_node():
            stage.process(self.stream_time_ms)
            if isinstance(stage, StoreStage):
                flushed = stage.flush()
                self._flushed[node.name] = flushed
                topic = self.changelog_of(node.name)
                self.outputs.add_changelog(topic, self.partition, flushed.changelog)

    def changed_stores(self) -> list[str]:
        """The tables whose changelogs were written by `flush`."""
        return [name for name, flushed in self._flushed.items() if flushed.changelog]

    def changelog_of(self, store: str) -> str:
        """The changelog topic of one of its stores."""
        node = next(node for node in self.sub_topology.stores if node.name == store)
        return self._topology.changelog_of(node)

    def set_changelog_end(self, store: str, offset: int) -> None:
        """The changelog up to here (exclusive) belongs to the commit."""
        self._changelogs[store] = offset

    def position(self, owner: str = "") -> TaskPosition:
        """What goes into the commit's metadata."""
        return TaskPosition(
            stream_time_ms=self.stream_time_ms,
            changelogs=dict(self._changelogs),
            packed_marks=pack_marks(self._marks.snapshot()),
            owner=owner,
        )

    def written(self) -> None:
        """The commit is durable: write the stores."""
        for node, stage in self._stages_by_node():
            if not isinstance(stage, StoreStage):
                continue
            flushed = self._flushed.pop(node.name, Flushed())
            offset = self._changelogs.get(node.name, 0)
            if isinstance(node, TableSourceNode):
                offset = self.next_offsets.get(node.topic.name, offset)
            position = StorePosition(offset, self.stream_time_ms)
            if flushed.changes or position != self.stores[node.name].position():
                self.stores[node.name].write(flushed.changes, position)
            stage.written(self.stream_time_ms)
        self.committed_offsets = dict(self.next_offsets)
        self._is_dirty = False

    def announce(self) -> None:
        """Have the next commit happen even if nothing comes in: it says who owns the task."""
        self._is_dirty = True

    def touch(self, store: str, keys: Sequence[bytes]) -> None:
        """Have the next commit write keys of a store to its changelog again."""
        for name, stage in self._store_stages():
            if name == store and not isinstance(stage.table, SourceTable):
                for key in keys:
                    stage.table.touch(key)
                self._is_dirty = True

    def close(self) -> None:
        """Give the stores up."""
        for store in self.stores.values():
            store.close()

    # Wiring

    def send(
        self, topic: Any, key: Any, value: Any, timestamp_ms: int, headers: Headers | None
    ) -> None:
        """`Ctx.send`."""
        key_bytes = None if key is None else topic.key_serde_or_text.encode(key)
        encoded = None if value is None or value is Tombstone else topic.value_serde.encode(value)
        self.outputs.append_to(topic.name)((key_bytes, encoded, timestamp_ms, headers))

    def fail_in(self, node: Node) -> Callable[[Exception, Any], None]:
        """The failure handler of a step that gathers."""
        return lambda error, message: self.failures.handle(error, node, message)

    def _bind_source(self, source: Source) -> Callable[[Sequence[Any]], None]:
        return self._bind(source.segment, source.topic.name)

    def _bind(self, segment: Segment | None, name: str) -> Callable[[Sequence[Any]], None]:
        """Give a segment the parts of this task; the result runs it and moves stream time."""
        if segment is None:
            return lambda rows: None
        bound = segment
        arguments = dict(bound.constants)
        arguments["fail"] = lambda error, message: self.failures.handle(
            error, bound.step_of(error.__traceback__), message
        )
        arguments["dropped"] = self._count_dropped
        for parameter, topic in bound.sinks.items():
            arguments[parameter] = self.outputs.append_to(topic.name)
        for parameter, node in bound.stages.items():
            arguments[parameter] = self._stages[node].rows.append
        send: Send = self.send
        for parameter, serde in bound.contexts.items():
            arguments[parameter] = Ctx(serde or STR, send)
        run = bound.make(*(arguments[parameter] for parameter in bound.parameters))
        own_id = source_id(name, self.partition)

        def run_and_advance(rows: Sequence[Any]) -> None:
            self.stream_time_ms = run(rows, self.stream_time_ms, own_id)

        return run_and_advance

    def _count_dropped(self, _message: Any) -> None:
        self.dropped_count += 1

    def _stages_by_node(self) -> list[tuple[Node, TaskStage]]:
        return [(stage.node, self._stages[stage.node]) for stage in self.sub_topology.stages]

    def _store_stages(self) -> list[tuple[str, StoreStage]]:
        return [
            (node.name, stage)
            for node, stage in self._stages_by_node()
            if isinstance(stage, StoreStage)
        ]
