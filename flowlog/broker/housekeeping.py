"""What the broker does by the clock: retention, checkpoints, timed flushes, idle connections."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Set
from typing import Final

import anyio
from anyio.lowlevel import checkpoint

from flowlog.broker.connection import Connection
from flowlog.broker.node import Node
from flowlog.clock import Clock
from flowlog.errors import KafkaError

logger = logging.getLogger(__name__)

FLUSH_CHECK_MS: Final = 1000


class Housekeeping:
    """Runs each duty at its own interval; an error in one is logged and tried again.

    A log that is damaged or just being deleted keeps no other log from its duty.
    """

    def __init__(self, node: Node, connections: Set[Connection], clock: Clock) -> None:
        self._node = node
        self._connections = connections
        self._clock = clock

    async def run(self) -> None:
        """Run until cancelled."""
        config = self._node.config
        idle_ms = config.integer("connections.max.idle.ms")
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(
                self._every,
                config.integer("log.retention.check.interval.ms"),
                self._apply_retention,
            )
            tasks.start_soon(
                self._every,
                config.integer("log.flush.offset.checkpoint.interval.ms"),
                self._checkpoint,
            )
            tasks.start_soon(self._every, FLUSH_CHECK_MS, self._flush_by_time)
            if idle_ms > 0:
                tasks.start_soon(self._every, max(idle_ms // 10, 100), self._close_idle)

    async def _every(self, interval_ms: int, duty: Callable[[], Awaitable[None]]) -> None:
        while True:
            await anyio.sleep(interval_ms / 1000)
            try:
                await duty()
            except (OSError, KafkaError) as error:
                logger.error("%s: %s", getattr(duty, "__name__", "housekeeping"), error)

    async def _apply_retention(self) -> None:
        now_ms = self._clock.now_ms()
        for partition in tuple(self._node.partitions):
            try:
                partition.log.apply_retention(now_ms, partition.high_watermark)
            except KafkaError as error:
                logger.error("%s", error)
            partition.log.expire_producers(now_ms)
            await checkpoint()  # requests go first

    async def _checkpoint(self) -> None:
        await self._node.directory.write_checkpoints()

    async def _flush_by_time(self) -> None:
        now_ms = self._clock.now_ms()
        for partition in tuple(self._node.partitions):
            if partition.log.is_flush_due(now_ms):
                try:
                    await self._node.group_commit.flush(partition.log)
                except KafkaError as error:
                    logger.debug("%s", error)  # Deleted meanwhile: there is nothing to flush.

    async def _close_idle(self) -> None:
        idle_ms = self._node.config.integer("connections.max.idle.ms")
        now_ms = self._clock.monotonic_ms()
        for connection in tuple(self._connections):
            if connection.was_active:
                connection.was_active, connection.last_active_ms = False, now_ms
            elif connection.is_idle and connection.last_active_ms < now_ms - idle_ms:
                connection.drain()
