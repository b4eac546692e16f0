"""`python -m benchmarks.streams`: flowlog's streams beside its peers, on one broker.

The broker is flowlog's; an Apache Kafka when `--kafka-script` or FLOWLOG_KAFKA_SCRIPT names a
script that starts one; or the one that `--bootstrap` names.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks import report
from benchmarks.raw_loads import free_port
from benchmarks.servers import FlowlogServer, KafkaServer, Server, cpu_seconds
from benchmarks.streams.drain import drain
from benchmarks.streams.frameworks import FRAMEWORKS, JOBS, RESTORE, Framework
from benchmarks.streams.restore import restore
from benchmarks.streams.results import Results

_QUICK_EVENTS = 2_000


class Benchmark:
    """The frameworks and jobs of one run."""

    def __init__(self, options: argparse.Namespace, bootstrap: str, server_pid: int | None) -> None:
        self._frameworks = [FRAMEWORKS[name] for name in options.frameworks.split(",")]
        self._jobs = options.jobs.split(",")
        self._count = _QUICK_EVENTS if options.quick else options.events
        self._key_count = _QUICK_EVENTS if options.quick else options.keys
        self._rounds = 1 if options.quick else options.rounds
        self._deadline_s = options.deadline
        self._bootstrap = bootstrap
        self._server_pid = server_pid
        self.results = Results([framework.name for framework in self._frameworks])

    def run(self) -> None:
        """All rounds; the order of the frameworks turns from one to the next."""
        for number in range(self._rounds):
            for job in self._jobs:
                for framework in self._frameworks[:: 1 if number % 2 == 0 else -1]:
                    if job in framework.jobs:
                        self._run_one(framework, job)

    def _run_one(self, framework: Framework, job: str) -> None:
        before_s = self._server_cpu_s()
        if job == RESTORE:
            done = restore(framework, self._bootstrap, self._key_count, deadline_s=self._deadline_s)
        else:
            count = max(1_000, int(self._count * framework.share))
            done = drain(framework, job, self._bootstrap, count, deadline_s=self._deadline_s)
        server_s = self._server_cpu_s() - before_s if self._server_pid else None
        self.results.add(job, framework.name, done, server_s)
        print(f"  {framework.name:14} {job}: {report.number(done.rate)} a second", flush=True)

    def _server_cpu_s(self) -> float:
        return cpu_seconds(self._server_pid) if self._server_pid else 0.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print progress and the table."""
    options = _options(arguments)
    print(report.machine(), flush=True)
    if options.bootstrap:
        benchmark = Benchmark(options, options.bootstrap, None)
        benchmark.run()
    else:
        server = _server(options)
        server.start()
        try:
            benchmark = Benchmark(options, f"127.0.0.1:{server.port}", server.pid)
            benchmark.run()
        finally:
            server.discard()
    print(f"\n{benchmark.results.table(JOBS)}")
    return 0


def _server(options: argparse.Namespace) -> Server:
    if options.kafka_script:
        return KafkaServer(Path(options.kafka_script), options.kafka_port or free_port())
    return FlowlogServer()


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.streams", description=__doc__)
    parser.add_argument("--bootstrap", help="HOST:PORT of a broker that runs already")
    parser.add_argument("--kafka-script", default=os.environ.get("FLOWLOG_KAFKA_SCRIPT"))
    parser.add_argument("--kafka-port", type=int, help="its port; a free one otherwise")
    parser.add_argument("--events", type=int, default=400_000)
    parser.add_argument("--keys", type=int, default=1_000_000, help="of a store to restore")
    parser.add_argument("--rounds", type=int, default=3, help="medians are printed")
    parser.add_argument("--frameworks", default=",".join(FRAMEWORKS))
    parser.add_argument("--jobs", default=",".join(JOBS))
    parser.add_argument("--deadline", type=float, default=300.0, help="seconds for one run")
    parser.add_argument("--quick", action="store_true", help="few events, to see that it runs")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
