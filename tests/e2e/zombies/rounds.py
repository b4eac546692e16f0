"""A producer at work is replaced by another, and goes on as if nothing had happened."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import closing
from typing import Any, Final

import confluent_kafka as ck
from confluent_kafka.admin import AdminClient, NewTopic
from kio.schema.errors import ErrorCode

from tests.e2e.exactly_once.checker import broken_promises
from tests.e2e.exactly_once.reading import read_topic
from tests.e2e.zombies.raw_producer import RawProducer

TOPIC: Final = "fenced"
GROUP: Final = "fenced-readers"
PARTITION_COUNT: Final = 2
NAME_COUNT: Final = 3
NEVER: Final = 10**9
"""An offset that only a zombie commits."""
SETTINGS: Final = {"log_level": 0}


def fence_again_and_again(
    bootstrap: str, *, rounds: int, seed: int, isolation: str = "read_committed"
) -> list[str]:
    """Run the rounds; the promises that were broken. `isolation` is that of the reader."""
    rng = random.Random(seed)
    settings = {**SETTINGS, "bootstrap.servers": bootstrap}
    admin = AdminClient(settings)
    admin.create_topics([NewTopic(TOPIC, PARTITION_COUNT, 1)])[TOPIC].result(30)
    _committed_offset(settings)  # asks for the group's coordinator, which makes its topic
    expected: dict[int, list[bytes]] = {p: [] for p in range(PARTITION_COUNT)}
    broken: list[str] = []
    for number in range(rounds):
        broken += Round(bootstrap, number, rng, expected).run()
    found = read_topic(bootstrap, TOPIC, PARTITION_COUNT, isolation)
    return broken + broken_promises(expected, found) + _open_transactions(settings)


class Round:
    """One producer, its successor, and what the first one does after that."""

    def __init__(
        self, bootstrap: str, number: int, rng: random.Random, expected: dict[int, list[bytes]]
    ) -> None:
        self._rng = rng
        self._number = number
        self._expected = expected
        name = f"fenced-{rng.randrange(NAME_COUNT)}"
        self._old = RawProducer(bootstrap, name, rng.choice((1, 2)))
        self._new = RawProducer(bootstrap, name, rng.choice((1, 2)))

    def run(self) -> list[str]:
        with closing(self._old), closing(self._new):
            self._work()
            self._replace()
            attacks = self._attacks()
            self._rng.shuffle(attacks)
            told = [self._attack(attack) for attack in attacks[:3]]
            self._transact(self._new, b"new")
            told += [self._attack(attack) for attack in attacks[3:]]
            self._transact(self._new, b"newer")
        return [line for line in told if line]

    def _work(self) -> None:
        """The old one comes so far."""
        old, rng = self._old, self._rng
        old.start()
        if rng.random() < 0.5:
            self._transact(old, b"kept")
        if rng.random() < 0.8:
            for partition in range(rng.randint(1, PARTITION_COUNT)):
                error = ErrorCode.concurrent_transactions
                while error in (ErrorCode.concurrent_transactions, ErrorCode.not_enough_replicas):
                    error = old.add_and_write(TOPIC, partition, self._value(b"unfinished"))
                assert error is ErrorCode.none, error
            if rng.random() < 0.5:
                assert old.commit_offset(GROUP, TOPIC, NEVER) is ErrorCode.none

    def _replace(self) -> None:
        """The new one starts. Until it is told so the old one may abort, and then go on (KIP-890):
        that alone is not tried here."""
        if self._new.initialize() is ErrorCode.none:
            return
        for attack in self._rng.sample(self._attacks(), 2):
            if attack.__name__ != "aborts":
                attack()
        self._new.start()

    def _attacks(self) -> list[Callable[[], ErrorCode]]:
        old, value = self._old, self._value(b"zombie")

        def writes() -> ErrorCode:
            return old.write(TOPIC, 0, value)

        def adds_and_writes() -> ErrorCode:
            return old.add_and_write(TOPIC, 1, value)

        def commits() -> ErrorCode:
            return old.end(commit=True)

        def aborts() -> ErrorCode:
            return old.end(commit=False)

        def commits_offsets() -> ErrorCode:
            return old.commit_offset(GROUP, TOPIC, NEVER)

        def goes_on() -> ErrorCode:
            return old.initialize(goes_on=True)

        return [writes, adds_and_writes, commits, aborts, commits_offsets, goes_on]

    def _attack(self, attack: Callable[[], ErrorCode]) -> str:
        if attack() is not ErrorCode.none:
            return ""
        old, new = self._old, self._new
        return (
            f"round {self._number}: it {attack.__name__} (version {old.version}) "
            f"after it was replaced (version {new.version})"
        )

    def _transact(self, producer: RawProducer, word: bytes) -> None:
        partition, value = self._rng.randrange(PARTITION_COUNT), self._value(word)
        producer.transact(TOPIC, partition, value)
        self._expected[partition].append(value)

    def _value(self, word: bytes) -> bytes:
        return b"%b-%d" % (word, self._number)


def _committed_offset(settings: dict[str, Any]) -> int:
    with closing(ck.Consumer({**settings, "group.id": GROUP})) as consumer:
        (position,) = consumer.committed([ck.TopicPartition(TOPIC, 0)], timeout=10)
    offset: int = position.offset
    return offset


def _end_offset(settings: dict[str, Any], partition: int, isolation: str) -> int:
    settings = {**settings, "group.id": GROUP, "isolation.level": isolation}
    with closing(ck.Consumer(settings)) as consumer:
        target = ck.TopicPartition(TOPIC, partition)
        end: int = consumer.get_watermark_offsets(target, timeout=10)[1]
    return end


def _open_transactions(settings: dict[str, Any]) -> list[str]:
    """Offsets of zombies, and whatever holds readers of committed records back."""
    lines = []
    if _committed_offset(settings) == NEVER:
        lines.append("an offset of a fenced producer was committed")
    for partition in range(PARTITION_COUNT):
        stable = _end_offset(settings, partition, "read_committed")
        end = _end_offset(settings, partition, "read_uncommitted")
        if stable != end:
            lines.append(f"partition {partition}: readers stop at {stable} of {end}")
    return lines
