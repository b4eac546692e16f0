"""librdkafka's consumer as a member: a client that nobody here wrote."""

from __future__ import annotations

import threading
from typing import Any

import confluent_kafka as ck
from anyio import CapacityLimiter, Event, to_thread

from tests.e2e.group_churn.member import Group

_POLL_S = 0.1


class ConfluentMember:
    """Polls in a thread, and notes what it is told of its partitions. It leaves and never dies."""

    def __init__(self, group: Group, name: str, settings: dict[str, Any]) -> None:
        self.group = group
        self.name = name
        self._settings = settings
        self._leaves = threading.Event()
        self._ended = Event()
        self._owned: set[int] = set()

    async def run(self) -> None:
        await to_thread.run_sync(self._work, limiter=CapacityLimiter(1))
        self._ended.set()

    async def leave(self) -> None:
        self._leaves.set()
        await self._ended.wait()

    async def die(self) -> None:
        raise NotImplementedError("a thread cannot be killed")

    def _work(self) -> None:
        consumer = ck.Consumer(
            {
                "bootstrap.servers": self.group.bootstrap,
                "group.id": self.group.name,
                "enable.auto.commit": False,
                "log_level": 0,
                **self._settings,
            }
        )
        self.group.ledger.joined(self.name)
        consumer.subscribe(
            [self.group.topic],
            on_assign=self._on_assign,
            on_revoke=self._on_revoke,
            on_lost=self._on_revoke,
        )
        while not self._leaves.is_set():
            consumer.poll(_POLL_S)
        consumer.close()
        self.group.ledger.gone(self.name)

    def _on_assign(self, consumer: Any, partitions: list[Any]) -> None:
        self._owned |= {p.partition for p in partitions}
        self.group.ledger.owns(self.name, self._owned)

    def _on_revoke(self, consumer: Any, partitions: list[Any]) -> None:
        self._owned -= {p.partition for p in partitions}
        self.group.ledger.owns(self.name, self._owned)


def classic_consumer(group: Group, name: str) -> ConfluentMember:
    settings = {
        "session.timeout.ms": group.session_timeout_ms,
        "heartbeat.interval.ms": round(group.heartbeat_s * 1000),
        "partition.assignment.strategy": "cooperative-sticky",
    }
    return ConfluentMember(group, name, settings)


def new_consumer(group: Group, name: str) -> ConfluentMember:
    return ConfluentMember(group, name, {"group.protocol": "consumer"})
