"""The long run: `python -m tests.e2e.zombies --rounds 100 [--seed N] [--bootstrap HOST:PORT]`."""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from pathlib import Path

from flowlog.testing.broker_process import BrokerProcess
from tests.e2e.zombies.rounds import fence_again_and_again


def main() -> int:
    """Print what was broken, one promise a line; exit code 1 if anything was."""
    parser = argparse.ArgumentParser(prog="python -m tests.e2e.zombies", description=__doc__)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--bootstrap", help="a running broker, in place of a flowlog of its own")
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    if options.bootstrap:
        broken = _run(options.bootstrap, options)
    else:
        with (
            tempfile.TemporaryDirectory(prefix="flowlog-zombies-") as folder,
            BrokerProcess(Path(folder)) as broker,
        ):
            broken = _run(broker.bootstrap, options)
    for promise in broken:
        print(promise)
    print(f"{options.rounds} rounds, {len(broken)} promises broken")
    return 1 if broken else 0


def _run(bootstrap: str, options: argparse.Namespace) -> list[str]:
    return fence_again_and_again(bootstrap, rounds=options.rounds, seed=options.seed)


if __name__ == "__main__":
    sys.exit(main())
