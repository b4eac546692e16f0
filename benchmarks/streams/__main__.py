"""`python -m benchmarks.streams`: flowlog's streams beside Quix Streams and Faust.

On flowlog's broker, or on the one that `--bootstrap` names.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from benchmarks import report
from benchmarks.servers import FlowlogServer
from benchmarks.streams.drain import drain
from benchmarks.streams.frameworks import FAUST, FLOWLOG, QUIX, Framework

JOBS = {
    "map": "map to a topic",
    "count": "count per key",
    "sum": "tumbling sum, on close",
}
_FRAMEWORKS = {"flowlog": FLOWLOG, "quix": QUIX, "faust": FAUST}

Rates = dict[str, dict[str, list[float]]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print progress and the table."""
    options = _options(arguments)
    frameworks = [_FRAMEWORKS[name] for name in options.frameworks.split(",")]
    count, rounds = (2_000, 1) if options.quick else (options.events, options.rounds)
    print(report.machine(), flush=True)
    if options.bootstrap:
        rates = _measure(frameworks, options, options.bootstrap, count, rounds)
    else:
        server = FlowlogServer()
        server.start()
        try:
            rates = _measure(frameworks, options, f"127.0.0.1:{server.port}", count, rounds)
        finally:
            server.discard()
    print()
    print(_table(rates, frameworks))
    return 0


def _measure(
    frameworks: Sequence[Framework],
    options: argparse.Namespace,
    bootstrap: str,
    count: int,
    rounds: int,
) -> Rates:
    rates: Rates = {job: {} for job in options.jobs.split(",")}
    for number in range(rounds):
        for job, by_framework in rates.items():
            for framework in frameworks if number % 2 == 0 else reversed(frameworks):
                share = max(1_000, int(count * framework.share))
                rate = drain(framework, job, bootstrap, share, deadline_s=options.deadline)
                by_framework.setdefault(framework.name, []).append(rate)
                print(f"  {framework.name:12} {job}: {report.number(rate)} events/s", flush=True)
    return rates


def _table(rates: Rates, frameworks: Sequence[Framework]) -> str:
    """Rates of all, then how many times flowlog's rate each other one's is."""
    names = [framework.name for framework in frameworks]
    rows = [report.Row(JOBS[job], "ev/s", values) for job, values in rates.items()]
    columns = [[names[0], other] for other in names[1:]] or [names]
    return "\n\n".join(report.table(rows, pair) for pair in columns)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.streams", description=__doc__)
    parser.add_argument("--bootstrap", help="HOST:PORT; a flowlog broker of its own otherwise")
    parser.add_argument("--events", type=int, default=400_000)
    parser.add_argument("--rounds", type=int, default=3, help="medians are printed")
    parser.add_argument("--frameworks", default="flowlog,quix,faust")
    parser.add_argument("--jobs", default=",".join(JOBS))
    parser.add_argument("--deadline", type=float, default=300.0, help="seconds for one run")
    parser.add_argument("--quick", action="store_true", help="few events, to see that it runs")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
