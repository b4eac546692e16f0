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
from benchmarks.loads import LOADS
from benchmarks.loads.load import FULL, QUICK, Load, Part, Size
from benchmarks.raw_loads import free_port
from benchmarks.results import Results
from benchmarks.servers import FlowlogServer, KafkaServer, Server, cpu_seconds, resident_mb

PROCESS = "the process"


def measure(servers: Sequence[Server], loads: Sequence[Load], size: Size, rounds: int) -> Results:
    """Start the servers, run every load on each in turn `rounds` times, stop them."""
    results = Results([server.name for server in servers])
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
            if memory is not None:
                results.add(PROCESS, "memory after all loads", "MB", server.name, memory)
    finally:
        for server in servers:
            server.discard()
    return results


def _measure_start(server: Server, results: Results) -> None:
    for name in ("first start until it answers", "start again until it answers"):
        server.stop()
        seconds = server.start()
        cpu_s = cpu_seconds(server.pid)
        results.add(PROCESS, name, "s", server.name, seconds, cpu=cpu_s)
    memory = resident_mb(server.pid)
    if memory is not None:
        results.add(PROCESS, "memory idle", "MB", server.name, memory)


def _measure_load(server: Server, load: Load, size: Size, results: Results) -> None:
    os.sync()  # Nobody waits for the disk because of what another load has left to be written.
    before_s = cpu_seconds(server.pid)
    for part in load.run(server, size):
        used_s = cpu_seconds(server.pid) - before_s
        name = ": ".join(filter(None, (load.name, part.name)))
        _add(results, load.area, name, server, part, used_s)
        before_s = cpu_seconds(server.pid)


def _add(results: Results, area: str, name: str, server: Server, part: Part, cpu_s: float) -> None:
    """A line for the rate or the time, and one for each percentile."""
    measured = part.measured
    memory = resident_mb(server.pid)
    if part.unit == "s":
        value, said, cpu = measured.seconds, "s", cpu_s
    else:
        value, said, cpu = measured.rate, part.unit or "rec/s", cpu_s * 1e6 / measured.count
    print(f"  {server.name:12} {name}: {report.number(value)} {said}", flush=True)
    if part.unit:
        results.add(area, name, part.unit, server.name, value, cpu=cpu, memory_mb=memory)
    percentiles = {"p50": measured.p50_ms, "p99": measured.p99_ms}
    if not part.unit:
        percentiles["p99.9"] = measured.p999_ms
    for title, wait_ms in percentiles.items():
        if wait_ms is not None:
            results.add(area, f"{name}: {title}", "ms", server.name, wait_ms)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print progress and the tables."""
    options = _options(arguments)
    servers: list[Server] = [FlowlogServer()]
    if options.kafka_script:
        servers.append(KafkaServer(Path(options.kafka_script), options.kafka_port or free_port()))
    loads = [load for load in LOADS if options.only in f"{load.area}, {load.name}"]
    size = QUICK if options.quick else FULL
    print(report.machine(), flush=True)
    results = measure(servers, loads, size, 1 if options.quick else options.rounds)
    for area, table in results.tables():
        print(f"\n### {area[0].upper()}{area[1:]}\n\n{table}")
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.broker", description=__doc__)
    parser.add_argument("--kafka-script", default=os.environ.get("FLOWLOG_KAFKA_SCRIPT"))
    parser.add_argument("--kafka-port", type=int, help="its port; a free one otherwise")
    parser.add_argument("--rounds", type=int, default=3, help="medians are printed")
    parser.add_argument("--only", default="", help="loads whose area and name contain this")
    parser.add_argument("--quick", action="store_true", help="seconds, to see that it runs")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
