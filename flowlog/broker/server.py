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
from flowlog.broker.admin.topics import (
    OFFSETS_TOPIC,
    TRANSACTIONS_TOPIC,
    TopicAdmin,
    TopicDefaults,
)
from flowlog.broker.config.broker_config import BrokerConfig
from flowlog.broker.connection import Connection
from flowlog.broker.controller.records import MetadataRecord, PartitionRecord, RemoveTopicRecord
from flowlog.broker.group_service import (
    GroupSettingsCache,
    ImageTopics,
    group_config,
    open_offsets_log,
)
from flowlog.broker.groups.coordinator import GroupCoordinator
from flowlog.broker.handlers.context import Services
from flowlog.broker.handlers.registry import load_apis
from flowlog.broker.housekeeping import Housekeeping
from flowlog.broker.log_cleaner import LogCleaner
from flowlog.broker.node import Node
from flowlog.broker.replication.fetch_sessions import FetchSessions
from flowlog.broker.storage.files import Files
from flowlog.broker.transaction_service import (
    BrokerMarkers,
    coordinator_epoch,
    open_transactions_log,
    transaction_config,
    transaction_version,
)
from flowlog.broker.transactions.coordinator import TransactionCoordinator
from flowlog.broker.transactions.markers import MarkerPort
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
        groups = GroupCoordinator(
            group_config(self.config, node.controller.image),
            self._clock,
            open_offsets_log(node.partitions, self._clock),
            topics=ImageTopics(node.controller.image),
            settings=GroupSettingsCache(node.controller.image, node.configs),
        )
        image = node.controller.image
        markers = BrokerMarkers(image, node.partitions, groups, self._clock)
        transactions = TransactionCoordinator(
            transaction_config(self.config, image),
            self._clock,
            open_transactions_log(node.partitions, self._clock),
            producer_ids=node.producer_ids,
            markers=markers,
            server_version=transaction_version(image),
            coordinator_epoch=coordinator_epoch(node.partitions),
        )
        services = self._services(node, groups, transactions, markers)
        self._groups = groups
        self._transactions = transactions
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
        self._tasks.start_soon(groups.run)
        self._tasks.start_soon(transactions.run)
        self._tasks.start_soon(self._load_coordinators)
        housekeeping = Housekeeping(node, self._connections, self._clock)
        self._tasks.start_soon(housekeeping.run)
        if self.config.boolean("log.cleaner.enable"):
            self._tasks.start_soon(LogCleaner(node, self._clock).run)

    def _services(
        self,
        node: Node,
        groups: GroupCoordinator,
        transactions: TransactionCoordinator,
        markers: MarkerPort,
    ) -> Services:
        config = self.config
        defaults = TopicDefaults(
            partition_count=config.integer("num.partitions"),
            replication_factor=config.integer("default.replication.factor"),
        )
        return Services(
            config=config,
            clock=self._clock,
            node_id=node.node_id,
            directory_id=node.directory.directory_id,
            metadata=node.controller.image,
            controller=node.controller,
            partitions=node.partitions,
            producer_ids=node.producer_ids,
            topics=TopicAdmin(node.controller, defaults),
            configs=node.configs,
            features=FeatureAdmin(node.controller),
            quotas=QuotaAdmin(node.controller),
            groups=groups,
            transactions=transactions,
            markers=markers,
            apis=load_apis(),
            fetch_sessions=FetchSessions(
                slots_max=config.integer("max.incremental.fetch.session.cache.slots"),
                clock=self._clock,
                draw_id=lambda: random.randrange(1, 2**31),
            ),
            fetch_max_bytes=config.integer("fetch.max.bytes"),
            transaction_gate=transactions,
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
        self._connection_closed.set()

    async def _on_metadata(self, records: Sequence[MetadataRecord]) -> None:
        await self._node.partitions.on_metadata(records)
        image = self._node.controller.image
        for record in records:
            match record:
                case PartitionRecord(topic_id=topic_id, partition=index):
                    name = image.topic_name(topic_id)
                    if name == OFFSETS_TOPIC:
                        await self._groups.load(index)
                    elif name == TRANSACTIONS_TOPIC:
                        await self._transactions.load(index)
                case RemoveTopicRecord(name=name, topic_id=topic_id):
                    self._tasks.start_soon(self._groups.topic_deleted, name, topic_id)

    async def _load_coordinators(self) -> None:
        """Groups first: transactions that were ending have markers for them."""
        partitions = self._node.partitions
        for index in tuple(partitions.of_topic(OFFSETS_TOPIC)):
            await self._groups.load(index)
        for index in tuple(partitions.of_topic(TRANSACTIONS_TOPIC)):
            await self._transactions.load(index)

    async def _stop_serving(self) -> None:
        """Stop listening, let requests in hand be answered, then close every connection."""
        self._stopping = True
        self._server.close()
        self._groups.shutdown()
        self._transactions.shutdown()
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
