"""confluent-kafka beyond what all libraries do: cooperative groups, many records, its own errors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any
from uuid import uuid4

import confluent_kafka as ck
import pytest
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ConfigSource,
    OffsetSpec,
)

from tests.e2e.conftest import AnyBroker
from tests.e2e.waiting import DEADLINE_S, wait_until

TopicFactory = Callable[..., str]


@pytest.fixture
def admin(flowlog_broker: AnyBroker) -> AdminClient:
    return AdminClient({"bootstrap.servers": flowlog_broker.bootstrap})


@pytest.fixture
def consumers(flowlog_broker: AnyBroker) -> Iterator[Callable[..., Any]]:
    made: list[Any] = []

    def make(**settings: object) -> Any:
        consumer = ck.Consumer(
            {
                "bootstrap.servers": flowlog_broker.bootstrap,
                "group.id": f"group-{uuid4().hex[:12]}",
                "auto.offset.reset": "earliest",
                "heartbeat.interval.ms": 300,
                **{name.replace("_", "."): value for name, value in settings.items()},
            }
        )
        made.append(consumer)
        return consumer

    yield make
    for consumer in made:
        consumer.close()


def test_a_hundred_thousand_records_are_written_once_and_in_order(
    flowlog_broker: AnyBroker, flowlog_topic: TopicFactory, consumers: Callable[..., Any]
) -> None:
    topic = flowlog_topic(partitions=4)
    count = 100_000
    producer = ck.Producer(
        {
            "bootstrap.servers": flowlog_broker.bootstrap,
            "enable.idempotence": True,
            "compression.type": "lz4",
            "queue.buffering.max.messages": count,
        }
    )
    for number in range(count):
        producer.produce(topic, value=str(number), partition=number % 4)
    assert producer.flush(DEADLINE_S) == 0

    consumer = consumers()
    consumer.assign([ck.TopicPartition(topic, p, 0) for p in range(4)])
    last = {p: p - 4 for p in range(4)}
    for _ in range(count):
        for message in consumer.consume(10_000, 5.0):
            number = int(message.value())
            assert number == last[message.partition()] + 4
            last[message.partition()] = number
        if sum(last.values()) == sum(range(count - 4, count)):
            break
    assert sorted(last.values()) == list(range(count - 4, count))


def test_a_cooperative_group_keeps_what_a_member_need_not_give_up(
    flowlog_topic: TopicFactory, consumers: Callable[..., Any]
) -> None:
    topic = flowlog_topic(partitions=4)
    settings = {
        "group_id": f"cooperative-{topic}",
        "partition_assignment_strategy": "cooperative-sticky",
    }
    revoked: list[int] = []
    first, second = consumers(**settings), consumers(**settings)
    first.subscribe([topic], on_revoke=lambda _, ps: revoked.extend(p.partition for p in ps))
    _poll_until([first], lambda: len(first.assignment()) == 4)

    second.subscribe([topic])
    _poll_until([first, second], lambda: [len(c.assignment()) for c in (first, second)] == [2, 2])

    assert len(revoked) == 2
    assert set(revoked) == {p.partition for p in second.assignment()}


def test_pausing_and_seeking_back_read_the_same_records_again(
    flowlog_broker: AnyBroker, flowlog_topic: TopicFactory, consumers: Callable[..., Any]
) -> None:
    topic = flowlog_topic()
    _produce(flowlog_broker, topic, 10)
    consumer = consumers()
    consumer.assign([ck.TopicPartition(topic, 0, 0)])
    first = [m.offset() for m in consumer.consume(10, DEADLINE_S)]

    consumer.pause([ck.TopicPartition(topic, 0)])
    consumer.seek(ck.TopicPartition(topic, 0, 4))
    assert consumer.consume(1, 0.3) == []
    consumer.resume([ck.TopicPartition(topic, 0)])
    again = [m.offset() for m in consumer.consume(6, DEADLINE_S)]

    assert first == list(range(10))
    assert again == list(range(4, 10))


def test_an_offset_outside_the_log_is_reset_or_reported_as_configured(
    flowlog_broker: AnyBroker, flowlog_topic: TopicFactory, consumers: Callable[..., Any]
) -> None:
    topic = flowlog_topic()
    _produce(flowlog_broker, topic, 3)
    outside = ck.TopicPartition(topic, 0, 1_000)

    resets = consumers()
    resets.assign([outside])
    reports = consumers(auto_offset_reset="error")
    reports.assign([outside])

    assert [m.offset() for m in resets.consume(3, DEADLINE_S)] == [0, 1, 2]
    [message] = reports.consume(1, DEADLINE_S)
    assert message.error().code() == ck.KafkaError._AUTO_OFFSET_RESET


def test_an_unknown_topic_is_reported_where_creation_is_not_asked_for(
    consumers: Callable[..., Any],
) -> None:
    consumer = consumers(allow_auto_create_topics=False, topic_metadata_propagation_max_ms=500)
    consumer.subscribe([f"nowhere-{uuid4().hex}"])

    [message] = consumer.consume(1, DEADLINE_S)

    assert message.error().code() == ck.KafkaError.UNKNOWN_TOPIC_OR_PART


def test_the_newest_timestamp_of_a_log_is_found(
    flowlog_broker: AnyBroker, flowlog_topic: TopicFactory, admin: AdminClient
) -> None:
    topic = flowlog_topic()
    producer = ck.Producer({"bootstrap.servers": flowlog_broker.bootstrap})
    for at_ms in (1_700_000_000_000, 1_700_000_009_000, 1_700_000_004_000):
        producer.produce(topic, value="v", timestamp=at_ms, partition=0)
        assert producer.flush(DEADLINE_S) == 0

    partition = ck.TopicPartition(topic, 0)
    found = admin.list_offsets({partition: OffsetSpec.max_timestamp()})[partition].result(10)

    assert (found.offset, found.timestamp) == (1, 1_700_000_009_000)


def test_the_topic_id_is_shown_and_changes_with_the_topic(admin: AdminClient) -> None:
    name = f"ids-{uuid4().hex[:12]}"

    def topic_id() -> str:
        found = admin.describe_topics(ck.TopicCollection([name]))[name].result(10)
        return str(found.topic_id)

    admin.create_topics([ck.admin.NewTopic(name, 1, 1)])[name].result(10)
    wait_until(lambda: name in admin.list_topics(timeout=10).topics, what="created")
    first = topic_id()
    admin.delete_topics([name])[name].result(10)
    wait_until(lambda: name not in admin.list_topics(timeout=10).topics, what="deleted")
    admin.create_topics([ck.admin.NewTopic(name, 1, 1)])[name].result(10)
    wait_until(lambda: name in admin.list_topics(timeout=10).topics, what="created again")

    assert first != topic_id()


def test_a_config_says_where_it_comes_from_and_falls_back_when_deleted(
    flowlog_topic: TopicFactory, admin: AdminClient
) -> None:
    topic = flowlog_topic(**{"retention.ms": "4000000"})
    resource = ConfigResource(ConfigResource.Type.TOPIC, topic)

    def retention() -> Any:
        return admin.describe_configs([resource])[resource].result(10)["retention.ms"]

    assert (retention().value, retention().source) == (
        "4000000",
        ConfigSource.DYNAMIC_TOPIC_CONFIG.value,
    )
    reset = ConfigEntry("retention.ms", None, incremental_operation=AlterConfigOpType.DELETE)
    target = ConfigResource(ConfigResource.Type.TOPIC, topic, incremental_configs=[reset])
    admin.incremental_alter_configs([target])[target].result(10)

    wait_until(lambda: retention().source != ConfigSource.DYNAMIC_TOPIC_CONFIG.value, what="reset")


def test_the_cluster_describes_itself(flowlog_broker: AnyBroker, admin: AdminClient) -> None:
    found = admin.describe_cluster().result(10)

    assert found.cluster_id
    assert f"{found.nodes[0].host}:{found.nodes[0].port}" == flowlog_broker.bootstrap
    assert found.controller is not None


def test_offsets_of_a_group_can_be_altered_from_outside(
    flowlog_topic: TopicFactory, admin: AdminClient
) -> None:
    topic = flowlog_topic(partitions=2)
    group = f"altered-{topic}"
    wanted = [ck.TopicPartition(topic, 0, 3), ck.TopicPartition(topic, 1, 8)]

    request = ck.ConsumerGroupTopicPartitions(group, wanted)
    admin.alter_consumer_group_offsets([request])[group].result(10)
    everything = ck.ConsumerGroupTopicPartitions(group)
    found = admin.list_consumer_group_offsets([everything])[group].result(10)

    assert {p.partition: p.offset for p in found.topic_partitions} == {0: 3, 1: 8}


def test_closing_commits_what_was_read(
    flowlog_broker: AnyBroker, flowlog_topic: TopicFactory
) -> None:
    topic = flowlog_topic()
    _produce(flowlog_broker, topic, 5)
    settings = {
        "bootstrap.servers": flowlog_broker.bootstrap,
        "group.id": f"auto-{topic}",
        "auto.offset.reset": "earliest",
    }
    with closing(ck.Consumer(settings)) as first:
        first.subscribe([topic])
        assert len(first.consume(5, DEADLINE_S)) == 5
    with closing(ck.Consumer(settings)) as second:
        [committed] = second.committed([ck.TopicPartition(topic, 0)], timeout=10)

    assert committed.offset == 5


def _produce(broker: AnyBroker, topic: str, count: int) -> None:
    producer = ck.Producer({"bootstrap.servers": broker.bootstrap})
    for number in range(count):
        producer.produce(topic, value=str(number), partition=0)
    assert producer.flush(DEADLINE_S) == 0


def _poll_until(consumers: list[Any], reached: Callable[[], bool]) -> None:
    def poll_and_ask() -> bool:
        for consumer in consumers:
            consumer.poll(0.1)
        return reached()

    wait_until(poll_and_ask, what="rebalanced")
