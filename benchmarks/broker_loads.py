"""The loads that `benchmarks.broker` puts on a server, each on a fresh topic that it deletes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from uuid import uuid4

from confluent_kafka import KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic, OffsetSpec

from benchmarks import latency, raw_loads, rdkafka
from benchmarks.raw_loads import Measured
from benchmarks.servers import Server


@dataclass(frozen=True, slots=True)
class Size:
    """How much each load does."""

    batch_bytes: int
    singles_s: float
    latency_s: float


FULL = Size(batch_bytes=400_000_000, singles_s=4.0, latency_s=8.0)
QUICK = Size(batch_bytes=4_000_000, singles_s=0.2, latency_s=0.3)


@dataclass(frozen=True, slots=True)
class Load:
    """One line of the table or, with latencies, several."""

    name: str
    unit: str
    run: Callable[[Server, Size], Iterator[tuple[str, Measured]]]


def _batches(value_bytes: int, partitions: int) -> Load:
    def run(server: Server, size: Size) -> Iterator[tuple[str, Measured]]:
        topic = _new_topic(server, partitions)
        produced = raw_loads.produce_batches(
            server.port,
            topic,
            partitions=partitions,
            value_bytes=value_bytes,
            total_bytes=size.batch_bytes,
            acks=-1,
        )
        yield "produce", produced
        records = _end_offsets(server, topic)
        yield (
            "fetch",
            raw_loads.fetch_all(server.port, topic, partitions=partitions, records=records),
        )
        _delete_topic(server, topic)

    return Load(f"plain socket, 1 MB batches of {value_bytes} B, {partitions} part.", "rec/s", run)


def _librdkafka_batches(value_bytes: int, partitions: int) -> Load:
    def run(server: Server, size: Size) -> Iterator[tuple[str, Measured]]:
        topic = _new_topic(server, partitions)
        total = size.batch_bytes // value_bytes
        produced = rdkafka.produce(
            server.port,
            topic,
            partitions=partitions,
            value_bytes=value_bytes,
            total=total,
            acks="all",
        )
        _expect(_end_offsets(server, topic), total)
        yield "produce", produced
        yield "consume", rdkafka.consume(server.port, topic, partitions=partitions, total=total)
        _delete_topic(server, topic)

    return Load(f"librdkafka, 1 MB batches of {value_bytes} B, {partitions} part.", "rec/s", run)


def _singles(connections: int, in_flight: int, acks: int) -> Load:
    def run(server: Server, size: Size) -> Iterator[tuple[str, Measured]]:
        topic = _new_topic(server, 1)
        yield (
            "produce",
            raw_loads.produce_singles(
                server.port,
                topic,
                connections=connections,
                in_flight=in_flight,
                seconds=size.singles_s,
                acks=acks,
            ),
        )
        _delete_topic(server, topic)

    name = f"one record a request, {connections} conn., {in_flight} in flight, acks={acks}"
    return Load(name, "req/s", run)


def _librdkafka_singles() -> Load:
    settings = {"linger.ms": "0", "batch.num.messages": "1", "max.in.flight": "64"}

    def run(server: Server, size: Size) -> Iterator[tuple[str, Measured]]:
        topic = _new_topic(server, 1)
        total = int(10_000 * size.singles_s)
        produced = rdkafka.produce(
            server.port,
            topic,
            partitions=1,
            value_bytes=100,
            total=total,
            acks="1",
            settings=settings,
        )
        _expect(_end_offsets(server, topic), total)
        yield "produce", produced
        _delete_topic(server, topic)

    return Load("librdkafka, one record a request, 64 in flight, acks=1", "req/s", run)


def _end_to_end() -> Load:
    def run(server: Server, size: Size) -> Iterator[tuple[str, Measured]]:
        topic = _new_topic(server, 1)
        yield "", latency.end_to_end(server.port, topic, rate=1_000, seconds=size.latency_s)
        _delete_topic(server, topic)

    return Load("librdkafka, end to end at 1,000 rec/s", "rec/s", run)


LOADS = (
    _librdkafka_batches(100, 1),
    _librdkafka_batches(100, 6),
    _librdkafka_batches(1024, 1),
    _batches(100, 1),
    _batches(1024, 1),
    _singles(1, 1, -1),
    _singles(50, 1, -1),
    _singles(1, 64, 1),
    _librdkafka_singles(),
    _end_to_end(),
)


def _new_topic(server: Server, partitions: int) -> str:
    topic = f"bench-{uuid4().hex[:8]}"
    admin = _admin(server)
    admin.create_topics([NewTopic(topic, partitions, 1)])[topic].result(30)
    for _ in range(100):  # Apache Kafka answers before the leaders lead.
        try:
            _end_offsets(server, topic)
        except KafkaException:
            time.sleep(0.05)
            continue
        break
    return topic


def _delete_topic(server: Server, topic: str) -> None:
    admin = _admin(server)  # Kept until the answer is there: a freed handle answers no more.
    admin.delete_topics([topic])[topic].result(30)


def _end_offsets(server: Server, topic: str) -> int:
    """The sum of a topic's end offsets."""
    admin = _admin(server)
    partitions = admin.list_topics(topic, timeout=30).topics[topic].partitions
    wanted = {TopicPartition(topic, p): OffsetSpec.latest() for p in partitions}
    return sum(future.result(30).offset for future in admin.list_offsets(wanted).values())


def _admin(server: Server) -> AdminClient:
    return AdminClient({"bootstrap.servers": f"127.0.0.1:{server.port}", "log_level": 0})


def _expect(found: int, wanted: int) -> None:
    if found != wanted:
        raise RuntimeError(f"{wanted} records were produced, {found} are there")
