"""`python -m benchmarks.scale`: many partitions on one broker, and 100 GB in one of them.

The first part makes topics of 50 partitions each, writes a record into every partition, stops the
broker cleanly, starts it again and looks at the idle process. The second gives one partition 100
segments, then makes each sealed one 1 GB long with a hole at its end, and starts twice: a start
that read what lies there would take minutes, and find that it is no batch. Linux alone: it reads
/proc. An Apache Kafka takes part in the first as in `benchmarks.broker`.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import confluent_kafka as ck

from benchmarks import report
from benchmarks.loads.topics import create_topics, expect_records, wait_led
from benchmarks.raw_loads import free_port
from benchmarks.results import Results
from benchmarks.servers import FlowlogServer, KafkaServer, Server, cpu_seconds, resident_mb

TOPIC_PARTITIONS: Final = 50
SEGMENT_BYTES: Final = 2**30
GB: Final = 10**9
_LONG: Final = "long"


def measure_partitions(server: Server, partitions: int, idle_s: float, results: Results) -> None:
    """Fill, stop, start and watch one server."""
    area = f"{partitions:,} partitions"
    topics = [f"scale-{number}" for number in range(partitions // TOPIC_PARTITIONS)]

    def add(name: str, unit: str, value: float | None) -> None:
        if value is not None:
            results.add(area, name, unit, server.name, value)

    add("first start, empty", "s", server.start())
    _fill(server, topics)
    add("open files after a record in each", "files", _open_files(server.pid))
    add("memory after a record in each", "MB", resident_mb(server.pid))
    before = time.perf_counter()
    server.stop()
    add("clean stop", "s", time.perf_counter() - before)
    add("start after a clean stop", "s", server.start())
    expect_records(server, topics, partitions)
    before_s = cpu_seconds(server.pid)
    time.sleep(idle_s)
    add("CPU idle", "% of a core", 100 * (cpu_seconds(server.pid) - before_s) / idle_s)
    add("open files idle", "files", _open_files(server.pid))
    add("memory idle", "MB", resident_mb(server.pid))


def measure_bytes(segments: int, results: Results) -> None:
    """Start flowlog over a log of many small segments, and over the same one with large ones."""
    server = FlowlogServer()
    area = f"A log of {segments} segments"
    try:
        server.start()
        create_topics(server, [_LONG], 1, {"segment.bytes": "200"})
        _produce(server, [(_LONG, 0)] * segments, linger_ms=0)
        server.stop()
        files = _segments(server.data_dir)
        assert len(files) == segments, f"{len(files)} segments"
        results.add(area, "start as made", "s", server.name, _timed_restart(server, segments))
        for file in files[:-1]:  # The last one still grows.
            os.truncate(file, SEGMENT_BYTES)
        gb = sum(file.stat().st_size for file in files) / GB
        seconds = _timed_restart(server, segments)
        results.add(area, f"start with {gb:.0f} GB", "s", server.name, seconds)
    finally:
        server.discard()


def _timed_restart(server: Server, records: int) -> float:
    """The start, with a look whether the log is all there."""
    seconds = server.start()
    expect_records(server, [_LONG], records)
    server.stop()
    return seconds


def _segments(data_dir: Path) -> list[Path]:
    """The segments of the partition that has most, oldest first."""
    return max((sorted(folder.glob("*.log")) for folder in data_dir.iterdir()), key=len)


def _fill(server: Server, topics: Sequence[str]) -> None:
    """Make the topics and give each partition a record, so that all have files."""
    create_topics(server, topics, TOPIC_PARTITIONS)
    wait_led(server, topics)
    places = [(topic, number) for topic in topics for number in range(TOPIC_PARTITIONS)]
    _produce(server, places, linger_ms=5)


def _produce(server: Server, places: Sequence[tuple[str, int]], *, linger_ms: int) -> None:
    """A record into each topic and partition, one batch each where nothing lingers."""
    settings = {"linger.ms": linger_ms, "batch.num.messages": 10_000 if linger_ms else 1}
    producer = ck.Producer({"bootstrap.servers": f"127.0.0.1:{server.port}", **settings})
    for topic, partition in places:
        producer.produce(topic, b"x" * 100, partition=partition)
        producer.poll(0)
    if left := producer.flush(120):
        raise TimeoutError(f"{left} records were not acknowledged")


def _open_files(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print the tables."""
    options = _options(arguments)
    partitions, segments, idle_s = options.partitions, options.segments, 10.0
    if options.quick:
        partitions, segments, idle_s = 2 * TOPIC_PARTITIONS, 10, 0.2
    servers: list[Server] = [FlowlogServer()]
    if options.kafka_script:
        servers.append(KafkaServer(Path(options.kafka_script), options.kafka_port or free_port()))
    results = Results([server.name for server in servers])
    print(report.machine(), flush=True)
    for server in servers:
        try:
            measure_partitions(server, partitions, idle_s, results)
        finally:
            server.discard()
    measure_bytes(segments, results)
    for area, table in results.tables():
        print(f"\n### {area}\n\n{table}")
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    parser.add_argument("--partitions", type=int, default=2000, help="a multiple of 50")
    parser.add_argument("--segments", type=int, default=100, help="of 1 GB each")
    parser.add_argument("--kafka-script", default=os.environ.get("FLOWLOG_KAFKA_SCRIPT"))
    parser.add_argument("--kafka-port", type=int, help="its port; a free one otherwise")
    parser.add_argument("--quick", action="store_true", help="seconds, to see that it runs")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
