"""`python -m benchmarks.broker`: flowlog's broker beside an Apache Kafka, rounds interleaved.

Kafka takes part when `--kafka-script` or FLOWLOG_KAFKA_SCRIPT names a script that starts one
(`start`, `stop`, `wipe`, with PORT and PROFILE in the environment); otherwise flowlog runs alone.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from confluent_kafka import KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic, OffsetSpec

from benchmarks import latency, raw_loads, rdkafka, report
from benchmarks.raw_loads import Measured, free_port
from benchmarks.servers import FlowlogServer, KafkaServer, Server, cpu_seconds, resident_mb


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


class Results:
    """Rows by name, filled round by round."""

    def __init__(self) -> None:
        self._values: dict[tuple[str, str, bool], dict[str, list[float]]] = {}

    def add(
        self, name: str, unit: str, server: str, value: float | None, *, more: bool = True
    ) -> None:
        if value is not None:
            by_server = self._values.setdefault((name, unit, more), {})
            by_server.setdefault(server, []).append(value)

    def add_measured(self, name: str, unit: str, server: str, measured: Measured) -> None:
        if measured.p50_ms is None or "end to end" not in name:
            self.add(name, unit, server, measured.rate)
        self.add(f"{name}: p50", "ms", server, measured.p50_ms, more=False)
        self.add(f"{name}: p99", "ms", server, measured.p99_ms, more=False)
        if "end to end" in name:
            self.add(f"{name}: p99.9", "ms", server, measured.p999_ms, more=False)

    def rows(self) -> list[report.Row]:
        return [
            report.Row(name, unit, values, more)
            for (name, unit, more), values in self._values.items()
        ]


def measure(servers: Sequence[Server], loads: Sequence[Load], size: Size, rounds: int) -> Results:
    """Start the servers, run every load on each in turn `rounds` times, stop them."""
    results = Results()
    for server in servers:
        _measure_start(server, results)
    try:
        for number in range(rounds):
            for load in loads:
                # The order turns round by round: neither server is always the first.
                for server in servers if number % 2 == 0 else reversed(servers):
                    _measure_load(server, load, size, results)
        for server in servers:
            memory = resident_mb(server.pid)
            results.add("resident memory after all loads", "MB", server.name, memory, more=False)
    finally:
        for server in servers:
            server.discard()
    return results


def _measure_start(server: Server, results: Results) -> None:
    results.add("first start until it answers", "s", server.name, server.start(), more=False)
    server.stop()
    results.add("start again until it answers", "s", server.name, server.start(), more=False)
    memory = resident_mb(server.pid)
    results.add("resident memory idle", "MB", server.name, memory, more=False)


def _measure_load(server: Server, load: Load, size: Size, results: Results) -> None:
    before_s = cpu_seconds(server.pid)
    for part, measured in load.run(server, size):
        name = f"{load.name}: {part}" if part else load.name
        results.add_measured(name, load.unit, server.name, measured)
        print(f"  {server.name:12} {name}: {report.number(measured.rate)} {load.unit}", flush=True)
    used_s = cpu_seconds(server.pid) - before_s
    if "MB batches" in load.name:
        results.add(f"{load.name}: server CPU", "s", server.name, used_s, more=False)


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


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print progress and the table."""
    options = _options(arguments)
    servers: list[Server] = [FlowlogServer()]
    if options.kafka_script:
        servers.append(KafkaServer(Path(options.kafka_script), options.kafka_port or free_port()))
    loads = [load for load in LOADS if options.only in load.name]
    size = QUICK if options.quick else FULL
    print(report.machine(), flush=True)
    results = measure(servers, loads, size, 1 if options.quick else options.rounds)
    print()
    print(report.table(results.rows(), [server.name for server in servers]))
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.broker", description=__doc__)
    parser.add_argument("--kafka-script", default=os.environ.get("FLOWLOG_KAFKA_SCRIPT"))
    parser.add_argument("--kafka-port", type=int, help="its port; a free one otherwise")
    parser.add_argument("--rounds", type=int, default=3, help="medians are printed")
    parser.add_argument("--only", default="", help="loads whose name contains this")
    parser.add_argument("--quick", action="store_true", help="seconds, to see that it runs")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
