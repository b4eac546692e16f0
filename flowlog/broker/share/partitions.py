"""`SharePartitions`: every share partition of this broker that somebody fetches, and its sessions.

A share partition comes to life with the first fetch: its state is read, and where nobody said yet
where the group begins, that is settled and written. It ends when its state is set anew or deleted,
when the partition goes, or when another broker leads it; the next fetch reads it again.
"""

from __future__ import annotations

import logging
from typing import Final
from uuid import UUID

import anyio
from anyio.abc import TaskGroup
from kio.schema.errors import ErrorCode

from flowlog.broker.coordinator.deadlines import DeadlineQueue
from flowlog.broker.replication.partition import Partition
from flowlog.broker.replication.partitions import Partitions
from flowlog.clock import Clock

from .beginning import starting_offset
from .live_partition import LivePartition
from .partition.share_partition import SharePartition
from .persister import (
    UNINITIALIZED_START_OFFSET,
    SharePartitionKey,
    SharePersister,
    ShareStateUpdate,
)
from .sessions import ShareSession, ShareSessions
from .settings import ShareSettingsSource, default_share_settings

logger = logging.getLogger(__name__)

_NOT_THERE: Final = (ErrorCode.unknown_topic_id, ErrorCode.unknown_topic_or_partition)


class SharePartitions:
    """`run` is its background task: it ends locks, and writes what no request waits for."""

    def __init__(
        self,
        partitions: Partitions,
        persister: SharePersister,
        clock: Clock,
        *,
        settings: ShareSettingsSource = default_share_settings,
        sessions_max: int = 2000,
    ) -> None:
        self.clock = clock
        self.settings = settings
        self.sessions = ShareSessions(sessions_max)
        self.is_closing = False
        self._partitions = partitions
        self._persister = persister
        self._live: dict[SharePartitionKey, LivePartition] = {}
        self._loading: dict[SharePartitionKey, anyio.Event] = {}
        self._resets: dict[SharePartitionKey, int] = {}
        """How often the states that are being read were set anew meanwhile."""
        self._deadlines: DeadlineQueue[SharePartitionKey] = DeadlineQueue()
        self._wake = anyio.Event()
        self._sleeping_until_ms: int | None = None
        self._tasks: TaskGroup | None = None

    # Share partitions.

    def find(self, key: SharePartitionKey) -> LivePartition | None:
        """The share partition, if it is served and still the leader's.

        Raises:
            KafkaError: UNKNOWN_TOPIC_ID, UNKNOWN_TOPIC_OR_PARTITION, KAFKA_STORAGE_ERROR: the
                partition is not here.
        """
        partition = self._partitions.find_by_id(key.topic_id, key.partition)
        live = self._live.get(key)
        if live is None:
            return None
        if live.partition is not partition or live.leader_epoch != partition.leader_epoch:
            live.give_up()
            return None
        return live

    async def load(self, key: SharePartitionKey) -> LivePartition:
        """The share partition, read from its durable state where it is not served yet.

        Raises:
            KafkaError: as `find`, or as the persister says.
        """
        while True:
            live = self.find(key)
            if live is not None:
                return live
            loading = self._loading.get(key)
            if loading is None:
                return await self._load(key)
            await loading.wait()

    async def _load(self, key: SharePartitionKey) -> LivePartition:
        loading = self._loading[key] = anyio.Event()
        try:
            while True:
                resets = self._resets[key] = 0
                live = await self._read(key)
                if self._resets[key] == resets:
                    self._live[key] = live
                    return live
        finally:
            del self._loading[key]
            self._resets.pop(key, None)
            loading.set()

    async def _read(self, key: SharePartitionKey) -> LivePartition:
        partition = self._partitions.find_by_id(key.topic_id, key.partition)
        leader_epoch = partition.leader_epoch
        state = await self._persister.read(key, leader_epoch=leader_epoch)
        start_offset = state.start_offset
        if start_offset == UNINITIALIZED_START_OFFSET:
            start_offset = await self._begin(key, partition, state.state_epoch)
        return LivePartition(
            key,
            partition,
            SharePartition(start_offset, state.batches),
            state_epoch=state.state_epoch,
            leader_epoch=leader_epoch,
            persister=self._persister,
            on_deadline=self._on_deadline,
            on_over=self._on_over,
        )

    async def _begin(self, key: SharePartitionKey, partition: Partition, state_epoch: int) -> int:
        """Settle where the group begins. Written at once: a restart must not settle it again."""
        reset = self.settings(key.group_id).reset
        start_offset = starting_offset(partition, reset, self.clock.now_ms())
        update = ShareStateUpdate(
            state_epoch, partition.leader_epoch, start_offset, delivery_complete_count=0
        )
        await self._persister.write(key, update)
        return start_offset

    def on_reset(self, key: SharePartitionKey) -> None:
        """The state was set anew, or deleted."""
        if key in self._resets:
            self._resets[key] += 1
        live = self._live.get(key)
        if live is not None:
            live.give_up()

    def topic_deleted(self, topic_id: UUID) -> None:
        for key in [key for key in self._live if key.topic_id == topic_id]:
            self.on_reset(key)

    def _on_over(self, live: LivePartition) -> None:
        if self._live.get(live.key) is live:
            del self._live[live.key]
            self._deadlines.schedule(live.key, None)

    # Sessions that end.

    def end_session(self, session: ShareSession) -> None:
        """The member is done: what it holds is free for others."""
        self.sessions.close(session)
        self._release(session)

    def member_lost(self, group_id: str, member_id: str) -> None:
        """The member was not heard of in time."""
        session = self.sessions.close_of_member(group_id, member_id)
        if session is not None:
            self._release(session)

    def connection_lost(self, connection: object) -> None:
        """The client is gone without a word."""
        for session in self.sessions.close_of_connection(connection):
            self._release(session)

    def _release(self, session: ShareSession) -> None:
        limits = self.settings(session.group_id).limits
        for topic_id, partition in session.partitions():
            live = self._live.get(SharePartitionKey(session.group_id, topic_id, partition))
            if live is not None and live.release(session.member_id, limits):
                self.flush_later(live)

    # Time.

    async def run(self) -> None:
        """Until cancelled."""
        async with anyio.create_task_group() as tasks:
            self._tasks = tasks
            try:
                await self._serve_deadlines()
            finally:
                self._tasks = None

    async def _serve_deadlines(self) -> None:
        while True:
            self._wake = anyio.Event()
            self._sleeping_until_ms = self._deadlines.next_deadline_ms()
            await self._sleep_until(self._sleeping_until_ms)
            now_ms = self.clock.monotonic_ms()
            for key in list(self._deadlines.pop_due(now_ms)):
                live = self._live.get(key)
                if live is not None:
                    if live.on_time(self.settings(key.group_id).limits, now_ms):
                        self.flush_later(live)
                    self._on_deadline(live)

    async def _sleep_until(self, deadline_ms: int | None) -> None:
        if deadline_ms is None:
            await self._wake.wait()
            return
        with anyio.move_on_after((deadline_ms - self.clock.monotonic_ms()) / 1000):
            await self._wake.wait()

    def _on_deadline(self, live: LivePartition) -> None:
        if self._live.get(live.key) is not live:
            return
        deadline_ms = live.next_deadline_ms()
        self._deadlines.schedule(live.key, deadline_ms)
        sleeping_until_ms = self._sleeping_until_ms
        if deadline_ms is not None and (
            sleeping_until_ms is None or deadline_ms < sleeping_until_ms
        ):
            self._wake.set()

    def flush_later(self, live: LivePartition) -> None:
        """Have what no request waits for written, soon."""
        if self._tasks is not None:
            self._tasks.start_soon(live.flush)

    def shutdown(self) -> None:
        """Answer what waits; the broker stops."""
        self.is_closing = True
        for live in tuple(self._live.values()):
            live.wake()
