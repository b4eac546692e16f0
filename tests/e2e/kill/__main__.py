"""The long run: `python -m tests.e2e.kill --rounds 50 [--seed N] [--kafka-script PATH]`."""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from pathlib import Path

from tests.e2e.kill.brokers import ApacheKafka, KillableBroker, flowlog_broker
from tests.e2e.kill.rounds import kill_again_and_again


def main() -> int:
    """Print what was broken, one promise a line; exit code 1 if anything was."""
    options = _options()
    print(f"seed {options.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="flowlog-kill-") as folder:
        broker = _broker(options, Path(folder))
        broker.start()
        try:
            broken = kill_again_and_again(broker, rounds=options.rounds, seed=options.seed)
        finally:
            broker.stop()
    for promise in broken:
        print(promise)
    print(f"{options.rounds} rounds, {len(broken)} promises broken")
    return 1 if broken else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.e2e.kill", description=__doc__)
    parser.add_argument("--rounds", type=int, default=50, help="how often to kill it")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--kafka-script", type=Path, help="kill an Apache Kafka instead")
    parser.add_argument("--kafka-port", type=int, default=19092)
    return parser.parse_args()


def _broker(options: argparse.Namespace, folder: Path) -> KillableBroker:
    if options.kafka_script:
        return ApacheKafka(options.kafka_script, options.kafka_port)
    return flowlog_broker(folder)


if __name__ == "__main__":
    sys.exit(main())
