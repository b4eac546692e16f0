"""`LivePartition`: a share partition with its log, and its way into the durable state.

A change is written with all others that came before the write began; who brings the first one
writes for all. A write that fails for a moment is taken back; one that is fenced means that the
state was set anew: this share partition is over, and is read again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Final

import anyio
from kio.schema.errors import ErrorCode

from flowlog.broker.replication.fetch_waiter import FetchWaiter
from flowlog.broker.replication.partition import Partition
from flowlog.errors import KafkaError

from .partition.requests import Acknowledgement, Acquired, Acquisition, Limits
from .partition.share_partition import SharePartition
from .persister import SharePartitionKey, SharePersister, ShareStateUpdate
from .reading import ReadRecords

logger = logging.getLogger(__name__)

OVER: Final = frozenset(
    {
        ErrorCode.fenced_leader_epoch,
        ErrorCode.fenced_state_epoch,
        ErrorCode.invalid_request,
        ErrorCode.unknown_topic_or_partition,
    }
)
"""What a write says when the state that we know is not the one that is there."""


class _Write:
    """One write of the durable state, and those who wait for it."""

    def __init__(self) -> None:
        self.done = anyio.Event()
        self.error: KafkaError | None = None


class LivePartition:
    """One share partition that is served. Times are monotonic milliseconds."""

    def __init__(
        self,
        key: SharePartitionKey,
        partition: Partition,
        machine: SharePartition,
        *,
        state_epoch: int,
        leader_epoch: int,
        persister: SharePersister,
        on_deadline: Callable[[LivePartition], None],
        on_over: Callable[[LivePartition], None],
    ) -> None:
        """Args:
        on_deadline: told when `next_deadline_ms` may have become earlier.
        on_over: told once the durable state is another's.
        """
        self.key = key
        self.partition = partition
        self.leader_epoch = leader_epoch
        self.is_over = False
        self._machine = machine
        self._state_epoch = state_epoch
        self._persister = persister
        self._on_deadline = on_deadline
        self._on_over = on_over
        self._waiters: set[FetchWaiter] = set()
        self._next_write = _Write()
        self._writing: _Write | None = None

    def __repr__(self) -> str:
        return f"LivePartition({self.key.group_id}, {self.partition!r})"

    @property
    def machine(self) -> SharePartition:
        """For looking only."""
        return self._machine

    # Delivery.

    @property
    def fetch_offset(self) -> int:
        """Where to read next, after what retention has done to the log."""
        if self._machine.move_log_start(self.partition.log.log_start_offset):
            self.wake()
        return self._machine.fetch_offset

    def can_acquire(self, limits: Limits) -> bool:
        return self._machine.can_acquire(limits)

    def acquire(
        self, found: ReadRecords, wanted: Acquisition, limits: Limits, now_ms: int
    ) -> list[Acquired]:
        """Give a member of what was just read from `fetch_offset` on."""
        acquired = self._machine.acquire(found.reading, wanted, limits, now_ms)
        if acquired:
            self._on_deadline(self)
        return acquired

    # Members.

    async def acknowledge(
        self,
        member_id: str,
        acknowledgements: Sequence[Acknowledgement],
        limits: Limits,
        now_ms: int,
    ) -> None:
        """Take in what a member says; returns once it is durable.

        Raises:
            KafkaError: INVALID_RECORD_STATE, INVALID_REQUEST, or what the write says; all of it
                is as it was before.
        """
        if self._machine.acknowledge(member_id, acknowledgements, limits, now_ms):
            await self._written(self._next_write)
        else:
            self._on_deadline(self)

    def release(self, member_id: str, limits: Limits) -> bool:
        """The member is gone; whether `flush` has something to write now."""
        return self._freed(self._machine.release(member_id, limits))

    def on_time(self, limits: Limits, now_ms: int) -> bool:
        """End the locks whose time is over; whether `flush` has something to write now."""
        return self._freed(self._machine.on_time(limits, now_ms))

    def next_deadline_ms(self) -> int | None:
        return None if self.is_over else self._machine.next_deadline_ms()

    def _freed(self, is_freed: bool) -> bool:
        if is_freed:
            self.wake()
        return is_freed and not self.is_over

    # Waiting fetches.

    def watch(self, waiter: FetchWaiter) -> None:
        """Tell `waiter` of records that can be read, be they new or released."""
        self._waiters.add(waiter)
        self.partition.watch(waiter)

    def unwatch(self, waiter: FetchWaiter) -> None:
        self._waiters.discard(waiter)
        self.partition.unwatch(waiter)

    def wake(self) -> None:
        for waiter in tuple(self._waiters):
            waiter.on_gone()

    # The durable state.

    @property
    def has_unwritten(self) -> bool:
        return not self.is_over and self._machine.has_unwritten

    async def flush(self) -> None:
        """Write what nobody waits for; what cannot be written goes with the next."""
        if self.has_unwritten:
            try:
                await self._written(self._next_write)
            except KafkaError as error:
                logger.info("%r: not written yet: %s", self, error)

    def give_up(self) -> None:
        """The durable state is not ours any more; what was not written is refused."""
        if not self.is_over:
            self.is_over = True
            self._on_over(self)
            self.wake()

    async def _written(self, write: _Write) -> None:
        """Return once that write is done, be it by us or by somebody else."""
        while not write.done.is_set():
            if self._writing is not None:
                await self._writing.done.wait()
            else:
                await self._write()
        if write.error is not None:
            raise write.error

    async def _write(self) -> None:
        write = self._writing = self._next_write
        self._next_write = _Write()
        is_written = False
        change = self._machine.begin_write()
        update = ShareStateUpdate(
            self._state_epoch,
            self.leader_epoch,
            change.start_offset,
            change.batches,
            change.complete_count,
        )
        try:
            self._check_ours()
            await self._persister.write(self.key, update)
            self._check_ours()
            is_written = True
        except KafkaError as error:
            write.error = error
            if error.error_code in OVER:
                self.give_up()
        finally:
            start_offset = self._machine.start_offset
            freed = self._machine.end_write(is_written=is_written)
            if freed or self._machine.start_offset > start_offset:
                self.wake()
            self._on_deadline(self)
            if not is_written and write.error is None:  # cancelled, as the broker stops
                write.error = KafkaError(ErrorCode.coordinator_not_available)
            self._writing = None
            write.done.set()

    def _check_ours(self) -> None:
        """Raises KafkaError FENCED_STATE_EPOCH once the state was set anew."""
        if self.is_over:
            raise KafkaError(ErrorCode.fenced_state_epoch)
