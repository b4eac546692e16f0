"""`python -m benchmarks.group_commit`: what one fsync for many producers gains.

Producers that each send one record of 100 bytes, wait for the answer and send the next, to a topic
with `flush.messages=1`: no answer before the disk has it. One producer alone means one fsync a
request; so does a Python loop of write and fsync on the same disk, which has no broker to pay for.
An Apache Kafka takes part as in `benchmarks.broker`.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks import report
from benchmarks.loads.topics import fresh_topic
from benchmarks.measured import Measured
from benchmarks.raw_loads import free_port, produce_singles
from benchmarks.results import Results
from benchmarks.servers import FlowlogServer, KafkaServer, Server, cpu_seconds, resident_mb
from benchmarks.wire import record_batch

AREA = "flush.messages=1"
ALONE, TOGETHER = 1, 50


def write_and_sync(folder: str, seconds: float) -> Measured:
    """Append a batch of one record and sync it, over and over."""
    batch = record_batch(1, b"x" * 100)
    sync = getattr(os, "fdatasync", os.fsync)
    count = 0
    with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
        started = time.perf_counter()
        while (elapsed := time.perf_counter() - started) < seconds:
            file.write(batch)
            sync(file.fileno())
            count += 1
    return Measured(count, elapsed)


def produce(server: Server, producers: int, seconds: float) -> Measured:
    """`producers` connections with one request in flight each; every answer after its sync."""
    with fresh_topic(server, config={"flush.messages": "1"}) as topic:
        return produce_singles(
            server.port, topic, connections=producers, in_flight=1, seconds=seconds, acks=-1
        )


def measure(servers: Sequence[Server], seconds: float, rounds: int) -> Results:
    results = Results([server.name for server in servers])
    with tempfile.TemporaryDirectory(prefix="flowlog-bench-") as folder:
        for number in range(rounds):
            alone = write_and_sync(folder, seconds)
            for server in servers if number % 2 == 0 else reversed(servers):
                _measure_server(server, seconds, alone, results)
    return results


def _measure_server(server: Server, seconds: float, sync: Measured, results: Results) -> None:
    name = "write and fsync, without a broker"
    results.add(AREA, name, "req/s", server.name, sync.rate)
    rates = {}
    for producers in (ALONE, TOGETHER):
        before_s = cpu_seconds(server.pid)
        done = produce(server, producers, seconds)
        cpu_us = (cpu_seconds(server.pid) - before_s) * 1e6 / done.count
        name = f"{producers} producer" + ("s" if producers > 1 else "")
        memory = resident_mb(server.pid)
        results.add(AREA, name, "req/s", server.name, done.rate, cpu=cpu_us, memory_mb=memory)
        assert done.p99_ms is not None, "every producer got an answer"
        results.add(AREA, f"{name}: p99", "ms", server.name, done.p99_ms)
        rates[producers] = done.rate
        print(f"  {server.name:12} {name}: {report.number(done.rate)} req/s", flush=True)
    gain = rates[TOGETHER] / rates[ALONE]
    results.add(AREA, f"{TOGETHER} producers beside 1", "times", server.name, gain)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print progress and the table."""
    options = _options(arguments)
    servers: list[Server] = [FlowlogServer()]
    if options.kafka_script:
        servers.append(KafkaServer(Path(options.kafka_script), options.kafka_port or free_port()))
    seconds, rounds = (0.2, 1) if options.quick else (options.seconds, options.rounds)
    print(report.machine(), flush=True)
    try:
        for server in servers:
            server.start()
        results = measure(servers, seconds, rounds)
    finally:
        for server in servers:
            server.discard()
    for _, table in results.tables():
        print(f"\n{table}")
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.group_commit", description=__doc__)
    parser.add_argument("--kafka-script", default=os.environ.get("FLOWLOG_KAFKA_SCRIPT"))
    parser.add_argument("--kafka-port", type=int, help="its port; a free one otherwise")
    parser.add_argument("--seconds", type=float, default=4.0, help="for each figure")
    parser.add_argument("--rounds", type=int, default=3, help="medians are printed")
    parser.add_argument("--quick", action="store_true", help="seconds, to see that it runs")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
