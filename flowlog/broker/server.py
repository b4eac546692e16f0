"""`BrokerServer`: the one place where sockets, disks and task groups meet; start, drain, stop.

Starting opens the data folder, replays the metadata log, opens the partitions, begins to load
the group coordinator and then listens. Stopping goes the other way: no new connections, requests
in hand answered, logs flushed, the folder marked clean.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import random
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, Final, Self

import anyio
from anyio.abc import TaskGroup

from flowlog.broker.admin.features import FeatureAdmin
from flowlog.broker.admin.quotas import QuotaAdmin
from flowlog.broker.admin.topics import TopicAdmin, TopicDefaults
from flowlog.broker.config.broker_config import BrokerConfig
from flowlog.broker.connection import Connection
from flowlog.broker.controller.records import MetadataRecord, PartitionRecord, RemoveTopicRecord
from flowlog.broker.coordinators import Coordinators
from flowlog.broker.handlers.context import Services
from flowlog.broker.handlers.registry import load_apis
from flowlog.broker.housekeeping import Housekeeping
from flowlog.broker.log_cleaner import LogCleaner
from flowlog.broker.node import Node
from flowlog.broker.replication.fetch_sessions import FetchSessions
from flowlog.broker.storage.files import Files
from flowlog.clock import Clock, SystemClock
from flowlog.errors import FlowlogError

logger = logging.getLogger(__name__)

DRAIN_SECONDS: Final = 5.0
BACKLOG: Final = 1024


class BrokerServer:
    """One broker in this process: `async with BrokerServer(config) as server: ...`.

    It serves from entering the context until leaving it. Runs on asyncio's event loop (uvloop
    where the caller installed it).
    """

    def __init__(
        self, config: BrokerConfig, *, clock: Clock | None = None, files: Files | None = None
    ) -> None:
        """`files` stands in for the operating system's, for tests of failing disks."""
        self.config = config
        self._files = files
        self._clock = clock or SystemClock()
        self._connections: set[Connection] = set()
        self._stack = AsyncExitStack()
        self._requests: set[asyncio.Task[None]] = set()
        self._connection_closed = anyio.Event()
        self._stopping = False

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            await self._start(stack)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._stack.aclose()

    @property
    def address(self) -> tuple[str, int]:
        """The host and port that it really listens on."""
        host, port = self._server.sockets[0].getsockname()[:2]
        return host, port

    @property
    def bootstrap(self) -> str:
        """The address for a client on this machine, as `host:port`."""
        host, port = self.address
        if host in ("0.0.0.0", "::"):
            host = "127.0.0.1"
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    @property
    def connection_count(self) -> int:
        return len(self._connections)

    async def _start(self, stack: AsyncExitStack) -> None:
        self._node = node = await Node.open(self.config, self._clock, files=self._files)
        stack.callback(node.close)
        stack.push_async_callback(node.group_commit.close)
        self._tasks: TaskGroup = await stack.enter_async_context(anyio.create_task_group())
        stack.callback(self._tasks.cancel_scope.cancel)
        topics = TopicAdmin(node.controller, self._topic_defaults())
        self._coordinators = Coordinators(self.config, node, topics, self._clock)
        services = self._services(node, topics, self._coordinators)
        node.controller.add_listener(self._on_metadata)
        self._server = await self._listen(
            lambda: Connection(
                services,
                spawn=self._spawn,
                on_open=self._on_open,
                on_close=self._on_close,
            )
        )
        stack.push_async_callback(self._stop_serving)
        await node.register(*self.address)
        self._tasks.start_soon(self._coordinators.run)
        self._tasks.start_soon(self._coordinators.load_all)
        housekeeping = Housekeeping(node, self._connections, self._clock)
        self._tasks.start_soon(housekeeping.run)
        if self.config.boolean("log.cleaner.enable"):
            self._tasks.start_soon(LogCleaner(node, self._clock).run)

    def _topic_defaults(self) -> TopicDefaults:
        return TopicDefaults(
            partition_count=self.config.integer("num.partitions"),
            replication_factor=self.config.integer("default.replication.factor"),
        )

    def _services(self, node: Node, topics: TopicAdmin, coordinators: Coordinators) -> Services:
        config = self.config
        return Services(
            config=config,
            clock=self._clock,
            node_id=node.node_id,
            directory_id=node.directory.directory_id,
            metadata=node.controller.image,
            controller=node.controller,
            partitions=node.partitions,
            producer_ids=node.producer_ids,
            topics=topics,
            configs=node.configs,
            features=FeatureAdmin(node.controller),
            quotas=QuotaAdmin(node.controller),
            groups=coordinators.groups,
            transactions=coordinators.transactions,
            markers=coordinators.markers,
            share_states=coordinators.share_states,
            shares=coordinators.shares,
            apis=load_apis(),
            fetch_sessions=FetchSessions(
                slots_max=config.integer("max.incremental.fetch.session.cache.slots"),
                clock=self._clock,
                draw_id=lambda: random.randrange(1, 2**31),
            ),
            fetch_max_bytes=config.integer("fetch.max.bytes"),
            transaction_gate=coordinators.transactions,
        )

    async def _listen(self, connection: Callable[[], Connection]) -> asyncio.Server:
        listener = self.config.listener
        _name_the_event_loop()
        try:
            return await asyncio.get_running_loop().create_server(
                connection, listener.host, listener.port, backlog=BACKLOG
            )
        except OSError as error:
            address = f"{listener.host}:{listener.port}"
            if error.errno == errno.EADDRINUSE:
                raise FlowlogError(
                    f"{address} is in use by another program",
                    code="ADDRESS_IN_USE",
                    hint="stop it, or listen on another port (0 takes a free one)",
                ) from None
            raise FlowlogError(f"cannot listen on {address}: {error}", code="LISTEN") from None

    def _spawn(self, function: Callable[[Any], Coroutine[Any, Any, None]], argument: Any) -> None:
        """Finish a request that waits: in a plain task, for a group's costs 15 microseconds more."""
        task = asyncio.get_running_loop().create_task(function(argument))
        self._requests.add(task)
        task.add_done_callback(self._on_request_done)

    def _on_request_done(self, task: asyncio.Task[None]) -> None:
        self._requests.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("a request was left unanswered", exc_info=error)

    def _on_open(self, connection: Connection) -> bool:
        if self._stopping or len(self._connections) >= self.config.integer("max.connections"):
            logger.warning("refusing %s: max.connections reached", connection.client.host)
            return False
        self._connections.add(connection)
        return True

    def _on_close(self, connection: Connection) -> None:
        self._connections.discard(connection)
        self._coordinators.shares.connection_lost(connection.client)
        self._connection_closed.set()

    async def _on_metadata(self, records: Sequence[MetadataRecord]) -> None:
        await self._node.partitions.on_metadata(records)
        image = self._node.controller.image
        for record in records:
            match record:
                case PartitionRecord(topic_id=topic_id, partition=index):
                    await self._coordinators.load(image.topic_name(topic_id), index)
                case RemoveTopicRecord(name=name, topic_id=topic_id):
                    self._coordinators.topic_removed(name)
                    self._tasks.start_soon(self._coordinators.topic_deleted, name, topic_id)

    async def _stop_serving(self) -> None:
        """Stop listening, let requests in hand be answered, then close every connection."""
        self._stopping = True
        self._server.close()
        self._coordinators.shutdown()
        for partition in self._node.partitions:
            partition.wake_all()
        for connection in tuple(self._connections):
            connection.drain()
        with anyio.move_on_after(DRAIN_SECONDS, shield=True):
            while self._connections:
                await self._connection_closed.wait()
                self._connection_closed = anyio.Event()
        for connection in tuple(self._connections):
            connection.abort()
        for task in self._requests:
            task.cancel()
        await asyncio.gather(*self._requests, return_exceptions=True)


def _name_the_event_loop() -> None:
    """Let anyio know its event loop in the connections' callbacks, which run outside any task.

    Where sniffio is installed anyio asks it, and it knows only tasks, unless it was told;
    `anyio.run` tells it, `asyncio.run` does not. Callbacks inherit this context.
    """
    try:
        import sniffio
    except ImportError:
        return
    sniffio.current_async_library_cvar.set("asyncio")
