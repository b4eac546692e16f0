"""KafkaJS: the protocol in JavaScript, in a Node process behind `kafkajs/bridge.js`."""

from __future__ import annotations

from typing import ClassVar

from tests.e2e.clients.bridge import Bridge
from tests.e2e.clients.driver import DriverClient
from tests.e2e.clients.model import INCREMENTAL_CONFIGS, NEW_GROUPS, NULL_HEADERS, STATIC_MEMBERS
from tests.e2e.clients.node import PROGRAMS, node_environment


class KafkaJsClient(DriverClient):
    """Behaviours over `kafka.producer()`, `kafka.consumer()` and `kafka.admin()`."""

    name: ClassVar[str] = "kafkajs"
    lacks: ClassVar[frozenset[str]] = frozenset(
        {INCREMENTAL_CONFIGS, NEW_GROUPS, NULL_HEADERS, STATIC_MEMBERS}
    )

    def __init__(self, bootstrap: str) -> None:
        command = ["node", str(PROGRAMS / "bridge.js"), bootstrap]
        super().__init__(Bridge(command, node_environment()))

    def offsets_for_time(self, topic: str, timestamp_ms: int) -> dict[int, int | None]:
        """KafkaJS answers with the end offset where no record is that young."""
        ends = self.end_offsets(topic)
        found = super().offsets_for_time(topic, timestamp_ms)
        return {
            partition: None if offset is None or offset >= ends[partition] else offset
            for partition, offset in found.items()
        }
