"""`python -m benchmarks.broker`: flowlog's broker beside an Apache Kafka, rounds interleaved.

Kafka takes part when `--kafka-script` or FLOWLOG_KAFKA_SCRIPT names a script that starts one
(`start`, `stop`, `wipe`, with PORT and PROFILE in the environment); otherwise flowlog runs alone.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks import report
from benchmarks.broker_loads import FULL, LOADS, QUICK, Load, Size
from benchmarks.raw_loads import Measured, free_port
from benchmarks.servers import FlowlogServer, KafkaServer, Server, cpu_seconds, resident_mb


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
