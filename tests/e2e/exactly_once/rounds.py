"""Feed, kill, go on; then wait until everything is copied and read it back."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import confluent_kafka as ck
from confluent_kafka.admin import AdminClient, NewTopic

from flowlog.testing.broker_process import BrokerProcess
from tests.e2e.exactly_once.checker import broken_promises
from tests.e2e.exactly_once.copier import (
    GROUP,
    INPUT,
    OUTPUT,
    PAUSE_S,
    SESSION_TIMEOUT_MS,
    transformed,
)
from tests.e2e.exactly_once.processes import CopierProcess
from tests.e2e.exactly_once.reading import read_topic
from tests.e2e.kill.load import client_settings

PARTITION_COUNT: Final = 4
DEADLINE_S: Final = 120.0
PROPERTIES: Final = {
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "500",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.num.partitions": "4",
}


class NoProgressError(Exception):
    """Everything is up, and yet the workers do not come to the end of their input."""


@dataclass(frozen=True)
class Plan:
    """How much of it. `is_plain`: without transactions, which is to fail."""

    records: int
    rounds: int
    seed: int
    copiers: int = 3
    is_plain: bool = False


def copy_under_kills(
    broker: BrokerProcess, folder: Path, plan: Plan, say: Callable[[str], None] = print
) -> list[str]:
    """Run the rounds on a started broker; the promises that were broken.

    Raises:
        NoProgressError: the output does not become complete.
    """
    rng = random.Random(plan.seed)
    _create_topics(broker.bootstrap)
    feeder = Feeder(broker.bootstrap)
    with ExitStack() as stack:
        copiers = []
        for number in range(plan.copiers):
            log = folder / f"copier-{number}.log"
            copiers.append(
                CopierProcess(broker.bootstrap, f"copier-{number}", log, is_plain=plan.is_plain)
            )
            stack.callback(copiers[-1].kill)
        for number in range(1, plan.rounds + 1):
            before = copied(broker.bootstrap)
            feeder.feed(plan.records * number // plan.rounds - feeder.count)
            _wait_until_copied(broker.bootstrap, before + 1)
            # The copiers run on: how long, not what for. Without transactions it is half a pause.
            time.sleep(5 * PAUSE_S if plan.is_plain else rng.uniform(0.0, 0.3))
            what = _kill_all(copiers) if plan.is_plain else _strike(rng, broker, copiers)
            say(f"round {number}: {what}; {before} of {feeder.count} copied before")
        _wait_until_copied(broker.bootstrap, feeder.count)
    expected = {p: [transformed(v) for v in values] for p, values in feeder.fed.items()}
    return broken_promises(expected, read_topic(broker.bootstrap, OUTPUT, PARTITION_COUNT))


def _strike(rng: random.Random, broker: BrokerProcess, copiers: list[CopierProcess]) -> str:
    """Do harm to someone."""
    victim = rng.choice(copiers)
    what = rng.choice(("a copier", "a copier", "the broker", "both", "frozen"))
    if what == "frozen":
        victim.freeze()
        time.sleep(rng.uniform(0.5, 2.0) * SESSION_TIMEOUT_MS / 1000)
        victim.thaw()
        return "a copier was frozen"
    if what != "the broker":
        victim.kill()
    if what != "a copier":
        broker.kill()
        broker.start()
    if what != "the broker":
        victim.start()
    return f"{what} killed"


def _kill_all(copiers: list[CopierProcess]) -> str:
    """Hit whoever is between records and offsets: what shows that transactions are needed."""
    for copier in copiers:
        copier.kill()
    for copier in copiers:
        copier.start()
    return "all copiers killed"


class Feeder:
    """Writes numbers to the input, each once, and knows which."""

    def __init__(self, bootstrap: str) -> None:
        self.fed: dict[int, list[bytes]] = {p: [] for p in range(PARTITION_COUNT)}
        self.count = 0
        self._failed: list[Any] = []
        self._producer = ck.Producer(
            {**client_settings(bootstrap), "enable.idempotence": True, "message.timeout.ms": 0}
        )

    def feed(self, count: int) -> None:
        """Write that many more, and return when they are acknowledged."""
        for number in range(self.count, self.count + count):
            partition, value = number % PARTITION_COUNT, b"%d" % number
            self.fed[partition].append(value)
            self._producer.produce(INPUT, value, partition=partition, on_delivery=self._on_delivery)
            self._producer.poll(0)
        self.count += count
        assert self._producer.flush(DEADLINE_S) == 0, "the input was not written"
        assert not self._failed, self._failed

    def _on_delivery(self, error: Any, message: Any) -> None:
        if error is not None:
            self._failed.append(error)


def copied(bootstrap: str) -> int:
    """How many records of the input the group has committed."""
    consumer = ck.Consumer({**client_settings(bootstrap), "group.id": GROUP})
    wanted = [ck.TopicPartition(INPUT, p) for p in range(PARTITION_COUNT)]
    try:
        return sum(max(0, row.offset) for row in consumer.committed(wanted, timeout=DEADLINE_S))
    finally:
        consumer.close()


def _wait_until_copied(bootstrap: str, count: int) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while (now := copied(bootstrap)) < count:
        if time.monotonic() > deadline:
            raise NoProgressError(f"{now} of {count} records copied within {DEADLINE_S} s")
        time.sleep(0.05)


def _create_topics(bootstrap: str) -> None:
    admin = AdminClient(client_settings(bootstrap))
    configs = {"segment.bytes": str(2**20)}  # Small, so that segments roll.
    topics = [NewTopic(name, PARTITION_COUNT, 1, config=configs) for name in (INPUT, OUTPUT)]
    for future in admin.create_topics(topics).values():
        future.result(30)
