"""The clients of `flowlog bench`, over confluent-kafka: settings as current clients have them.

Python has its share in what they measure: one to four microseconds a record.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flowlog.client.cluster import Cluster, config_error

Report = Callable[[str], None]
"""Takes a line about how it goes."""


def bench_producer(cluster: Cluster, on_delivery: Callable[[Any, Any], None], **own: Any) -> Any:
    """A producer; `own` settings go over the usual ones, the user's over all. Raises ConfigError."""
    from confluent_kafka import KafkaException, Producer

    settings = {
        "linger.ms": 5,
        "queue.buffering.max.kbytes": 32 * 1024,  # As much as a Java producer's buffer.memory.
        "delivery.timeout.ms": max(1000, int(cluster.timeout_s * 1000)),
        "allow.auto.create.topics": False,
        "on_delivery": on_delivery,
        **own,
    }
    if "acks" not in {*cluster.settings.properties, *own}:
        settings["enable.idempotence"] = True  # As every current client has it.
    try:
        return Producer(cluster.settings.librdkafka(settings))
    except KafkaException as error:
        raise config_error(error) from None


def bench_consumer(cluster: Cluster, *, group: str | None, from_latest: bool) -> Any:
    """A consumer; without a group it commits nothing. Raises ConfigError."""
    from confluent_kafka import Consumer, KafkaException

    settings = {
        "group.id": group or "flowlog-bench",
        "enable.auto.commit": group is not None,
        "auto.offset.reset": "latest" if from_latest else "earliest",
        "allow.auto.create.topics": False,
        # With 100,000 records waiting librdkafka would fetch no more for a whole second.
        "fetch.queue.backoff.ms": 10,
    }
    try:
        return Consumer(cluster.settings.librdkafka(settings))
    except KafkaException as error:
        raise config_error(error) from None
