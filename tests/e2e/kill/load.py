"""The load: a producer, a group that commits, and topics made and unmade on the side.

Each runs in a thread of its own until told to stop, keeps going while the broker is away, and
writes down what it was told.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import confluent_kafka as ck

from tests.e2e.kill.history import CommitAcknowledged, History

TOPIC = "numbers"
GROUP = "readers"
PARTITION_COUNT = 3

PAYLOAD = b"." * 100
_OUTSTANDING_MAX = 3_000


class Worker(Protocol):
    """One part of the load: `step` is called again and again, `finish` once."""

    def step(self) -> None: ...

    def finish(self) -> None: ...


@contextmanager
def running(worker: Worker, history: History) -> Iterator[None]:
    """Step `worker` in a thread; on leaving, stop and finish it. Its errors are complaints."""
    stop = threading.Event()

    def work() -> None:
        try:
            while not stop.is_set():
                worker.step()
            worker.finish()
        except Exception as error:
            history.complaints.append(f"{type(worker).__name__} ended: {error!r}")

    thread = threading.Thread(target=work, name=type(worker).__name__)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def client_settings(bootstrap: str) -> dict[str, object]:
    """What every client here is given: come back quickly, say nothing."""
    return {
        "bootstrap.servers": bootstrap,
        "log_level": 0,
        "reconnect.backoff.ms": 20,
        "reconnect.backoff.max.ms": 200,
        "retry.backoff.ms": 20,
        "topic.metadata.refresh.fast.interval.ms": 50,
        "socket.timeout.ms": 10_000,
    }


class NumberProducer:
    """Sends 0, 1, 2... round the partitions, idempotently, retrying for as long as it takes."""

    def __init__(self, bootstrap: str, history: History) -> None:
        self._history = history
        self._next = 0
        self._producer = ck.Producer(
            {
                **client_settings(bootstrap),
                "enable.idempotence": True,
                "acks": "all",
                "message.timeout.ms": 0,
                "linger.ms": 2,
                "error_cb": self._on_error,
            }
        )
        for partition in range(PARTITION_COUNT):
            history.sent[partition] = []
            history.acknowledged[partition] = {}
            history.failed[partition] = set()

    def step(self) -> None:
        if len(self._producer) < _OUTSTANDING_MAX:
            for _ in range(50):
                self._send_one()
        self._producer.poll(0.01)

    def finish(self) -> None:
        left = self._producer.flush(60)
        if left:
            self._history.complaints.append(f"{left} records were not acknowledged within 60 s")

    def _send_one(self) -> None:
        number, partition = self._next, self._next % PARTITION_COUNT
        self._next += 1
        self._history.sent[partition].append(number)
        self._producer.produce(
            TOPIC,
            value=b"%d %b" % (number, PAYLOAD),
            partition=partition,
            on_delivery=lambda error, message: self._on_delivery(number, error, message),
        )

    def _on_delivery(self, number: int, error: Any, message: Any) -> None:
        if error is None:
            self._history.acknowledged[message.partition()][number] = message.offset()
        else:
            self._history.failed[message.partition()].add(number)
            self._history.complaints.append(f"delivery of record {number} failed: {error}")

    def _on_error(self, error: Any) -> None:
        if error.fatal():
            self._history.complaints.append(f"the producer failed for good: {error}")


class NumberReader:
    """A group of one: reads, commits what it has read, and notes what is answered."""

    def __init__(self, bootstrap: str, history: History) -> None:
        self._history = history
        self._consumer = ck.Consumer(
            {
                **client_settings(bootstrap),
                "group.id": GROUP,
                "auto.offset.reset": "earliest",
                "enable.auto.commit": False,
                "session.timeout.ms": 6_000,
                "heartbeat.interval.ms": 500,
                "fetch.wait.max.ms": 100,
            }
        )
        self._consumer.subscribe([TOPIC])

    def step(self) -> None:
        records = [m for m in self._consumer.consume(2_000, 0.1) if m.error() is None]
        for message in records:
            number = int(message.value().split(b" ", 1)[0])
            self._history.see(message.partition(), message.offset(), number)
        if records:
            self._commit({m.partition(): m.offset() + 1 for m in records})

    def finish(self) -> None:
        self._consumer.close()

    def _commit(self, offsets: dict[int, int]) -> None:
        for partition, offset in offsets.items():
            tried = self._history.tried_commits.get(partition, 0)
            self._history.tried_commits[partition] = max(tried, offset)
        positions = [ck.TopicPartition(TOPIC, p, offset) for p, offset in offsets.items()]
        try:
            answers = self._consumer.commit(offsets=positions, asynchronous=False)
        except ck.KafkaException:
            return  # Nobody was told anything: it may be committed or not.
        for answer in answers:
            if answer.error is None:
                event = CommitAcknowledged(answer.partition, answer.offset)
                self._history.commits.append(event)


class Pace:
    """How long to wait before the broker dies again: drawn, so that it can be repeated."""

    def __init__(self, seed: int) -> None:
        self._rng = random.Random(seed)

    def life_s(self) -> float:
        """How long the broker is left alive, in seconds."""
        return self._rng.uniform(0.1, 1.2)

    def dies_while_starting(self) -> bool:
        return self._rng.random() < 0.2

    def start_s(self) -> float:
        """How far into its start it dies, in seconds."""
        return self._rng.uniform(0.05, 0.6)
