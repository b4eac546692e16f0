"""`Coordinators`: those of groups, transactions and share groups' states, each over its own topic.

They come with the partitions of their topics, and go with the broker.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol
from uuid import UUID

import anyio

from flowlog.broker.admin.topics import (
    OFFSETS_TOPIC,
    SHARE_STATE_TOPIC,
    TRANSACTIONS_TOPIC,
    TopicAdmin,
)
from flowlog.broker.config.broker_config import BrokerConfig
from flowlog.broker.group_service import (
    GroupSettingsCache,
    ImageTopics,
    group_config,
    open_offsets_log,
)
from flowlog.broker.groups.coordinator import GroupCoordinator
from flowlog.broker.node import Node
from flowlog.broker.share_service import share_partitions, share_state_coordinator
from flowlog.broker.transaction_service import (
    BrokerMarkers,
    coordinator_epoch,
    open_transactions_log,
    transaction_config,
    transaction_version,
)
from flowlog.broker.transactions.coordinator import TransactionCoordinator
from flowlog.clock import Clock


class Coordinator(Protocol):
    """What they have in common."""

    async def run(self) -> None: ...

    async def load(self, partition: int) -> None: ...

    def shutdown(self) -> None: ...


class Coordinators:
    """Every coordinator of this broker; `run` is their background task."""

    def __init__(self, config: BrokerConfig, node: Node, topics: TopicAdmin, clock: Clock) -> None:
        image, partitions = node.controller.image, node.partitions
        self._partitions = partitions
        self.share_states = share_state_coordinator(config, image, partitions, topics, clock)
        self.shares = share_partitions(
            config, image, partitions, node.configs, self.share_states, clock
        )
        self.groups = GroupCoordinator(
            group_config(config, image),
            clock,
            open_offsets_log(partitions, clock),
            topics=ImageTopics(image),
            settings=GroupSettingsCache(image, node.configs),
            share_persister=self.share_states,
            on_share_member_lost=self.shares.member_lost,
        )
        self.markers = BrokerMarkers(image, partitions, self.groups, clock)
        self.transactions = TransactionCoordinator(
            transaction_config(config, image),
            clock,
            open_transactions_log(partitions, clock),
            producer_ids=node.producer_ids,
            markers=self.markers,
            server_version=transaction_version(image),
            coordinator_epoch=coordinator_epoch(partitions),
        )
        # In the order of loading: transactions that were ending have markers for groups.
        self._by_topic: Mapping[str, Coordinator] = {
            SHARE_STATE_TOPIC: self.share_states,
            OFFSETS_TOPIC: self.groups,
            TRANSACTIONS_TOPIC: self.transactions,
        }

    async def run(self) -> None:
        """Serve timers and commits until cancelled."""
        async with anyio.create_task_group() as tasks:
            for coordinator in self._by_topic.values():
                tasks.start_soon(coordinator.run)
            tasks.start_soon(self.shares.run)

    async def load_all(self) -> None:
        """Take over every partition that there is."""
        for topic, coordinator in self._by_topic.items():
            for index in tuple(self._partitions.of_topic(topic)):
                await coordinator.load(index)

    async def load(self, topic: str | None, index: int) -> None:
        """Take over a new partition, if it is of a coordinator's topic."""
        coordinator = self._by_topic.get(topic or "")
        if coordinator is not None:
            await coordinator.load(index)

    def topic_removed(self, topic: str) -> None:
        """Give up a coordinator whose topic is gone; a new topic of that name brings it back."""
        coordinator = self._by_topic.get(topic)
        if coordinator is not None:
            coordinator.shutdown()

    async def topic_deleted(self, topic: str, topic_id: UUID) -> None:
        """Forget what groups knew of a topic that is gone."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self.groups.topic_deleted, topic, topic_id)
            tasks.start_soon(self.share_states.topic_deleted, topic_id)

    def shutdown(self) -> None:
        """Give up all partitions, so that no connection is kept open by a parked request."""
        self.shares.shutdown()
        for coordinator in (self.groups, self.transactions, self.share_states):
            coordinator.shutdown()
