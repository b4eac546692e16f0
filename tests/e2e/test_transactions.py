"""Transactions through each library: all or nothing, for records and for offsets, and fencing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from uuid import uuid4

import pytest

from tests.e2e.clients.model import (
    TRANSACTIONAL_OFFSETS,
    Client,
    ClientError,
    Outgoing,
    Transactional,
)

pytestmark = pytest.mark.usefixtures("transactions_are_served")

TopicFactory = Callable[..., str]


@pytest.fixture
def name() -> str:
    return f"txn-{uuid4().hex[:12]}"


@pytest.fixture
def producers() -> Iterator[ExitStack]:
    """Close what was opened, also when the test fails."""
    with ExitStack() as stack:
        yield stack


def _records(*values: bytes, partition: int = 0) -> list[Outgoing]:
    return [Outgoing(value, partition=partition) for value in values]


def _send_and_commit(producer: Transactional, topic: str, value: bytes) -> None:
    producer.send(topic, _records(value))
    producer.commit()


def _close_fenced(producer: Transactional) -> None:
    with suppress(ClientError):
        producer.close()


def test_a_committed_transaction_is_seen_whole(
    client: Client, flowlog_topic: TopicFactory, name: str, producers: ExitStack
) -> None:
    topic = flowlog_topic(partitions=2)
    producer = producers.enter_context(closing(client.transactional(name)))

    producer.begin()
    producer.send(topic, _records(b"a", b"b"))
    producer.send(topic, _records(b"c", partition=1))
    producer.commit()

    found = [
        client.read(topic, p, offset=0, count=n, committed_only=True) for p, n in ((0, 2), (1, 1))
    ]
    assert [[r.value for r in records] for records in found] == [[b"a", b"b"], [b"c"]]


def test_an_aborted_transaction_is_never_seen(
    client: Client, flowlog_topic: TopicFactory, name: str, producers: ExitStack
) -> None:
    topic = flowlog_topic()
    producer = producers.enter_context(closing(client.transactional(name)))

    producer.begin()
    producer.send(topic, _records(b"no"))
    producer.abort()
    producer.begin()
    producer.send(topic, _records(b"yes"))
    producer.commit()

    [found] = client.read(topic, 0, offset=0, count=1, committed_only=True)
    assert (found.value, found.offset) == (b"yes", 2)


def test_readers_of_everything_see_an_open_transaction(
    client: Client, flowlog_topic: TopicFactory, name: str, producers: ExitStack
) -> None:
    if client.name == "kafkajs":
        pytest.skip("KafkaJS leaves uncommitted records out only at the broker's word")
    topic = flowlog_topic()
    producer = producers.enter_context(closing(client.transactional(name)))
    producer.begin()
    producer.send(topic, _records(b"open"))

    [found] = client.read(topic, 0, offset=0, count=1, committed_only=False)

    assert found.value == b"open"
    producer.abort()


def test_a_successor_fences_its_predecessor(
    client: Client, flowlog_topic: TopicFactory, name: str, producers: ExitStack
) -> None:
    topic = flowlog_topic()
    old = client.transactional(name)
    producers.callback(_close_fenced, old)
    old.begin()
    old.send(topic, _records(b"old"))

    new = producers.enter_context(closing(client.transactional(name)))
    with pytest.raises(ClientError):
        _send_and_commit(old, topic, b"zombie")
    new.begin()
    new.send(topic, _records(b"new"))
    new.commit()

    [found] = client.read(topic, 0, offset=0, count=1, committed_only=True)
    assert found.value == b"new"


@pytest.mark.needs(TRANSACTIONAL_OFFSETS)
def test_offsets_are_committed_with_their_transaction(
    client: Client, flowlog_topic: TopicFactory, name: str, producers: ExitStack
) -> None:
    source, target = flowlog_topic(), flowlog_topic()
    producer = producers.enter_context(closing(client.transactional(name)))

    producer.begin()
    producer.send(target, _records(b"a"))
    producer.send_offsets(name, {(source, 0): 7})
    producer.abort()
    assert client.committed(name, source) == {}
    producer.begin()
    producer.send(target, _records(b"b"))
    producer.send_offsets(name, {(source, 0): 8})
    producer.commit()

    assert client.committed(name, source) == {0: 8}
