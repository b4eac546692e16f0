"""Topics of a run: made, filled with the events, watched, read back."""

from __future__ import annotations

import time
from collections.abc import Iterable

import confluent_kafka as ck
from confluent_kafka.admin import AdminClient, NewTopic

from benchmarks.streams.events import PARTITION_COUNT, Event

_READ_S = 60.0
_COORDINATOR_S = 30.0


def create_topics(bootstrap: str, source: str, target: str) -> None:
    """The input keeps everything; the output notes when the broker appended each record."""
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
    append_time = {"message.timestamp.type": "LogAppendTime"}
    # The events lie in the past: without this they would be old enough to be deleted.
    kept = {"retention.ms": "-1"}
    new = [
        NewTopic(source, PARTITION_COUNT, 1, config=kept),
        NewTopic(target, PARTITION_COUNT, 1, config=append_time),
    ]
    for future in admin.create_topics(new).values():
        future.result(30)


def publish(bootstrap: str, topic: str, events: Iterable[Event]) -> int:
    """Write the events; return how many records that made."""
    producer = ck.Producer({"bootstrap.servers": bootstrap, "linger.ms": 20})
    total = 0
    for event in events:
        while True:
            try:
                producer.produce(
                    topic,
                    key=event.user,
                    value=event.encoded(),
                    timestamp=event.at_ms,
                    partition=event.partition,
                )
                break
            except BufferError:
                producer.poll(0.1)
        total += 1
    if producer.flush(60):
        raise TimeoutError("the events were not acknowledged within a minute")
    return total


def committed_count(bootstrap: str, group: str, topic: str) -> int:
    """The sum of the offsets that a group has committed."""
    consumer = ck.Consumer({"bootstrap.servers": bootstrap, "group.id": group, "log_level": 0})
    partitions = [ck.TopicPartition(topic, p) for p in range(PARTITION_COUNT)]
    try:
        return sum(max(0, p.offset) for p in consumer.committed(partitions, timeout=30))
    finally:
        consumer.close()


def wait_coordinator(bootstrap: str, group: str, topic: str) -> None:
    """Return once the group has a coordinator.

    A new Apache Kafka makes its offsets topic only now, and a librdkafka admin client that asks
    meanwhile crashes its process (confluentinc/librdkafka#5040).
    """
    deadline = time.monotonic() + _COORDINATOR_S
    while True:
        try:
            committed_count(bootstrap, group, topic)
            return
        except ck.KafkaException:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def read_all(bootstrap: str, topic: str) -> tuple[list[tuple[bytes, bytes]], float]:
    """Every answer's key and value, and when the last one was appended, in s since 1970."""
    consumer = ck.Consumer({"bootstrap.servers": bootstrap, "group.id": "reader", "log_level": 0})
    records: list[tuple[bytes, bytes]] = []
    last_ms = 0
    try:
        positions = [ck.TopicPartition(topic, p, 0) for p in range(PARTITION_COUNT)]
        total = sum(consumer.get_watermark_offsets(p, timeout=30)[1] for p in positions)
        consumer.assign(positions)
        deadline = time.monotonic() + _READ_S
        while len(records) < total:
            if time.monotonic() > deadline:
                raise TimeoutError(f"read {len(records)} of {total} answers")
            for message in consumer.consume(10_000, 0.1):  # It waits for the last one in full.
                records.append((message.key(), message.value()))
                last_ms = max(last_ms, message.timestamp()[1])
    finally:
        consumer.close()
    return records, last_ms / 1000
