"""kill -9 under load: nothing acknowledged is lost, doubled, reordered or taken back.

Five rounds here; `FLOWLOG_KILL_ROUNDS=50` or `python -m tests.e2e.kill --rounds 50` for more.
"""

from __future__ import annotations

import os
import random
from pathlib import Path

from tests.e2e.kill.brokers import flowlog_broker
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
