"""One record of 100 bytes a request, and the way of one record from producer to consumer."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks import raw_loads, rdkafka
from benchmarks.loads import latency
from benchmarks.loads.load import Load, Part, Size
from benchmarks.loads.topics import expect_records, fresh_topic
from benchmarks.servers import Server

AREA = "one record a request"


def over_sockets(connections: int, in_flight: int, acks: int) -> Load:
    """A closed loop over plain sockets."""

    def run(server: Server, size: Size) -> Iterator[Part]:
        with fresh_topic(server) as topic:
            produced = raw_loads.produce_singles(
                server.port,
                topic,
                connections=connections,
                in_flight=in_flight,
                seconds=size.singles_s,
                acks=acks,
            )
            yield Part("", "req/s", produced)

    ways = f"{connections} connection" + ("s" if connections > 1 else "")
    return Load(AREA, f"{ways}, {in_flight} in flight, acks={'all' if acks < 0 else acks}", run)


def through_librdkafka() -> Load:
    """The same with a real client."""
    settings = {"linger.ms": "0", "batch.num.messages": "1", "max.in.flight": "64"}

    def run(server: Server, size: Size) -> Iterator[Part]:
        total = int(10_000 * size.singles_s)
        with fresh_topic(server) as topic:
            produced = rdkafka.produce(
                server.port,
                topic,
                partitions=1,
                value_bytes=100,
                total=total,
                acks="1",
                settings=settings,
            )
            expect_records(server, [topic], total)
            yield Part("", "req/s", produced)

    return Load(AREA, "librdkafka, 64 in flight, acks=1", run)


def end_to_end(rate: int) -> Load:
    """From `produce` to `poll`, at a steady rate."""

    def run(server: Server, size: Size) -> Iterator[Part]:
        with fresh_topic(server) as topic:
            seconds = size.latency_s
            yield Part("", "", latency.end_to_end(server.port, topic, rate=rate, seconds=seconds))

    return Load(AREA, f"librdkafka, end to end at {rate:,} rec/s", run)
