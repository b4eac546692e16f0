"""`ShardRuntime`: decide, write, replay, answer, for one partition of an internal topic.

The same few lines serve groups and transactions. A machine is only touched between two awaits of
the event loop, so each shard has one writer without a lock. Where the log commits at once (one
copy, no fsync asked for) nothing suspends: the caller has its answer when the call returns.
"""

from __future__ import annotations

import enum
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final, Generic, TypeVar

import anyio
from anyio.lowlevel import checkpoint
from kio.schema.errors import ErrorCode

from flowlog.clock import Clock
from flowlog.errors import KafkaError

from .commit_log import CommitLog
from .decision import Decision, Now, Reply
from .machine import Machine
from .waiting import Write, wait_answered, wait_committed
from .write_errors import client_error

logger = logging.getLogger(__name__)

R = TypeVar("R")
Rec = TypeVar("Rec")
M = TypeVar("M", bound=Machine[Any])

REPLAY_SLICE: Final = 500  # records between two looks at the event loop while loading

Spawn = Callable[[Callable[[], Coroutine[Any, Any, None]]], None]


class ShardState(enum.Enum):
    """A shard is served only while ACTIVE; CLOSED is its end."""

    LOADING = "loading"
    ACTIVE = "active"
    CLOSED = "closed"


class ShardRuntime(Generic[M]):
    """One shard: its machine, its log, and the writes that wait to be committed."""

    def __init__(
        self,
        name: str,
        machine: M,
        log: CommitLog,
        clock: Clock,
        *,
        spawn: Spawn,
        on_deadline: Callable[[int], None],
    ) -> None:
        """Args:
        spawn: starts a background task that outlives the request that caused it.
        on_deadline: told, after each change, when the machine next has timed work.
        """
        self.name = name
        self.machine = machine
        self.state = ShardState.LOADING
        self._log = log
        self._clock = clock
        self._spawn = spawn
        self._on_deadline = on_deadline
        self._uncommitted: deque[Write] = deque()
        self._loaded = anyio.Event()

    def now(self) -> Now:
        return Now(self._clock.monotonic_ms(), self._clock.now_ms())

    async def load(self) -> None:
        """Replay the log from its start, then serve.

        Raises:
            ValueError: a record is not what its version says; the shard stays unserved.
            OSError: the log cannot be read.
        """
        assert self.state is ShardState.LOADING, f"{self.name} was loaded before"
        count = 0
        for record in self._log.read_all():
            known = self.machine.decode(record)
            if known is not None:
                self.machine.replay(known)
            count += 1
            if count % REPLAY_SLICE == 0:
                await checkpoint()
        if self.state is ShardState.LOADING:  # else it was closed while we slept
            self.state = ShardState.ACTIVE
            self._loaded.set()
            self.machine.on_loaded(self.now())
            self._look_at_deadline()
            logger.debug("%s loaded, %d records", self.name, count)

    async def wait_loaded(self) -> None:
        """Return once the shard is active or closed."""
        await self._loaded.wait()

    def close(self) -> None:
        """Serve no longer: whoever is parked or waits for a commit hears NOT_COORDINATOR."""
        if self.state is ShardState.CLOSED:
            return
        self.state = ShardState.CLOSED
        self._loaded.set()
        while self._uncommitted:
            self._settle(self._uncommitted.popleft(), ErrorCode.not_coordinator)
        self.machine.on_unloaded()

    def check_active(self) -> None:
        """Raise what a client should hear while the shard is not served."""
        if self.state is ShardState.LOADING:
            raise KafkaError(ErrorCode.coordinator_load_in_progress)
        if self.state is ShardState.CLOSED:
            raise KafkaError(ErrorCode.not_coordinator)

    def write(self, decision: Decision[R, Any]) -> R | Awaitable[R]:
        """Carry out a decision that the machine has just made: its answer, or the wait for it.

        Raises:
            KafkaError: the records could not be appended; durable state is as before.
        """
        write = self._carry_out(decision)
        response = decision.response
        if isinstance(response, Reply):
            return response.value if response.is_answered else wait_answered(response)
        return response if write is None else wait_committed(write, response)

    def carry_out(self, decision: Decision[Any, Any]) -> None:
        """Carry out a decision whose outcome nobody waits for.

        Raises:
            KafkaError: the records could not be appended; durable state is as before.
        """
        self._carry_out(decision)

    def read(self, response: R) -> R | Awaitable[R]:
        """An answer about durable state: it leaves once that state is committed."""
        if not self._uncommitted:
            return response
        return wait_committed(self._uncommitted[-1], response)

    def on_time(self) -> None:
        """Let the machine do what is due, and write what it decides."""
        if self.state is not ShardState.ACTIVE:
            return
        for decision in self.machine.on_time(self.now()):
            try:
                self._carry_out(decision)
            except KafkaError as error:  # nobody waits for it; the machine was told
                logger.warning("%s: a timed write failed: %s", self.name, error)

    def _carry_out(self, decision: Decision[Any, Any]) -> Write | None:
        """Write what there is to write; None when nothing has to be waited for."""
        try:
            return self._append(decision) if decision.records else None
        finally:
            self._look_at_deadline()

    def _append(self, decision: Decision[Any, Any]) -> Write | None:
        """Append and replay; None when that is already committed."""
        machine = self.machine
        try:
            end_offset = self._log.append([machine.encode(record) for record in decision.records])
        except (KafkaError, OSError) as error:
            code = client_error(error)
            logger.warning("%s: append failed: %s", self.name, error)
            if decision.on_written is not None:
                decision.on_written(code, self.now())
            if isinstance(decision.response, Reply) and decision.response.is_answered:
                return None  # the machine has told the client itself
            raise KafkaError(code) from error
        for record in decision.records:
            machine.replay(record)
        if not self._uncommitted and self._log.is_committed(end_offset):
            if decision.on_written is not None:
                decision.on_written(ErrorCode.none, self.now())
            return None
        return self._await_commit(Write(end_offset, decision.on_written))

    def _await_commit(self, write: Write) -> Write:
        self._uncommitted.append(write)
        if len(self._uncommitted) == 1:
            self._spawn(self._follow_commits)
        return write

    async def _follow_commits(self) -> None:
        """Settle writes in their order as the log commits them, until none is left."""
        while self._uncommitted:
            try:
                await self._log.wait_committed(self._uncommitted[0].end_offset)
            except (KafkaError, OSError) as error:
                # What was replayed is ahead of what will ever be committed: stop serving it.
                logger.error("%s: records will not be committed, closing: %s", self.name, error)
                self.close()
                return
            while self._uncommitted and self._log.is_committed(self._uncommitted[0].end_offset):
                self._settle(self._uncommitted.popleft(), ErrorCode.none)

    def _settle(self, write: Write, error: ErrorCode) -> None:
        write.settle(error, self.now())
        self._look_at_deadline()

    def _look_at_deadline(self) -> None:
        deadline_ms = self.machine.next_deadline_ms()
        if deadline_ms is not None:
            self._on_deadline(deadline_ms)
