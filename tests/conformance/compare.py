"""Hold flowlog's answers beside those of an Apache Kafka: `python -m tests.conformance.compare`.

    --kafka HOST:PORT     a running Kafka to ask; without it, what was recorded of one counts
    --flowlog HOST:PORT   a running flowlog; without it, one is started
    --record              keep what the Kafka answers as the new recording
    --api KEY             only the cases of this API; may be repeated

Prints each field that differs and is not in `accepted.py`; exits with 1 when there is one. The
Kafka should have no authorizer; `CONTRIBUTING.md` has the settings of the one that was recorded.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import tests.conformance.cases  # noqa: F401 - importing collects them
from flowlog.testing.broker_process import BrokerProcess
from tests.conformance.differences import differences
from tests.conformance.probe import CASES
from tests.conformance.recording import Recording, load, merged, save
from tests.conformance.running import common, served_versions, tell_all

BROKER_PROPERTIES: Final = {
    "node.id": "1",
    "num.partitions": "4",
    "offsets.topic.num.partitions": "4",
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "1000",
    "group.consumer.min.heartbeat.interval.ms": "100",
    "group.consumer.heartbeat.interval.ms": "1000",
    "group.consumer.min.session.timeout.ms": "2000",
}
"""The settings of the Kafka that was recorded, as far as an answer shows them."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare and report; the exit code."""
    options = _parser().parse_args(arguments)
    chosen = [case for case in CASES if not options.api or case.api_key in options.api]
    with _flowlog(options.flowlog) as bootstrap:
        if options.kafka:
            ranges = served_versions(options.kafka)
            kafka = Recording(ranges, tell_all(options.kafka, ranges, chosen))
        else:
            kafka = load()
        if options.record:
            save(merged(load(), kafka) if options.api else kafka)
        flowlog = tell_all(bootstrap, common(kafka.ranges, served_versions(bootstrap)), chosen)
    found = list(differences(kafka.transcripts, flowlog))
    surprising = [row for row in found if row.accepted is None]
    for row in surprising:
        print(row)
    print(
        f"{len(flowlog)} stories, {sum(map(len, flowlog.values()))} answers: "
        f"{len(found) - len(surprising)} accepted differences, {len(surprising)} others"
    )
    return 1 if surprising else 0


@contextmanager
def _flowlog(bootstrap: str | None) -> Iterator[str]:
    if bootstrap:
        yield bootstrap
        return
    with (
        tempfile.TemporaryDirectory() as folder,
        BrokerProcess(Path(folder), BROKER_PROPERTIES) as broker,
    ):
        yield broker.bootstrap


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.conformance.compare")
    parser.add_argument("--kafka", metavar="HOST:PORT")
    parser.add_argument("--flowlog", metavar="HOST:PORT")
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--api", type=int, action="append", metavar="KEY")
    return parser


if __name__ == "__main__":
    sys.exit(main())
