"""Reading by assignment: positions, the ends of a log, look-up by time, a dead address."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable

import pytest

from tests.e2e.clients.kafka_python import forget_refused_sockets
from tests.e2e.clients.model import Client, Incoming, Outgoing
from tests.e2e.conftest import CLIENTS, AnyBroker

TopicFactory = Callable[..., str]

BASE_MS = int(time.time() * 1000) - 600_000


def _numbered(count: int, partition: int = 0) -> list[Outgoing]:
    return [
        Outgoing(b"%d" % n, partition=partition, timestamp_ms=BASE_MS + 1_000 * n)
        for n in range(count)
    ]


def test_reading_starts_at_the_offset_asked_for(
    client: Client, flowlog_topic: TopicFactory
) -> None:
    topic = flowlog_topic()
    client.produce(topic, _numbered(30), batch_bytes=700)

    found = client.read(topic, 0, offset=17, count=13)

    assert [(r.offset, r.value) for r in found] == [(n, b"%d" % n) for n in range(17, 30)]


def test_an_offset_inside_a_compressed_batch_is_found(
    client: Client, flowlog_topic: TopicFactory
) -> None:
    topic = flowlog_topic()
    client.produce(topic, _numbered(100), codec="gzip")

    found = client.read(topic, 0, offset=61, count=2)

    assert [r.value for r in found] == [b"61", b"62"]


def test_reading_waits_for_records_that_come_later(
    client: Client, client_factory: Callable[[str], Client], flowlog_topic: TopicFactory
) -> None:
    topic = flowlog_topic()
    member = client.join(f"late-{topic}", [topic])
    try:
        assert member.poll(0.2) == []
        client_factory("confluent-kafka").produce(topic, _numbered(1))
        deadline = time.monotonic() + 20
        found: list[Incoming] = []
        while not found and time.monotonic() < deadline:
            found = member.poll(0.5)
    finally:
        member.close()
    assert [r.value for r in found] == [b"0"]


def test_beginning_and_end_offsets_of_each_partition(
    client: Client, flowlog_topic: TopicFactory
) -> None:
    topic = flowlog_topic(partitions=3)
    client.produce(topic, _numbered(4, partition=0) + _numbered(7, partition=2))

    assert client.beginning_offsets(topic) == {0: 0, 1: 0, 2: 0}
    assert client.end_offsets(topic) == {0: 4, 1: 0, 2: 7}


@pytest.mark.parametrize(
    ("after_start_ms", "offset"),
    [
        pytest.param(-5_000, 0, id="before the first record"),
        pytest.param(3_000, 3, id="exactly a record's time"),
        pytest.param(3_001, 4, id="between two records"),
        pytest.param(9_000, 9, id="the last record"),
        pytest.param(9_001, None, id="after the last record"),
    ],
)
def test_the_offset_for_a_time_is_the_first_record_not_older(
    client: Client, flowlog_topic: TopicFactory, after_start_ms: int, offset: int | None
) -> None:
    topic = flowlog_topic()
    client.produce(topic, _numbered(10))

    assert client.offsets_for_time(topic, BASE_MS + after_start_ms) == {0: offset}


def test_deleted_records_are_gone_and_the_rest_stays(
    client: Client, flowlog_topic: TopicFactory
) -> None:
    topic = flowlog_topic()
    client.produce(topic, _numbered(10))

    client.delete_records(topic, 0, 6)

    assert client.beginning_offsets(topic) == {0: 6}
    assert client.end_offsets(topic) == {0: 10}
    assert [r.offset for r in client.read(topic, 0, offset=-1, count=4)] == [6, 7, 8, 9]


@pytest.mark.parametrize("library", CLIENTS)
def test_a_dead_address_in_the_bootstrap_list_does_no_harm(
    library: str,
    client_factory: Callable[[str, str], Client],
    flowlog_broker: AnyBroker,
    flowlog_topic: TopicFactory,
) -> None:
    topic = flowlog_topic()
    with socket.socket() as taken:  # Bound, never listening: connecting to it is refused.
        taken.bind(("127.0.0.1", 0))
        dead = f"127.0.0.1:{taken.getsockname()[1]}"
        client = client_factory(library, f"{dead},{flowlog_broker.bootstrap}")
        client.produce(topic, _numbered(3))
        found = client.read(topic, 0, offset=0, count=3)
    forget_refused_sockets()

    assert [r.value for r in found] == [b"0", b"1", b"2"]
