"""The flights app as seen from outside: reports go in, answers come out of topics and tables.

Reports are written and answers read with confluent-kafka and plain JSON, so that a mistake in
flowlog's own writing and reading would show.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    ConsumerGroupTopicPartitions,
    KafkaException,
    Producer,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient, OffsetSpec

from tests.e2e.worker_process import WorkerProcess
from tests.examples.flights_batch import Row, Totals, WindowTotals

APP = "flowlog.demo.flights:app"
GROUP = "flights"
INPUT, LATE = "flights", "late-departures"
HOURS, ROUTE_DAYS = "carrier-hours-closed", "route-days-closed"
DEADLINE_S = 90.0


class FlightsWorld:
    """A broker on which workers of the app come and go."""

    def __init__(self, bootstrap: str, folder: Path, worker_properties: Mapping[str, str]) -> None:
        self._bootstrap = bootstrap
        self._folder = folder
        self._worker_properties = worker_properties
        self._admin = AdminClient({"bootstrap.servers": bootstrap})
        self._producer = Producer({"bootstrap.servers": bootstrap, "enable.idempotence": True})
        self.workers: list[WorkerProcess] = []

    def add_worker(self) -> WorkerProcess:
        name = f"worker-{len(self.workers)}"
        worker = WorkerProcess(APP, self._bootstrap, self._folder, name, self._worker_properties)
        self.workers.append(worker)
        worker.start()
        return worker

    def close(self) -> None:
        """End the workers, then the clients, which would complain about a broker that ends."""
        for worker in self.workers:
            worker.close()
        del self._admin, self._producer

    def reset(self) -> None:
        """Forget what an earlier run left on a broker that is not ours."""
        own = {INPUT, LATE, HOURS, ROUTE_DAYS}
        names = [name for name in self._topics() if name in own or name.startswith(f"{GROUP}-")]
        if names:
            for future in self._admin.delete_topics(names).values():
                future.result()
        for future in self._admin.delete_consumer_groups([GROUP]).values():
            with suppress(KafkaException):  # there is none
                future.result()
        wait_until(lambda: not self._topics().keys() & set(names), "deleted")

    def publish(self, rows: Iterable[Row]) -> None:
        """Write reports to the app's input and wait until the broker has them."""
        for row in rows:
            scheduled = datetime.fromtimestamp(row.scheduled_ms / 1000, UTC)
            report = {
                "scheduled": scheduled.isoformat(),
                "delay_minutes": row.delay_minutes,
                "carrier": row.carrier,
                "number": row.number,
                "origin": row.origin,
                "destination": row.destination,
            }
            self._producer.produce(INPUT, json.dumps(report), key=f"{row.carrier}{row.number}")
            self._producer.poll(0)
        assert self._producer.flush(DEADLINE_S) == 0

    def publish_slowly(self, rows: Sequence[Row], *, seconds: float) -> None:
        """Publish evenly over a time, so that something can happen meanwhile."""
        started, slices = time.monotonic(), 50
        for number in range(slices):
            time.sleep(max(0.0, started + seconds * number / slices - time.monotonic()))
            self.publish(rows[len(rows) * number // slices : len(rows) * (number + 1) // slices])

    def wait_for_topics(self) -> None:
        """Wait until the worker has made the topics that the app names."""
        wait_until(lambda: {INPUT, LATE, HOURS, ROUTE_DAYS} <= self._topics().keys(), "topics")

    def wait_until_counted(self) -> None:
        """Wait until everything published, and everything that followed from it, is counted."""
        wait_until(self._is_counted, "counted", self._log_of_workers)

    def counted(self) -> int:
        """How many reports the app has finished with, as its group committed."""
        committed = self._committed({INPUT: self._topics()[INPUT]})
        return sum(offset for offset in committed.values() if offset > 0)

    def is_shared(self) -> bool:
        """Whether every worker runs tasks."""
        answers = [worker.ask("/v1/tasks") for worker in self.workers]
        return all(answer is not None and answer["tasks"] for answer in answers)

    def read(self, topic: str) -> list[tuple[bytes, Any]]:
        """All records of a topic, key and parsed value."""
        ends = self._ends({topic: self._topics()[topic]})
        consumer = Consumer({"bootstrap.servers": self._bootstrap, "group.id": "reader"})
        consumer.assign([TopicPartition(*name, OFFSET_BEGINNING) for name in ends])
        try:
            return list(_read_to(consumer, ends))
        finally:
            consumer.close()

    def closed_windows(self, topic: str) -> WindowTotals:
        """The windows in a topic of closed ones; one that comes twice says the same twice."""
        windows: WindowTotals = {}
        for key, value in self.read(topic):
            window = key[:-8].decode(), int.from_bytes(key[-8:], "big")
            assert windows.setdefault(window, _totals(value)) == _totals(value), window
        return windows

    def open_windows(self, table: str, keys: Iterable[str]) -> WindowTotals:
        """The windows that the table still holds open, asked over HTTP."""
        return {
            (key, window["start"]): _totals(window["value"])
            for key in keys
            for window in self._ask(f"/v1/tables/{table}/{key}?since=0")["windows"]
            if not window["closed"]
        }

    def value(self, table: str, key: str) -> Any:
        """What a table holds for a key, asked over HTTP."""
        return self._ask(f"/v1/tables/{table}/{key}")["value"]

    def worst_routes(self, day: str) -> list[tuple[str, int, int]]:
        """Route, departures and delay of a day's worst routes, asked over HTTP."""
        routes = self.value("worst-routes", day)["routes"]
        return [(route["route"], *_totals(route)) for route in routes]

    def partition_count(self, topic: str) -> int:
        return self._topics()[topic]

    def _ask(self, path: str) -> Any:
        """Any worker's answer: one that does not own the key passes the question on."""
        found: list[Any] = []

        def has_answer() -> bool:
            found[:] = [worker.ask(path) for worker in self.workers if worker.is_running]
            return bool(found) and None not in found

        wait_until(has_answer, f"an answer to {path}", self._log_of_workers)
        return found[0]

    def _is_counted(self) -> bool:
        """Input before output: what is finished upstream has already been written downstream."""
        topics = self._topics()
        between = sorted(name for name in topics if name.endswith("-repartition"))
        for name in (INPUT, *between, ROUTE_DAYS, *between):
            part = {name: topics[name]}
            committed = self._committed(part)
            if any(committed[at] < end for at, end in self._ends(part).items() if end > 0):
                return False
        return True

    def _topics(self) -> dict[str, int]:
        """Partition counts by topic."""
        listed = self._admin.list_topics(timeout=10).topics
        return {name: len(topic.partitions) for name, topic in listed.items()}

    def _committed(self, topics: Mapping[str, int]) -> dict[tuple[str, int], int]:
        asked = ConsumerGroupTopicPartitions(
            GROUP, [TopicPartition(*name) for name in _partitions(topics)]
        )
        [future] = self._admin.list_consumer_group_offsets([asked]).values()
        try:
            return {(p.topic, p.partition): p.offset for p in future.result().topic_partitions}
        except KafkaException:  # the group's coordinator is still starting
            return dict.fromkeys(_partitions(topics), -1)

    def _ends(self, topics: Mapping[str, int]) -> dict[tuple[str, int], int]:
        asked = {TopicPartition(*name): OffsetSpec.latest() for name in _partitions(topics)}
        futures = self._admin.list_offsets(asked)
        return {(p.topic, p.partition): f.result().offset for p, f in futures.items()}

    def _log_of_workers(self) -> str:
        return "\n".join(worker.log() for worker in self.workers)


def wait_until(
    reached: Callable[[], bool], what: str, explain: Callable[[], str] = lambda: ""
) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not reached():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not {what} within {DEADLINE_S} s\n{explain()}")
        time.sleep(0.1)


def _partitions(topics: Mapping[str, int]) -> list[tuple[str, int]]:
    return [(topic, number) for topic, count in topics.items() for number in range(count)]


def _read_to(
    consumer: Consumer, ends: Mapping[tuple[str, int], int]
) -> Iterator[tuple[bytes, Any]]:
    left = {name: end for name, end in ends.items() if end > 0}
    deadline = time.monotonic() + DEADLINE_S
    while left:
        assert time.monotonic() < deadline, f"not read: {left}"
        for message in consumer.consume(1000, 0.2):
            assert message.error() is None, message.error()
            yield message.key() or b"", json.loads(message.value())
            name = message.topic(), message.partition()
            if message.offset() + 1 >= ends[name]:
                left.pop(name, None)


def _totals(value: Mapping[str, int]) -> Totals:
    return value["departures"], value["delay_minutes"]
