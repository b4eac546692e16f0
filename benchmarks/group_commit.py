"""`python -m benchmarks.group_commit`: what one fsync for many producers gains.

Producers that each send one record of 100 bytes, wait for the answer and send the next, to a topic
with `flush.messages=1`: no answer before the disk has it. One producer alone means one fsync a
request; so does a Python loop of write and fsync on the same disk, which has no broker to pay for.
Once more with a disk whose syncs take 2 ms longer, for where a sync is as fast as a request it is the
requests that limit. An Apache Kafka takes part as in `benchmarks.broker`.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import report, slow_disk
from benchmarks.loads.topics import fresh_topic
from benchmarks.measured import Measured
from benchmarks.raw_loads import free_port, produce_singles
from benchmarks.servers import FlowlogServer, KafkaServer, Server, cpu_seconds, resident_mb
from benchmarks.wire import record_batch

ALONE, TOGETHER = 1, 50
EXTRA_MS = 2
_HEAD = (
    "",
    "write and fsync, no broker",
    f"{ALONE} producer",
    f"{TOGETHER} producers",
    f"{TOGETHER} beside {ALONE}",
    f"{TOGETHER}: p99",
    f"{TOGETHER}: CPU a request",
    "memory",
)


@dataclass(slots=True)
class Figures:
    """One server's rounds, and how much longer a sync takes for it."""

    extra_ms: float = 0.0
    syncs: list[float] = field(default_factory=list)
    alone: list[float] = field(default_factory=list)
    together: list[float] = field(default_factory=list)
    gains: list[float] = field(default_factory=list)
    p99_ms: list[float] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)
    memory_mb: list[float] = field(default_factory=list)

    def cells(self) -> list[str]:
        """The medians, in the order of the head."""
        return [
            report.median_text(self.syncs, "/s"),
            report.median_text(self.alone, "req/s"),
            report.median_text(self.together, "req/s"),
            report.median_text(self.gains, "times"),
            report.median_text(self.p99_ms, "ms"),
            report.median_text(self.cpu_us, "µs"),
            report.median_text(self.memory_mb, "MB"),
        ]


def write_and_sync(folder: str, seconds: float, extra_s: float) -> Measured:
    """Append a batch of one record and sync it, which takes `extra_s` longer, over and over."""
    batch = record_batch(1, b"x" * 100)
    sync = getattr(os, "fdatasync", os.fsync)
    count = 0
    with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
        started = time.perf_counter()
        while (elapsed := time.perf_counter() - started) < seconds:
            file.write(batch)
            if extra_s:
                time.sleep(extra_s)
            sync(file.fileno())
            count += 1
    return Measured(count, elapsed)


def produce(server: Server, producers: int, seconds: float) -> Measured:
    """`producers` connections with one request in flight each; every answer after its sync."""
    with fresh_topic(server, config={"flush.messages": "1"}) as topic:
        return produce_singles(
            server.port, topic, connections=producers, in_flight=1, seconds=seconds, acks=-1
        )


def measure_server(server: Server, seconds: float, figures: Figures) -> None:
    """One round."""
    with tempfile.TemporaryDirectory(prefix="flowlog-bench-") as folder:
        figures.syncs.append(write_and_sync(folder, seconds, figures.extra_ms / 1000).rate)
    alone = produce(server, ALONE, seconds)
    before_s = cpu_seconds(server.pid)
    together = produce(server, TOGETHER, seconds)
    figures.cpu_us.append((cpu_seconds(server.pid) - before_s) * 1e6 / together.count)
    figures.alone.append(alone.rate)
    figures.together.append(together.rate)
    figures.gains.append(together.rate / alone.rate)
    figures.p99_ms.append(together.p99_ms or 0.0)
    figures.memory_mb.append(resident_mb(server.pid) or 0.0)
    print(f"  {server.name:20} {alone.rate:.0f} and {together.rate:.0f} req/s", flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print progress and the table."""
    options = _options(arguments)
    os.environ[slow_disk.SYNC_MS] = str(EXTRA_MS)
    servers: list[Server] = [
        FlowlogServer(),
        FlowlogServer(f"flowlog, a sync {EXTRA_MS} ms slower", module="benchmarks.slow_disk"),
    ]
    if options.kafka_script:
        servers.append(KafkaServer(Path(options.kafka_script), options.kafka_port or free_port()))
    seconds, rounds = (0.2, 1) if options.quick else (options.seconds, options.rounds)
    print(report.machine(), flush=True)
    figures = {server.name: Figures() for server in servers}
    figures[servers[1].name].extra_ms = EXTRA_MS
    try:
        for server in servers:
            server.start()
        for number in range(rounds):
            for server in servers[:: 1 if number % 2 == 0 else -1]:
                measure_server(server, seconds, figures[server.name])
    finally:
        for server in servers:
            server.discard()
    rows = [[name, *found.cells()] for name, found in figures.items()]
    print(f"\n{report.markdown(_HEAD, rows)}")
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
