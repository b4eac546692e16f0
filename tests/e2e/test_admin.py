"""Topics, partitions, configs and groups through each library's admin client."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from uuid import uuid4

import pytest

from tests.e2e.clients.model import (
    DELETE_GROUPS,
    INCREMENTAL_CONFIGS,
    Client,
    ClientError,
    Outgoing,
)
from tests.e2e.waiting import poll_records, wait_until

TopicFactory = Callable[..., str]

TOPIC_ALREADY_EXISTS = 36
UNKNOWN_TOPIC_OR_PARTITION = 3
INVALID_PARTITIONS = 37
INVALID_CONFIG = 40


@pytest.fixture
def name() -> str:
    return f"admin-{uuid4().hex[:12]}"


def test_a_created_topic_can_be_written_at_once(client: Client, name: str) -> None:
    client.create_topic(name, partitions=3)

    _wait_until_shown(client, name, 3)
    assert client.produce(name, [Outgoing(b"v", partition=2)])[0].offset == 0


def test_creating_a_topic_twice_is_refused(client: Client, name: str) -> None:
    client.create_topic(name)

    with pytest.raises(ClientError) as refused:
        client.create_topic(name)

    assert refused.value.code == TOPIC_ALREADY_EXISTS


def test_a_config_out_of_its_bounds_is_refused_and_no_topic_made(client: Client, name: str) -> None:
    with pytest.raises(ClientError) as refused:
        client.create_topic(name, configs={"max.message.bytes": "-5"})

    assert refused.value.code == INVALID_CONFIG
    assert name not in client.topics()


def test_a_deleted_topic_is_gone_and_its_name_is_free_again(client: Client, name: str) -> None:
    client.create_topic(name, partitions=2)
    client.produce(name, [Outgoing(b"old", partition=0)])

    client.delete_topic(name)
    wait_until(lambda: name not in client.topics(), what="deleted")
    client.create_topic(name, partitions=1)

    _wait_until_shown(client, name, 1)
    assert client.end_offsets(name) == {0: 0}


def test_deleting_a_topic_that_is_not_there_is_refused(client: Client, name: str) -> None:
    with pytest.raises(ClientError) as refused:
        client.delete_topic(name)

    assert refused.value.code == UNKNOWN_TOPIC_OR_PARTITION


def test_added_partitions_are_empty_and_the_old_ones_keep_their_records(
    client: Client, flowlog_topic: TopicFactory
) -> None:
    topic = flowlog_topic(partitions=1)
    client.produce(topic, [Outgoing(b"v", partition=0)])

    client.create_partitions(topic, 3)

    wait_until(lambda: len(_end_offsets_where_led(client, topic)) == 3, what="grown")
    assert client.topics()[topic] == 3
    assert client.end_offsets(topic) == {0: 1, 1: 0, 2: 0}


def test_a_topic_cannot_lose_partitions(client: Client, flowlog_topic: TopicFactory) -> None:
    topic = flowlog_topic(partitions=3)

    with pytest.raises(ClientError) as refused:
        client.create_partitions(topic, 2)

    assert refused.value.code == INVALID_PARTITIONS
    assert client.topics()[topic] == 3


def test_configs_show_what_was_set_and_the_defaults(client: Client, name: str) -> None:
    client.create_topic(name, configs={"retention.ms": "1234567", "cleanup.policy": "compact"})

    configs = client.topic_configs(name)

    assert configs["retention.ms"] == "1234567"
    assert configs["cleanup.policy"] == "compact"
    assert configs["compression.type"] == "producer"
    assert configs["message.timestamp.type"] == "CreateTime"


def test_an_altered_config_is_shown(client: Client, flowlog_topic: TopicFactory) -> None:
    topic = flowlog_topic()

    client.set_topic_config(topic, "retention.ms", "777000")

    wait_until(lambda: client.topic_configs(topic)["retention.ms"] == "777000", what="altered")


@pytest.mark.needs(INCREMENTAL_CONFIGS)
def test_altering_one_config_keeps_the_others(client: Client, flowlog_topic: TopicFactory) -> None:
    topic = flowlog_topic(**{"retention.ms": "5000000", "max.message.bytes": "5000"})

    client.set_topic_config(topic, "max.message.bytes", "6000")

    wait_until(lambda: client.topic_configs(topic)["max.message.bytes"] == "6000", what="altered")
    assert client.topic_configs(topic)["retention.ms"] == "5000000"


@pytest.mark.needs(DELETE_GROUPS)
def test_a_deleted_group_is_gone_with_its_offsets(
    client: Client, flowlog_topic: TopicFactory, name: str
) -> None:
    topic = flowlog_topic()
    client.commit_offsets(name, {(topic, 0): 1})
    assert name in client.groups()

    client.delete_group(name)

    wait_until(lambda: name not in client.groups(), what="deleted")
    assert client.committed(name, topic) == {}


@pytest.mark.needs(DELETE_GROUPS)
def test_a_group_with_a_member_cannot_be_deleted(
    client: Client, flowlog_topic: TopicFactory, name: str
) -> None:
    topic = flowlog_topic()
    client.produce(topic, [Outgoing(b"v", partition=0)])
    with closing(client.join(name, [topic])) as member:
        poll_records(member, 1)
        with pytest.raises(ClientError):
            client.delete_group(name)

    assert name in client.groups()


def _wait_until_shown(client: Client, topic: str, partitions: int) -> None:
    """Apache Kafka answers before all of its parts know of the topic."""
    wait_until(lambda: client.topics().get(topic) == partitions, what=f"showing {topic}")


def _end_offsets_where_led(client: Client, topic: str) -> dict[int, int]:
    """Nothing while a partition has no leader yet: Apache Kafka answers before there is one."""
    try:
        return client.end_offsets(topic)
    except ClientError:
        return {}
