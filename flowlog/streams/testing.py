"""`TopologyTestDriver`: an app without a broker, for tests.

The same tasks as in a worker, over topics that are lists. Every `send` is worked through and
committed before it returns; time is a number that tests move. `crash` loses what a killed process
would lose, `restart` starts again from the last commit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Literal, Protocol, Self, TypeVar, cast

from flowlog.errors import ConfigError
from flowlog.streams.durations import Duration, to_ms
from flowlog.streams.records import Headers, Tombstone, timestamp_ms_of
from flowlog.streams.runtime.local_view import LocalView
from flowlog.streams.runtime.message import Message
from flowlog.streams.runtime.runnable import RunnableApp
from flowlog.streams.runtime.sandbox import Sandbox
from flowlog.streams.topology.topics import Topic

K = TypeVar("K")
V = TypeVar("V")
W = TypeVar("W")
K_contra = TypeVar("K_contra", contravariant=True)
W_co = TypeVar("W_co", covariant=True)

CrashPoint = Literal["now", "flushing", "flushed", "committed"]

START_MS = 1_767_225_600_000  # 2026-01-01T00:00:00Z


class _KeyedTable(Protocol[K, V]):
    @property
    def local(self) -> LocalView[K, V]: ...


class _WindowedTable(Protocol[K_contra, W_co]):
    def local_windows(self, key: K_contra) -> Sequence[W_co]: ...


@dataclass(frozen=True)
class Record(Generic[K, V]):
    """A record read from a topic; `value` is None for a tombstone."""

    key: K
    value: V
    timestamp: int
    headers: list[tuple[str, bytes | None]]
    partition: int
    offset: int


class TopologyTestDriver:
    """A context manager; see the module."""

    def __init__(self, app: RunnableApp, *, partitions: int = 1, now_ms: int = START_MS) -> None:
        self._app = app
        self._sandbox = Sandbox(app.topology(), partitions=partitions, now_ms=now_ms)
        self._read: dict[str, list[int]] = {}
        self._last: Message | None = None
        self._holds = False

    def __enter__(self) -> Self:
        self._app.answer_with(self._sandbox.tables)
        self._sandbox.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._sandbox.close()
        self._app.answer_with(None)

    # Records

    def send(
        self,
        topic: Topic[K, V],
        value: V | type[Tombstone] | None,
        *,
        key: K | None = None,
        timestamp: int | datetime | None = None,
        headers: Headers | None = None,
        partition: int | None = None,
    ) -> None:
        """Write a record to a topic, let the app work through it, commit.

        Raises:
            ProcessingError: a step raised and its policy is to stop.
        """
        key_bytes = None if key is None else topic.key_serde_or_text.encode(key)
        is_null = value is None or value is Tombstone
        value_bytes = None if is_null else topic.value_serde.encode(value)
        at_ms = self.now_ms if timestamp is None else timestamp_ms_of(timestamp)
        self.send_raw(
            topic.name,
            value_bytes,
            key=key_bytes,
            timestamp=at_ms,
            headers=headers,
            partition=partition,
        )

    def send_raw(
        self,
        topic: str,
        value: bytes | None,
        *,
        key: bytes | None = None,
        timestamp: int | None = None,
        headers: Headers | None = None,
        partition: int | None = None,
    ) -> None:
        """The same with bytes."""
        at_ms = self.now_ms if timestamp is None else timestamp
        self._last = self._sandbox.write(topic, (key, value, at_ms, headers), partition)
        self._work()

    def duplicate_last(self) -> None:
        """Write the last record once more, as a producer without idempotence may."""
        if self._last is None:
            raise ConfigError("nothing was sent yet")
        self._sandbox.write_again(self._last)
        self._work()

    @contextmanager
    def one_commit(self) -> Iterator[None]:
        """Records sent inside are worked through one by one and committed together."""
        self._holds = True
        try:
            yield
        finally:
            self._holds = False
        self._work()

    def read(self, topic: Topic[K, V]) -> list[Record[K, V]]:
        """The records that came to a topic since the last `read`, by partition."""
        key_of, value_of = topic.key_serde_or_text.decode, topic.value_serde.decode
        return [
            Record(
                cast(K, None if record.key is None else key_of(record.key)),
                cast(V, None if record.value is None else value_of(record.value)),
                record.timestamp,
                record.headers,
                record.partition,
                record.offset,
            )
            for record in self.read_raw(topic.name)
        ]

    def read_raw(self, topic: str) -> list[Record[bytes | None, bytes | None]]:
        """The same as bytes; also for topics that the app makes for itself."""
        logs = self._sandbox.topic(topic)
        positions = self._read.setdefault(topic, [0] * len(logs))
        found: list[Record[bytes | None, bytes | None]] = []
        for partition, log in enumerate(logs):
            found.extend(
                Record(
                    message.key(),
                    message.value(),
                    message.timestamp()[1],
                    message.headers() or [],
                    partition,
                    message.offset(),
                )
                for message in log[positions[partition] :]
            )
            positions[partition] = len(log)
        return found

    # Tables

    def table(self, table: _KeyedTable[K, V]) -> LocalView[K, V]:
        """A table's contents: `t.table(word_counts)["kafka"]`."""
        return table.local

    def windows(self, table: _WindowedTable[K, W], key: K) -> list[W]:
        """A key's windows."""
        return list(table.local_windows(key))

    # Time and trouble

    @property
    def now_ms(self) -> int:
        """The wall clock."""
        return self._sandbox.now_ms()

    def advance(self, duration: Duration) -> None:
        """Move the wall clock: what waits for idleness happens."""
        self._sandbox.advance(to_ms(duration))
        self._work()

    def commit(self) -> None:
        """Commit now; only needed inside `one_commit`."""
        self._sandbox.run()
        self._sandbox.commit()

    def crash(self, *, at: CrashPoint = "now", rows: int = 0) -> None:
        """Lose everything that is not committed; until `restart` nothing is worked through.

        Args:
            at: "now"; or during a commit: "flushing" (only the first `rows` rows of outputs and
                changelogs are written), "flushed" (all are, offsets are not) or "committed"
                (offsets too, stores are not).
        """
        self._sandbox.crash(at, rows=rows)

    def restart(self, *, wipe_state: bool = False, records: int | None = None) -> None:
        """Start again from the last commit.

        Args:
            wipe_state: restore the stores from their changelogs, not as they were.
            records: commit after so many records of each task, and then go on; a commit in the
                middle of what is read again.
        """
        self._sandbox.start(wipe_state=wipe_state)
        if records is not None:
            self._sandbox.work(records)
            self._sandbox.commit()
        self._work()

    def _work(self) -> None:
        if self._sandbox.is_running:
            self._sandbox.run(commit=not self._holds)
