"""What becomes of a wish for a topic."""

from __future__ import annotations

from uuid import UUID

import pytest
from kio.schema.errors import ErrorCode

from flowlog.broker.admin.topics import (
    NewTopic,
    TopicDefaults,
    decide_more_partitions,
    decide_topic,
)
from flowlog.broker.controller.image import MetadataImage, ResourceType
from flowlog.broker.controller.records import BrokerRecord, PartitionRecord, RemoveTopicRecord
from flowlog.errors import KafkaError

DEFAULTS = TopicDefaults(partition_count=3, replication_factor=1)
TOPIC_ID = UUID(int=7)


def image_of(*node_ids: int) -> MetadataImage:
    image = MetadataImage()
    for node_id in node_ids:
        image.apply(BrokerRecord(node_id, "127.0.0.1", 9092))
    return image


def made(image: MetadataImage, new: NewTopic) -> MetadataImage:
    for record in decide_topic(image, new, DEFAULTS, TOPIC_ID):
        image.apply(record)
    return image


def test_a_topic_without_counts_takes_the_brokers_settings() -> None:
    image = made(image_of(1), NewTopic("clicks"))
    topic = image.topic("clicks")
    assert topic is not None
    assert [partition.leader for partition in topic.partitions] == [1, 1, 1]


def test_replicas_and_leaders_spread_over_the_brokers() -> None:
    image = made(image_of(1, 2, 3), NewTopic("clicks", partition_count=6, replication_factor=2))
    topic = image.topic("clicks")
    assert topic is not None
    assert [p.leader for p in topic.partitions] == [1, 2, 3, 1, 2, 3]
    assert all(len(set(p.replicas)) == 2 for p in topic.partitions)


def test_settings_of_a_new_topic_are_in_the_same_batch_of_records() -> None:
    image = made(image_of(1), NewTopic("clicks", configs={"retention.ms": "1000"}))
    assert image.overrides(ResourceType.TOPIC, "clicks") == {"retention.ms": "1000"}


@pytest.mark.parametrize(
    ("wish", "error"),
    [
        pytest.param(NewTopic(""), ErrorCode.invalid_topic_exception, id="empty name"),
        pytest.param(NewTopic(".."), ErrorCode.invalid_topic_exception, id="a parent folder"),
        pytest.param(NewTopic("a/b"), ErrorCode.invalid_topic_exception, id="a path"),
        pytest.param(NewTopic("a\n"), ErrorCode.invalid_topic_exception, id="a newline at the end"),
        pytest.param(NewTopic("a" * 250), ErrorCode.invalid_topic_exception, id="too long"),
        pytest.param(NewTopic("a", partition_count=0), ErrorCode.invalid_partitions, id="none"),
        pytest.param(
            NewTopic("a", partition_count=2**31 - 1), ErrorCode.invalid_partitions, id="too many"
        ),
        pytest.param(
            NewTopic("a", replication_factor=2),
            ErrorCode.invalid_replication_factor,
            id="more copies than brokers",
        ),
        pytest.param(
            NewTopic("a", assignments=((0, (1,)), (2, (1,)))),
            ErrorCode.invalid_replica_assignment,
            id="a gap in the assignment",
        ),
        pytest.param(
            NewTopic("a", assignments=((0, (1, 1)),)),
            ErrorCode.invalid_replica_assignment,
            id="a broker twice",
        ),
        pytest.param(
            NewTopic("a", configs={"retention.sm": "1"}),
            ErrorCode.invalid_config,
            id="a typing error",
        ),
        pytest.param(
            NewTopic("a", configs={"retention.ms": "soon"}),
            ErrorCode.invalid_config,
            id="no number",
        ),
    ],
)
def test_a_wish_that_cannot_be_had_is_refused(wish: NewTopic, error: ErrorCode) -> None:
    with pytest.raises(KafkaError) as caught:
        decide_topic(image_of(1), wish, DEFAULTS, TOPIC_ID)
    assert caught.value.error_code is error


def test_a_name_is_given_once() -> None:
    image = made(image_of(1), NewTopic("clicks"))
    with pytest.raises(KafkaError) as caught:
        decide_topic(image, NewTopic("clicks"), DEFAULTS, UUID(int=8))
    assert caught.value.error_code is ErrorCode.topic_already_exists


def test_a_topic_grows_and_never_shrinks() -> None:
    image = made(image_of(1), NewTopic("clicks", partition_count=2))
    records = decide_more_partitions(image, "clicks", 4, None)
    assert [r.partition for r in records if isinstance(r, PartitionRecord)] == [2, 3]
    for count in (2, 1):
        with pytest.raises(KafkaError) as caught:
            decide_more_partitions(image, "clicks", count, None)
        assert caught.value.error_code is ErrorCode.invalid_partitions


def test_names_that_metrics_cannot_tell_apart_are_refused() -> None:
    image = made(image_of(1), NewTopic("a.b"))

    with pytest.raises(KafkaError) as refused:
        made(image, NewTopic("a_b"))

    assert refused.value.error_code is ErrorCode.invalid_topic_exception
    image.apply(RemoveTopicRecord("a.b", TOPIC_ID))
    made(image, NewTopic("a_b"))
