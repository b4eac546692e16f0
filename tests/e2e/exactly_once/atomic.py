"""Transactions over several partitions and a group, while the broker is killed: all or nothing.

Raw producers of both transaction versions send each request again until it is answered, as the
protocol lets them: the same batch, the same offsets, the same end under the epoch that it had.

The long run: `python -m tests.e2e.exactly_once.atomic --rounds 50 [--seed N]`.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar

import confluent_kafka as ck
from confluent_kafka.admin import AdminClient, NewTopic
from kio.schema.errors import ErrorCode

from flowlog.testing.broker_process import BrokerProcess
from tests.conformance.connection import ClosedError
from tests.e2e.exactly_once.checker import broken_promises
from tests.e2e.exactly_once.reading import read_topic
from tests.e2e.exactly_once.rounds import PROPERTIES
from tests.e2e.kill.load import client_settings
from tests.e2e.zombies.raw_producer import NOT_YET, RawProducer

R = TypeVar("R")

TOPIC: Final = "atomic"
PARTITION_COUNT: Final = 3
PRODUCER_COUNT: Final = 4
DEADLINE_S: Final = 60.0
COMING: Final = NOT_YET | {
    ErrorCode.not_enough_replicas,
    ErrorCode.not_leader_or_follower,
    ErrorCode.unknown_topic_or_partition,
}
"""Answers of a broker that has not quite started."""


@dataclass
class Author:
    """One producer: begins, writes, ends, and notes what it was told."""

    bootstrap: str
    number: int
    rng: random.Random
    committed: dict[int, list[bytes]] = field(default_factory=dict)
    offset: int = -1
    """The last that it committed for its group."""
    ended: int = 0
    complaint: str = ""

    def __post_init__(self) -> None:
        self.committed = {p: [] for p in range(PARTITION_COUNT)}
        self._producer: RawProducer | None = None

    @property
    def group(self) -> str:
        return f"atomic-{self.number}"

    def run(self, stop: threading.Event) -> None:
        try:
            self._producer = self._until(self._connect)
            with closing(self._producer):
                self._ask(self._producer.initialize)
                while not stop.is_set():
                    self._transact(self._producer)
        except Exception as error:
            self.complaint = f"producer {self.number} (version {self._version}) ended: {error!r}"

    @property
    def _version(self) -> int:
        return 1 + self.number % 2

    def _connect(self) -> RawProducer:
        return RawProducer(self.bootstrap, f"atomic-{self.number}", self._version)

    def _transact(self, producer: RawProducer) -> None:
        rng, value = self.rng, b"%d-%d" % (self.number, self.ended)
        partitions = sorted(rng.sample(range(PARTITION_COUNT), rng.randint(1, PARTITION_COUNT)))
        for partition in partitions:
            self._ask(lambda partition=partition: producer.add_and_write(TOPIC, partition, value))
        takes_offset = rng.random() < 0.5
        if takes_offset:
            self._ask(lambda: producer.commit_offset(self.group, TOPIC, self.ended))
        is_commit = rng.random() < 0.7
        self._ask(lambda: producer.end(commit=is_commit))
        if is_commit:
            for partition in partitions:
                self.committed[partition].append(value)
            self.offset = self.ended if takes_offset else self.offset
        self.ended += 1

    def _ask(self, ask: Callable[[], ErrorCode]) -> None:
        """Ask until the broker says yes; it may not say no."""

        def answered() -> bool:
            error = ask()
            assert error is ErrorCode.none or error in COMING, error
            return error is ErrorCode.none

        self._until(answered)

    def _until(self, ask: Callable[[], R]) -> R:
        """The first answer that is one, over however many connections."""
        deadline = time.monotonic() + DEADLINE_S
        while True:
            try:
                answer = ask()
                if answer:
                    return answer
            except (ClosedError, OSError):
                pass  # It was killed; whether it heard us is what the next attempt shows.
            assert time.monotonic() < deadline, "no answer"
            time.sleep(0.02)


def write_under_kills(
    broker: BrokerProcess,
    *,
    rounds: int,
    seed: int,
    isolation: str = "read_committed",
    say: Callable[[str], None] = print,
) -> list[str]:
    """Run the rounds on a started broker; the promises that were broken, to such a reader."""
    rng = random.Random(seed)
    admin = AdminClient(client_settings(broker.bootstrap))
    admin.create_topics([NewTopic(TOPIC, PARTITION_COUNT, 1)])[TOPIC].result(30)
    authors = [
        Author(broker.bootstrap, number, random.Random(rng.random()))
        for number in range(PRODUCER_COUNT)
    ]
    for author in authors:
        _committed_offset(author)  # asks for the group's coordinator, which makes its topic
    stop = threading.Event()
    threads = [threading.Thread(target=author.run, args=(stop,)) for author in authors]
    for thread in threads:
        thread.start()
    try:
        for number in range(1, rounds + 1):
            time.sleep(rng.uniform(0.05, 0.5))  # They write on: how long, not what for.
            broker.kill()
            broker.start()
            say(f"round {number}: {sum(author.ended for author in authors)} transactions")
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    return _broken(authors, read_topic(broker.bootstrap, TOPIC, PARTITION_COUNT, isolation))


def _broken(authors: Sequence[Author], found: Mapping[int, Sequence[bytes]]) -> list[str]:
    lines = [author.complaint for author in authors if author.complaint]
    for author in authors:
        own = {
            partition: [v for v in values if v.startswith(b"%d-" % author.number)]
            for partition, values in found.items()
        }
        lines += broken_promises(author.committed, own)
        offset = _committed_offset(author)
        if offset != author.offset and not (author.offset < 0 and offset < 0):
            lines.append(f"{author.group} is at {offset}, not at {author.offset}")
    return lines


def _committed_offset(author: Author) -> int:
    settings = {**client_settings(author.bootstrap), "group.id": author.group}
    with closing(ck.Consumer({**settings, "isolation.level": "read_committed"})) as consumer:
        (position,) = consumer.committed([ck.TopicPartition(TOPIC, 0)], timeout=DEADLINE_S)
    offset: int = position.offset
    return offset


def main() -> int:
    """Print what was broken, one promise a line; exit code 1 if anything was."""
    parser = argparse.ArgumentParser(prog="python -m tests.e2e.exactly_once.atomic")
    parser.add_argument("--rounds", type=int, default=50, help="how often the broker is killed")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    with (
        tempfile.TemporaryDirectory(prefix="flowlog-atomic-") as folder,
        BrokerProcess(Path(folder), PROPERTIES) as broker,
    ):
        broken = write_under_kills(broker, rounds=options.rounds, seed=options.seed)
    for promise in broken:
        print(promise)
    print(f"{options.rounds} rounds, {len(broken)} promises broken")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
