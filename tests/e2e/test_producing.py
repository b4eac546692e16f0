"""What any library sends is stored as sent, in order, and acknowledged where it landed."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

import pytest

from tests.e2e.clients.model import CODECS, NULL_HEADERS, Client, ClientError, Outgoing

TopicFactory = Callable[..., str]

MESSAGE_TOO_LARGE = 10


@pytest.mark.parametrize("codec", CODECS)
def test_records_of_every_codec_come_back_as_sent(
    client: Client, flowlog_topic: TopicFactory, codec: str
) -> None:
    topic = flowlog_topic()
    rng = random.Random(codec)
    values = [b"compressible " * 40 + rng.randbytes(40) for _ in range(50)]

    client.produce(topic, [Outgoing(v, partition=0) for v in values], codec=codec)

    found = client.read(topic, 0, offset=0, count=len(values))
    assert [record.value for record in found] == values
    assert [record.offset for record in found] == list(range(len(values)))


@pytest.mark.parametrize("codec", CODECS)
def test_a_batch_sent_by_one_library_is_read_by_another(
    client: Client,
    client_factory: Callable[[str], Client],
    flowlog_topic: TopicFactory,
    codec: str,
) -> None:
    topic = flowlog_topic()
    other = client_factory("confluent-kafka" if client.name != "confluent-kafka" else "aiokafka")
    sent = [Outgoing(b"v%d" % n * 50, key=b"k%d" % n, partition=0) for n in range(20)]

    client.produce(topic, sent, codec=codec)

    found = other.read(topic, 0, offset=0, count=len(sent))
    assert [(r.key, r.value) for r in found] == [(r.key, r.value) for r in sent]


def test_keys_and_null_keys_come_back_as_sent(client: Client, flowlog_topic: TopicFactory) -> None:
    topic = flowlog_topic()
    keys = [b"a", None, b"", b"\x00\xff", None]

    client.produce(topic, [Outgoing(b"value", key=key, partition=0) for key in keys])

    assert [r.key for r in client.read(topic, 0, offset=0, count=len(keys))] == keys


def test_a_null_value_is_not_an_empty_one(client: Client, flowlog_topic: TopicFactory) -> None:
    topic = flowlog_topic()
    values = [b"set", None, b""]

    client.produce(topic, [Outgoing(value, key=b"k", partition=0) for value in values])

    assert [r.value for r in client.read(topic, 0, offset=0, count=len(values))] == values


def test_headers_keep_their_names_values_and_order(
    client: Client, flowlog_topic: TopicFactory
) -> None:
    topic = flowlog_topic()
    headers = (("trace", b"\x00\x01"), ("empty", b""), ("größe", b"12"), ("a", b"last"))

    client.produce(topic, [Outgoing(b"v", headers=headers, partition=0)])

    assert client.read(topic, 0, offset=0, count=1)[0].headers == headers


def test_a_header_name_may_repeat(client: Client, flowlog_topic: TopicFactory) -> None:
    topic = flowlog_topic()
    headers = (("retry", b"1"), ("retry", b"2"), ("retry", b"1"))

    client.produce(topic, [Outgoing(b"v", headers=headers, partition=0)])

    assert client.read(topic, 0, offset=0, count=1)[0].headers == headers


@pytest.mark.needs(NULL_HEADERS)
def test_a_header_value_may_be_null(client: Client, flowlog_topic: TopicFactory) -> None:
    topic = flowlog_topic()

    client.produce(topic, [Outgoing(b"v", headers=(("gone", None),), partition=0)])

    assert client.read(topic, 0, offset=0, count=1)[0].headers == (("gone", None),)


def test_timestamps_come_back_to_the_millisecond(
    client: Client, flowlog_topic: TopicFactory
) -> None:
    topic = flowlog_topic()
    now_ms = int(time.time() * 1000)
    timestamps = [now_ms - 86_400_001, now_ms, now_ms - 1, now_ms - 3_600_000]
    records = [Outgoing(b"v", timestamp_ms=at, partition=0) for at in timestamps]

    client.produce(topic, records)

    found = client.read(topic, 0, offset=0, count=len(timestamps))
    assert [record.timestamp_ms for record in found] == timestamps


def test_a_topic_with_append_time_stamps_records_itself(
    client: Client, flowlog_topic: TopicFactory
) -> None:
    topic = flowlog_topic(**{"message.timestamp.type": "LogAppendTime"})
    before_ms = int(time.time() * 1000)

    client.produce(topic, [Outgoing(b"v", timestamp_ms=before_ms - 60_000, partition=0)])

    [found] = client.read(topic, 0, offset=0, count=1)
    assert before_ms <= found.timestamp_ms <= int(time.time() * 1000)


@pytest.mark.parametrize("acks", ["1", "all"])
def test_acknowledgements_name_dense_offsets(
    client: Client, flowlog_topic: TopicFactory, acks: str
) -> None:
    topic = flowlog_topic(partitions=2)
    records = [Outgoing(b"%d" % n, partition=n % 2) for n in range(40)]

    sent = client.produce(topic, records, acks=acks)

    assert [s.partition for s in sent] == [n % 2 for n in range(40)]
    assert [s.offset for s in sent] == [n // 2 for n in range(40)]


def test_records_sent_without_acknowledgement_arrive(
    client: Client, flowlog_topic: TopicFactory
) -> None:
    topic = flowlog_topic()

    client.produce(topic, [Outgoing(b"%d" % n, partition=0) for n in range(10)], acks="0")

    found = client.read(topic, 0, offset=0, count=10)
    assert [record.value for record in found] == [b"%d" % n for n in range(10)]


def test_an_idempotent_producer_writes_each_record_once_and_in_order(
    client: Client, flowlog_topic: TopicFactory
) -> None:
    topic = flowlog_topic(partitions=3)
    records = [Outgoing(b"%d" % n, partition=n % 3) for n in range(300)]

    sent = client.produce(topic, records, idempotent=True, batch_bytes=1_000)

    assert [s.offset for s in sent] == [n // 3 for n in range(300)]
    for partition in range(3):
        found = client.read(topic, partition, offset=0, count=100)
        assert [int(r.value or b"") for r in found] == list(range(partition, 300, 3))


def test_the_same_key_always_goes_to_the_same_partition(
    client: Client, flowlog_topic: TopicFactory
) -> None:
    topic = flowlog_topic(partitions=5)
    records = [Outgoing(b"v", key=b"key-%d" % (n % 10)) for n in range(100)]

    sent = client.produce(topic, records)

    partitions_of: dict[bytes | None, set[int]] = {}
    for record, where in zip(records, sent, strict=True):
        partitions_of.setdefault(record.key, set()).add(where.partition)
    assert all(len(partitions) == 1 for partitions in partitions_of.values())
    assert len(set.union(*partitions_of.values())) > 1


@pytest.mark.parametrize("codec", ["none", "lz4"])
def test_large_batches_arrive_whole(
    client: Client, flowlog_topic: TopicFactory, codec: str
) -> None:
    topic = flowlog_topic()
    rng = random.Random(1)
    values = [rng.randbytes(10_000) for _ in range(400)]

    client.produce(
        topic, [Outgoing(v, partition=0) for v in values], codec=codec, batch_bytes=900_000
    )

    found = client.read(topic, 0, offset=0, count=len(values))
    assert [record.value for record in found] == values


def test_a_record_above_the_topics_limit_is_refused_and_the_next_one_taken(
    client: Client, flowlog_topic: TopicFactory
) -> None:
    topic = flowlog_topic(**{"max.message.bytes": "2000"})

    with pytest.raises(ClientError) as refused:
        client.produce(topic, [Outgoing(random.Random(2).randbytes(3_000), partition=0)])
    client.produce(topic, [Outgoing(b"small", partition=0)])

    assert refused.value.code == MESSAGE_TOO_LARGE
    assert client.end_offsets(topic) == {0: 1}
