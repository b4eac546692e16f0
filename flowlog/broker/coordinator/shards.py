"""`Shards`: the shards of one internal topic that this broker leads, and the task that drives them.

Shards come with leadership (`load`) and go with it (`unload`). One task serves the deadlines of
all of them: it sleeps until the earliest, and a write that brings an earlier one wakes it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, Final, Generic, TypeVar

import anyio
from anyio.abc import TaskGroup
from kio.schema.errors import ErrorCode

from flowlog.clock import Clock
from flowlog.errors import KafkaError

from .commit_log import CommitLog
from .machine import Machine
from .runtime import ShardRuntime, ShardState

logger = logging.getLogger(__name__)

FAILED_TIMER_PAUSE_S: Final = 1.0

M = TypeVar("M", bound=Machine[Any])


class Shards(Generic[M]):
    """Shards by partition. Until `run` runs, deadlines pass and later commits are not noticed."""

    def __init__(
        self,
        topic: str,
        *,
        clock: Clock,
        new_machine: Callable[[], M],
        open_log: Callable[[int], CommitLog],
    ) -> None:
        self._topic = topic
        self._clock = clock
        self._new_machine = new_machine
        self._open_log = open_log
        self._shards: dict[int, ShardRuntime[M]] = {}
        self._tasks: TaskGroup | None = None
        self._not_started: list[Callable[[], Coroutine[Any, Any, None]]] = []
        self._wake = anyio.Event()
        self._sleeping_until_ms: int | None = None

    async def load(self, partition: int) -> None:
        """Begin to serve a partition: replay its log, then answer. Does nothing when it is served.

        A log that cannot be read leaves the partition unserved, with one line in our log.
        """
        present = self._shards.get(partition)
        if present is not None and present.state is not ShardState.CLOSED:
            return
        name = f"{self._topic}-{partition}"
        try:
            log = self._open_log(partition)
        except KafkaError as error:  # Its topic was deleted.
            logger.warning("%s cannot be loaded: %s", name, error)
            return
        shard: ShardRuntime[M] = ShardRuntime(
            name,
            self._new_machine(),
            log,
            self._clock,
            spawn=self._spawn,
            on_deadline=self._on_deadline,
        )
        self._shards[partition] = shard
        try:
            await shard.load()
        except (ValueError, OSError, KafkaError) as error:
            logger.error("%s cannot be loaded: %s", name, error)
            shard.close()

    def unload(self, partition: int) -> None:
        """Stop serving a partition; parked requests hear NOT_COORDINATOR."""
        shard = self._shards.pop(partition, None)
        if shard is not None:
            shard.close()

    def unload_all(self) -> None:
        for partition in tuple(self._shards):
            self.unload(partition)

    def get(self, partition: int) -> ShardRuntime[M]:
        """The shard that serves a partition.

        Raises:
            KafkaError: NOT_COORDINATOR or COORDINATOR_LOAD_IN_PROGRESS.
        """
        shard = self._shards.get(partition)
        if shard is None:
            raise KafkaError(ErrorCode.not_coordinator)
        shard.check_active()
        return shard

    async def wait_loaded(self, partition: int) -> None:
        """Return once the partition is served, or not being loaded; `get` tells which."""
        shard = self._shards.get(partition)
        if shard is not None:
            await shard.wait_loaded()

    def __iter__(self) -> Iterator[ShardRuntime[M]]:
        """Every shard that is loading or served."""
        return (s for s in tuple(self._shards.values()) if s.state is not ShardState.CLOSED)

    async def run(self) -> None:
        """Serve deadlines and commits until cancelled."""
        async with anyio.create_task_group() as tasks:
            self._tasks = tasks
            while self._not_started:
                tasks.start_soon(self._not_started.pop())
            try:
                await self._serve_deadlines()
            finally:
                self._tasks = None

    async def _serve_deadlines(self) -> None:
        while True:
            self._wake = anyio.Event()
            deadlines = (shard.machine.next_deadline_ms() for shard in self)
            self._sleeping_until_ms = min((d for d in deadlines if d is not None), default=None)
            await self._sleep_until(self._sleeping_until_ms)
            now_ms = self._clock.monotonic_ms()
            has_failed = False
            for shard in self:
                deadline_ms = shard.machine.next_deadline_ms()
                if deadline_ms is not None and deadline_ms <= now_ms:
                    has_failed |= not self._on_time(shard)
            if has_failed:
                await anyio.sleep(FAILED_TIMER_PAUSE_S)

    def _on_time(self, shard: ShardRuntime[M]) -> bool:
        """Whether it went well: a mistake of ours in one group's timer ends no other's."""
        try:
            shard.on_time()
        except Exception:
            logger.exception("%s: a timer failed, this is a mistake in flowlog", shard.name)
            return False
        return True

    async def _sleep_until(self, deadline_ms: int | None) -> None:
        if deadline_ms is None:
            await self._wake.wait()
            return
        with anyio.move_on_after((deadline_ms - self._clock.monotonic_ms()) / 1000):
            await self._wake.wait()

    def _on_deadline(self, deadline_ms: int) -> None:
        if self._sleeping_until_ms is None or deadline_ms < self._sleeping_until_ms:
            self._wake.set()

    def _spawn(self, function: Callable[[], Coroutine[Any, Any, None]]) -> None:
        if self._tasks is None:
            self._not_started.append(function)
        else:
            self._tasks.start_soon(function)
