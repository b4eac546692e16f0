"""Many topics and partitions, and groups that are new."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from statistics import median
from uuid import uuid4

import confluent_kafka as ck

from benchmarks.loads.load import Load, Part, Size
from benchmarks.loads.topics import (
    create_topics,
    delete_topics,
    expect_records,
    fresh_topic,
    wait_led,
)
from benchmarks.measured import Measured
from benchmarks.servers import Server

AREA = "many topics, new groups"
TOPIC_PARTITIONS = 2
_POLL_S = 30.0


def spread() -> Load:
    """Make many topics with one request, then send each record to another partition."""

    def run(server: Server, size: Size) -> Iterator[Part]:
        prefix = f"spread-{uuid4().hex[:8]}"
        topics = [f"{prefix}-{number}" for number in range(size.topics)]
        count = size.topics * TOPIC_PARTITIONS
        started = time.perf_counter()
        create_topics(server, topics, TOPIC_PARTITIONS)
        created = Measured(1, time.perf_counter() - started)
        yield Part(f"create {size.topics} topics of {TOPIC_PARTITIONS} partitions", "s", created)
        wait_led(server, topics)
        first = _produce(server, topics, size.records_each)
        expect_records(server, topics, first.count)
        yield Part(f"produce 100 B spread over those {count} partitions, the first", "rec/s", first)
        more = _produce(server, topics, size.records_each)
        expect_records(server, topics, first.count + more.count)
        yield Part(f"produce 100 B spread over those {count} partitions, more", "rec/s", more)
        delete_topics(server, topics)

    return Load(AREA, "", run)


def _produce(server: Server, topics: Sequence[str], records_each: int) -> Measured:
    """Round the topics and partitions, one record at a time; librdkafka's own batching, acks=all."""
    producer = ck.Producer({"bootstrap.servers": f"127.0.0.1:{server.port}", "log_level": 0})
    producer.list_topics(timeout=_POLL_S)
    value = b"x" * 100
    started = time.perf_counter()
    for _ in range(records_each):
        for partition in range(TOPIC_PARTITIONS):
            for topic in topics:
                producer.produce(topic, value, partition=partition)
            producer.poll(0)
    if left := producer.flush(120):
        raise TimeoutError(f"{left} records were not acknowledged")
    total = records_each * TOPIC_PARTITIONS * len(topics)
    return Measured(total, time.perf_counter() - started)


def first_record() -> Load:
    """From making a consumer to its first record, in a group that nobody knows."""

    def run(server: Server, size: Size) -> Iterator[Part]:
        with fresh_topic(server) as topic:
            producer = ck.Producer({"bootstrap.servers": f"127.0.0.1:{server.port}"})
            producer.produce(topic, b"value")
            producer.flush(_POLL_S)
            _read_first(server, topic, "classic")  # Makes the offsets topic where there is none.
            for protocol in ("classic", "consumer"):
                waits_s = [_read_first(server, topic, protocol) for _ in range(size.groups)]
                name = f"new group, {protocol} protocol"
                yield Part(name, "s", Measured(1, median(waits_s)))

    return Load(AREA, "first record", run)


def _read_first(server: Server, topic: str, protocol: str) -> float:
    started = time.perf_counter()
    consumer = ck.Consumer(
        {
            "bootstrap.servers": f"127.0.0.1:{server.port}",
            "group.id": f"group-{uuid4().hex[:8]}",
            "group.protocol": protocol,
            "auto.offset.reset": "earliest",
            "log_level": 0,
        }
    )
    try:
        consumer.subscribe([topic])
        message = consumer.poll(_POLL_S)
        if message is None or message.error():
            raise RuntimeError(f"the first record did not come: {message}")
        return time.perf_counter() - started
    finally:
        consumer.close()
