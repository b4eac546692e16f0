"""Builds the stages of a task from the steps of its sub-topology."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from flowlog.streams.context import Ctx
from flowlog.streams.on_error import STOP
from flowlog.streams.operators.fold import Fold
from flowlog.streams.operators.keyed_table import CountTable, KeyedTable
from flowlog.streams.operators.rows import OnFailure, Row
from flowlog.streams.operators.source_table import SourceTable
from flowlog.streams.operators.window_table import WindowTable
from flowlog.streams.topology.nodes import FoldNode, MapNode
from flowlog.streams.topology.topology import Stage

from .async_steps import AsyncRunner
from .stages import AsyncStage, Continue, TableStage, TaskStage, WindowStage

if TYPE_CHECKING:
    from .task import Task


def build_stage(task: Task, stage: Stage, then: Continue, runner: AsyncRunner) -> TaskStage:
    """The stage of a step, on the task's store of its name."""
    node = stage.node
    if isinstance(node, MapNode):
        return AsyncStage(node, runner, task.send, task.fail_in(node), then)
    if not isinstance(node, FoldNode):
        return TableStage(SourceTable(), then)
    fold = _fold(task, node)
    on_failure = _on_failure(task, node)
    store = task.stores[node.name]
    if node.window is None:
        kind = CountTable if node.is_count else KeyedTable
        table = kind(
            store,
            node.state_serde,
            fold,
            on_failure=on_failure,
            cache_entries=task.cache_entries,
        )
        return TableStage(table, then)
    windows = WindowTable(
        store,
        node.state_serde,
        fold,
        node.window,
        emits_on_close=node.emits_on_close,
        stream_time_ms=task.stream_time_ms,
        on_failure=on_failure,
        cache_entries=task.cache_entries,
    )
    return WindowStage(windows, then, _late(task, node))


def _fold(task: Task, node: FoldNode) -> Fold:
    if node.function is None:
        return Fold(node.name, _increment, int, is_count=True)
    function, bind = node.function, None
    if node.takes_context:
        context = Ctx(node.state_key_serde, task.send)
        user, bind = function, context.bind
        function = lambda state, value: user(state, value, context)  # noqa: E731
    policy = node.on_error or task.failures.default
    guard = policy != STOP and not node.state_serde.is_immutable
    return Fold(node.name, function, node.init, needs_guard=guard, bind=bind)


def _increment(count: int, _value: Any) -> int:
    return count + 1


def _on_failure(task: Task, node: FoldNode) -> OnFailure:
    fail = task.fail_in(node)
    return lambda error, row: fail(error, row[3])


def _late(task: Task, node: FoldNode) -> Callable[[Sequence[Row]], None]:
    """Writes late rows to their topic, if there is one."""
    topic = node.late_topic
    if topic is None:
        return lambda rows: None
    append = task.outputs.append_to(topic.name)
    serde = node.input_value_serde

    def write(rows: Sequence[Row]) -> None:
        for key, value, timestamp_ms, message, _ in rows:
            if value is not None and serde is not None:
                append((key, serde.encode(value), timestamp_ms, None))
            elif message is not None:
                append((key, message.value(), timestamp_ms, None))

    return write
