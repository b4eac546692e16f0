"""Compaction as users see it: a topic keeps each key's last value, while clients go on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import confluent_kafka as ck
import pytest
from confluent_kafka.admin import AdminClient, NewTopic

from flowlog.testing.broker_process import BrokerProcess
from tests.e2e.waiting import wait_until

KEYS = 20
UPDATES = 4_000
CONFIGS = {
    "cleanup.policy": "compact",
    "segment.bytes": "20000",
    "min.cleanable.dirty.ratio": "0.01",
    "delete.retention.ms": "60000",
}


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[BrokerProcess]:
    properties = {
        "log.cleaner.backoff.ms": "100",
        "offsets.topic.num.partitions": "1",
        "offsets.topic.segment.bytes": "20000",
        "group.initial.rebalance.delay.ms": "0",
    }
    with BrokerProcess(tmp_path, properties) as broker:
        yield broker


def make_topic(broker: BrokerProcess, name: str, **configs: str) -> None:
    admin = AdminClient({"bootstrap.servers": broker.bootstrap})
    topic = NewTopic(name, 1, 1, config={**CONFIGS, **configs})
    admin.create_topics([topic])[name].result(30)


def produce(
    broker: BrokerProcess, topic: str, rows: list[tuple[str, str | None]], **more: str
) -> None:
    producer = ck.Producer(
        {"bootstrap.servers": broker.bootstrap, "batch.num.messages": 50, **more}
    )
    for key, value in rows:
        producer.produce(topic, key=key, value=value)
    assert producer.flush(30) == 0


def read_all(broker: BrokerProcess, topic: str) -> list[ck.Message]:
    consumer = ck.Consumer(
        {"bootstrap.servers": broker.bootstrap, "group.id": "r", "enable.partition.eof": True}
    )
    try:
        consumer.assign([ck.TopicPartition(topic, 0, 0)])
        messages: list[ck.Message] = []
        while True:
            message = consumer.poll(30)
            assert message is not None
            if message.error():
                assert message.error().code() == ck.KafkaError._PARTITION_EOF, message.error()
                return messages
            messages.append(message)
    finally:
        consumer.close()


def compacted(broker: BrokerProcess, name: str) -> bool:
    return any(f"compacted {name}" in line for line in broker.lines)


@pytest.mark.parametrize("codec", ["none", "zstd"])
def test_each_key_keeps_its_last_value_at_its_offset(broker: BrokerProcess, codec: str) -> None:
    make_topic(broker, "table")
    rows = [(f"key-{i % KEYS}", f"value-{i}") for i in range(UPDATES)]
    rows += [("key-0", None), ("key-1", None)]
    produce(broker, "table", rows, **{"compression.type": codec})
    last = {key: (offset, value) for offset, (key, value) in enumerate(rows)}
    wait_until(lambda: compacted(broker, "table-0"), what="compacted")

    messages = read_all(broker, "table")

    offsets = [message.offset() for message in messages]
    assert offsets == sorted(set(offsets))
    assert len(messages) < UPDATES
    found = {m.key().decode(): (m.offset(), m.value() and m.value().decode()) for m in messages}
    assert found == last
    assert all(rows[m.offset()][0] == m.key().decode() for m in messages)


def test_it_goes_on_over_a_kill(broker: BrokerProcess) -> None:
    make_topic(broker, "table")
    rows = [(f"key-{i % KEYS}", f"value-{i}") for i in range(UPDATES)]
    produce(broker, "table", rows)
    wait_until(lambda: compacted(broker, "table-0"), what="compacted")
    broker.kill()
    broker.start()

    more = [(f"key-{i % KEYS}", f"value-{UPDATES + i}") for i in range(UPDATES)]
    produce(broker, "table", more)
    found = {m.key(): m.value() for m in read_all(broker, "table")}

    assert found == {key.encode(): str(value).encode() for key, value in more}


def test_a_topic_with_deletion_alone_keeps_all(broker: BrokerProcess) -> None:
    make_topic(broker, "table")
    make_topic(broker, "events", **{"cleanup.policy": "delete"})
    rows: list[tuple[str, str | None]] = [("key", f"value-{i}") for i in range(UPDATES)]
    produce(broker, "events", rows)
    produce(broker, "table", rows)
    wait_until(lambda: compacted(broker, "table-0"), what="compacted")

    assert len(read_all(broker, "events")) == UPDATES


def test_committed_offsets_are_compacted_and_kept(broker: BrokerProcess) -> None:
    make_topic(broker, "table")
    consumer = ck.Consumer(
        {"bootstrap.servers": broker.bootstrap, "group.id": "g", "enable.auto.commit": False}
    )
    try:
        for offset in range(1_000):
            position = ck.TopicPartition("table", 0, offset)
            consumer.commit(offsets=[position], asynchronous=False)
        wait_until(lambda: compacted(broker, "__consumer_offsets-0"), what="compacted")
    finally:
        consumer.close()
    broker.kill()
    broker.start()

    reader = ck.Consumer({"bootstrap.servers": broker.bootstrap, "group.id": "g"})
    try:
        (committed,) = reader.committed([ck.TopicPartition("table", 0)], timeout=30)
    finally:
        reader.close()
    assert committed.offset == 999
