"""The steps of one task that gather rows: tables and async steps, and what follows each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from flowlog.streams.context import Ctx, Send
from flowlog.streams.operators.keyed_table import KeyedTable
from flowlog.streams.operators.rows import Row
from flowlog.streams.operators.source_table import SourceTable
from flowlog.streams.operators.window_table import WindowTable
from flowlog.streams.serdes.basic import STR
from flowlog.streams.state.entry import Flushed, Update
from flowlog.streams.topology.nodes import MapNode

from .async_steps import AsyncRunner, may_suspend, run_at_once

Continue = Callable[[Sequence[Any]], None]
"""Runs the segment after a stage over rows."""


class TaskStage(Protocol):
    """One gathering step of a task. `rows` is filled by the segments before it."""

    rows: list[Any]

    def process(self, stream_time_ms: int) -> None:
        """Work through the gathered rows and hand on what comes of them at once."""
        ...


class TableStage:
    """A table without windows: hands on at the commit."""

    def __init__(self, table: KeyedTable | SourceTable, then: Continue) -> None:
        self.rows: list[Row] = []
        self.table = table
        self._then = then

    def process(self, stream_time_ms: int) -> None:
        if self.rows:
            self.table.process(self.rows)
            self.rows.clear()

    def flush(self) -> Flushed:
        """What the commit writes; updates are handed on here."""
        flushed = self.table.flush()
        if flushed.updates:
            self._then(flushed.updates)
        return flushed

    def written(self, stream_time_ms: int) -> None:
        """The commit is done."""
        if isinstance(self.table, KeyedTable):
            self.table.written()


class WindowStage:
    """A table with windows: hands on at the commit or when they close, and late rows aside."""

    def __init__(
        self, table: WindowTable, then: Continue, late: Callable[[Sequence[Row]], None]
    ) -> None:
        self.rows: list[Row] = []
        self.table = table
        self.late_count = 0
        self._then = then
        self._late = late

    def process(self, stream_time_ms: int) -> None:
        if self.rows:
            self.table.process(self.rows)
            self.rows.clear()
        if self.table.late:
            self.late_count += len(self.table.late)
            self._late(self.table.late)
            self.table.late.clear()
        updates: Sequence[Update] = self.table.close_windows(stream_time_ms)
        if updates:
            self._then(updates)

    def flush(self) -> Flushed:
        """What the commit writes; updates are handed on here."""
        flushed = self.table.flush()
        if flushed.updates:
            self._then(flushed.updates)
        return flushed

    def written(self, stream_time_ms: int) -> None:
        """The commit is done."""
        self.table.written(stream_time_ms)


class AsyncStage:
    """An `async def` step: a batch at a time, its results in input order."""

    def __init__(
        self,
        node: MapNode,
        runner: AsyncRunner,
        send: Send,
        fail: Callable[[Exception, Any], None],
        then: Continue,
    ) -> None:
        self.rows: list[Any] = []
        self._node = node
        self._runner = runner
        self._send = send
        self._fail = fail
        self._then = then
        self._may_suspend = may_suspend(node.function.call)

    def process(self, stream_time_ms: int) -> None:
        if not self.rows:
            return
        rows = list(self.rows)
        self.rows.clear()
        calls = [(row[0], self._arguments(row)) for row in rows]
        function = self._node.function.call
        if self._may_suspend:
            results = self._runner.run(
                function, calls, concurrency=self._node.concurrency, ordered=self._node.ordered
            )
        else:
            results = run_at_once(function, calls)
        done = []
        for (key, _, timestamp_ms, message, row_time_ms, headers), result in zip(
            rows, results, strict=True
        ):
            if isinstance(result, Exception):
                self._fail(result, message)
            else:
                done.append((key, result, timestamp_ms, message, row_time_ms, headers))
        self._then(done)

    def _arguments(self, row: Any) -> tuple[Any, ...]:
        key, value, timestamp_ms, message, _, _ = row
        if not self._node.function.takes_context:
            return (value,)
        context = Ctx(self._node.input_key_serde or STR, self._send)
        context.bind(message, key, timestamp_ms)
        return value, context


StoreStage = TableStage | WindowStage
