"""kafka-python as its documentation shows it: a consumer is an iterator; its own admin calls."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer

from tests.e2e.conftest import AnyBroker

TopicFactory = Callable[..., str]


def test_a_consumer_is_iterated_until_nothing_more_comes(
    flowlog_broker: AnyBroker, flowlog_topic: TopicFactory
) -> None:
    topic = flowlog_topic(partitions=2)
    with closing(KafkaProducer(bootstrap_servers=flowlog_broker.bootstrap)) as producer:
        for number in range(20):
            producer.send(topic, b"%d" % number)
        producer.flush()

    with closing(
        KafkaConsumer(
            topic,
            group_id=f"iterated-{topic}",
            bootstrap_servers=flowlog_broker.bootstrap,
            auto_offset_reset="earliest",
            consumer_timeout_ms=2_000,
        )
    ) as consumer:
        found = sorted(int(record.value) for record in consumer)

    assert found == list(range(20))


def test_the_log_folders_of_a_broker_tell_each_partitions_size(
    flowlog_broker: AnyBroker, flowlog_topic: TopicFactory
) -> None:
    topic = flowlog_topic()
    with closing(KafkaProducer(bootstrap_servers=flowlog_broker.bootstrap)) as producer:
        producer.send(topic, b"x" * 5_000, partition=0).get(20)

    with closing(KafkaAdminClient(bootstrap_servers=flowlog_broker.bootstrap)) as admin:
        brokers = admin.describe_log_dirs([topic])

    [size] = [
        partition["partition_size"]
        for broker in brokers
        for folder in broker["log_dirs"]
        for found in folder["topics"]
        for partition in found["partitions"]
        if found["name"] == topic
    ]
    assert size > 5_000


def test_topics_are_described_page_by_page(
    flowlog_broker: AnyBroker, flowlog_topic: TopicFactory
) -> None:
    topics = sorted(flowlog_topic(partitions=2) for _ in range(3))

    with closing(KafkaAdminClient(bootstrap_servers=flowlog_broker.bootstrap)) as admin:
        found = admin.describe_topic_partitions(topics, response_partition_limit=2)

    described = [
        (t["name"], p["partition_index"]) for t in found["topics"] for p in t["partitions"]
    ]
    assert described[:2] == [(topics[0], 0), (topics[0], 1)]
