"""kill -9 under load: nothing acknowledged is lost, doubled, reordered or taken back.

Five rounds here; `FLOWLOG_KILL_ROUNDS=50` or `python -m tests.e2e.kill --rounds 50` for more.
"""

from __future__ import annotations

import os
import random
from pathlib import Path

from flowlog.testing.broker_process import BrokerProcess
from tests.e2e.kill.brokers import flowlog_broker
from tests.e2e.kill.load import PAYLOAD
from tests.e2e.kill.rounds import kill_again_and_again

ROUNDS = int(os.environ.get("FLOWLOG_KILL_ROUNDS", "5"))


def test_nothing_acknowledged_is_lost_when_the_broker_is_killed_again_and_again(
    tmp_path: Path,
) -> None:
    seed = int(os.environ.get("FLOWLOG_KILL_SEED") or random.randrange(10**6))
    print(f"seed {seed}: FLOWLOG_KILL_SEED={seed} draws the same times")
    broker = flowlog_broker(tmp_path)
    broker.start()
    try:
        assert kill_again_and_again(broker, rounds=ROUNDS, seed=seed) == []
    finally:
        broker.kill()


class ForgetfulBroker(BrokerProcess):
    """The negative control: when it dies, the logs of the load lose a tenth of their bytes."""

    def kill(self) -> None:
        super().kill()
        for log in self.data_dir.rglob("*.log"):
            with log.open("r+b") as file:
                if PAYLOAD in file.read(10_000):
                    file.truncate(log.stat().st_size * 9 // 10)


def test_a_broker_that_forgets_the_end_of_its_logs_is_caught(tmp_path: Path) -> None:
    broker = ForgetfulBroker(tmp_path, {"group.initial.rebalance.delay.ms": "0"})
    broker.start()
    try:  # No round: it dies once, after the load has ended.
        broken = kill_again_and_again(broker, rounds=0, seed=1)
    finally:
        broker.kill()

    assert any(promise.startswith("lost") for promise in broken), broken
