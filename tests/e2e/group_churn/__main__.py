"""The long run: `python -m tests.e2e.group_churn --seconds 120 --members 50 --protocol classic`."""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from pathlib import Path

import anyio

from flowlog.testing.broker_process import BrokerProcess
from tests.e2e.group_churn.setting import PROPERTIES, PROTOCOLS, churn


def main() -> int:
    """Print what was broken, one promise a line; exit code 1 if anything was."""
    parser = argparse.ArgumentParser(prog="python -m tests.e2e.group_churn", description=__doc__)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--members", type=int, default=50)
    parser.add_argument("--partitions", type=int, default=100)
    parser.add_argument("--protocol", choices=PROTOCOLS, default="classic")
    parser.add_argument("--client", choices=("raw", "confluent"), default="raw")
    parser.add_argument("--pause", type=float, default=0.5, help="seconds between two changes")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--bootstrap", help="a running broker, in place of a flowlog of its own")
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    if options.bootstrap:
        return _run(options.bootstrap, options)
    with (
        tempfile.TemporaryDirectory(prefix="flowlog-churn-") as folder,
        BrokerProcess(Path(folder), PROPERTIES) as broker,
    ):
        return _run(broker.bootstrap, options)


def _run(bootstrap: str, options: argparse.Namespace) -> int:
    async def run() -> int:
        churned = await churn(
            bootstrap,
            protocol=options.protocol,
            client=options.client,
            member_count=options.members,
            partition_count=options.partitions,
            seconds=options.seconds,
            pause_s=options.pause,
            rng=random.Random(options.seed),
        )
        for promise in churned.broken:
            print(promise)
        rest = (
            "never" if churned.rest_s is None else f"{churned.rest_s:.2f} s after the last change"
        )
        print(
            f"{churned.changes} members came or went, {churned.gains} partitions changed hands, "
            f"stable {rest}, {len(churned.broken)} promises broken"
        )
        return 1 if churned.broken else 0

    return anyio.run(run)


if __name__ == "__main__":
    sys.exit(main())
