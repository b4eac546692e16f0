"""Reading a topic to its end, as readers of committed records or of everything do."""

from __future__ import annotations

import time
from typing import Final

import confluent_kafka as ck

from tests.e2e.kill.load import client_settings

READ_S: Final = 60.0


class NoEndError(Exception):
    """A partition has no end for its readers: something holds them back, or nobody answers."""


def read_topic(
    bootstrap: str, topic: str, partition_count: int, isolation: str = "read_committed"
) -> dict[int, list[bytes]]:
    """The values of each partition, in order. Raises `NoEndError`."""
    settings = {**client_settings(bootstrap), "group.id": "auditor"}
    settings |= {"isolation.level": isolation, "enable.partition.eof": True}
    consumer = ck.Consumer(settings)
    found: dict[int, list[bytes]] = {p: [] for p in range(partition_count)}
    unread = set(found)
    try:
        consumer.assign([ck.TopicPartition(topic, p, 0) for p in found])
        deadline = time.monotonic() + READ_S
        while unread:
            if time.monotonic() > deadline:
                raise NoEndError(f"partitions {unread} of {topic} have no end")
            for message in consumer.consume(10_000, 0.1):
                if message.error() is None:
                    found[message.partition()].append(message.value())
                elif message.error().code() == ck.KafkaError._PARTITION_EOF:
                    unread.discard(message.partition())
    finally:
        consumer.close()
    return found
