"""Producers that are replaced, and producers that die: what readers see of them, and how soon.

`python -m tests.e2e.zombies --rounds 100` fences more often.
"""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import confluent_kafka as ck
from confluent_kafka.admin import AdminClient, NewTopic

from flowlog.testing.broker_process import BrokerProcess
from tests.e2e.zombies.rounds import fence_again_and_again

TIMEOUT_MS = 1_000
GRACE_S = 5.0
DIE = """
import os, signal, sys
import confluent_kafka as ck
settings = {"bootstrap.servers": sys.argv[1], "transactional.id": "dies", "log_level": 0}
timeouts = {"transaction.timeout.ms": int(sys.argv[3]), "socket.timeout.ms": int(sys.argv[3])}
producer = ck.Producer({**settings, **timeouts})
producer.init_transactions(10)
producer.begin_transaction()
producer.produce(sys.argv[2], b"never", partition=0)
assert producer.flush(10) == 0
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_nothing_of_a_fenced_epoch_is_ever_seen(tmp_path: Path) -> None:
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    with BrokerProcess(tmp_path) as broker:
        assert fence_again_and_again(broker.bootstrap, rounds=15, seed=seed) == []


def test_who_reads_everything_does_see_it(tmp_path: Path) -> None:
    with BrokerProcess(tmp_path) as broker:
        broken = fence_again_and_again(
            broker.bootstrap, rounds=5, seed=1, isolation="read_uncommitted"
        )

    assert any("unfinished" in line for line in broken), broken


def test_a_dead_producer_holds_readers_back_no_longer_than_its_timeout(tmp_path: Path) -> None:
    topic = "held-back"
    with BrokerProcess(tmp_path) as broker:
        settings = {"bootstrap.servers": broker.bootstrap, "log_level": 0}
        admin = AdminClient(settings)
        admin.create_topics([NewTopic(topic, 1, 1)])[topic].result(10)
        command = [sys.executable, "-c", DIE, broker.bootstrap, topic, str(TIMEOUT_MS)]
        died = subprocess.run(command, check=False, timeout=30)
        since = time.monotonic()
        assert died.returncode == -signal.SIGKILL
        producer = ck.Producer(settings)
        producer.produce(topic, b"behind it", partition=0)
        assert producer.flush(10) == 0
        assert _first(settings, topic, "read_uncommitted") == b"never"
        assert time.monotonic() - since < TIMEOUT_MS / 1000, "too late to see that it holds back"
        assert _first(settings, topic, "read_committed") == b"behind it"
        waited_s = time.monotonic() - since

    assert TIMEOUT_MS / 1000 - 0.5 < waited_s < TIMEOUT_MS / 1000 + GRACE_S


def _first(settings: dict[str, object], topic: str, isolation: str) -> bytes:
    """The first record that a reader gets, however long it takes."""
    consumer = ck.Consumer({**settings, "group.id": "reader", "isolation.level": isolation})
    try:
        consumer.assign([ck.TopicPartition(topic, 0, 0)])
        (message,) = consumer.consume(1, 30)
        assert message.error() is None, message.error()
        value: bytes = message.value()
        return value
    finally:
        consumer.close()
