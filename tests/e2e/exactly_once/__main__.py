"""The long run: `python -m tests.e2e.exactly_once --records 100000 --rounds 40 [--seed N]`.

`--plain` copies without transactions and is to find duplicates.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from pathlib import Path

from flowlog.testing.broker_process import BrokerProcess
from tests.e2e.exactly_once.rounds import PROPERTIES, Plan, copy_under_kills


def main() -> int:
    """Print what was broken, one promise a line; exit code 1 if anything was."""
    options = _options()
    print(f"seed {options.seed}", flush=True)
    plan = Plan(options.records, options.rounds, options.seed, is_plain=options.plain)
    with tempfile.TemporaryDirectory(prefix="flowlog-exactly-once-") as name:
        folder = Path(name)
        with BrokerProcess(folder / "data", PROPERTIES) as broker:
            broken = copy_under_kills(broker, folder, plan, lambda line: print(line, flush=True))
    for promise in broken:
        print(promise)
    print(f"{options.records} records, {options.rounds} rounds, {len(broken)} promises broken")
    return 1 if broken else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.e2e.exactly_once", description=__doc__)
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=40, help="how often something is killed")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--plain", action="store_true", help="without transactions")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
