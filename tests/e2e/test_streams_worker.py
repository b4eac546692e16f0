"""Workers against a broker: topics, state, restarts, several workers, errors, questions."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import ProxyHandler, build_opener
from uuid import uuid4

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

import flowlog as fl
from flowlog.client.cluster import Cluster
from flowlog.client.groups import delete_group
from flowlog.client.offsets import end_offsets, partitions_of
from flowlog.client.settings import ClientSettings
from flowlog.streams.errors import ProcessingError, StateError
from flowlog.streams.runtime.worker import Worker
from tests.e2e.waiting import wait_until

pytestmark = pytest.mark.e2e

PARTITIONS = 4


class WordCount:
    """A fresh app with topics of its own."""

    def __init__(self, bootstrap: str, state: Path) -> None:
        self.bootstrap = bootstrap
        self.state = state
        self.name = f"words-{uuid4().hex[:8]}"
        self.table = "counts"
        self.sent: Counter[str] = Counter()
        self._producer = Producer(
            {"bootstrap.servers": bootstrap, "partitioner": "murmur2_random", "linger.ms": 5}
        )

    def make_app(self, **options: Any) -> fl.App:
        app = fl.App(self.name, partitions=PARTITIONS, **options)
        lines = app.topic(f"{self.name}-lines", value=str)

        @app.stream(lines)
        def words(line: str) -> Iterator[str]:
            if line == "poison":
                raise ValueError("poisoned")
            yield from line.split()

        counts = words.group_by(lambda w: w, name="by-word").count(name=self.table)
        counts.to(app.topic(f"{self.name}-totals", value=int))
        return app

    def send(self, count: int, word: str = "w") -> None:
        for n in range(count):
            line = f"{word}{n % 10} {word}{n % 3}"
            self.sent.update(line.split())
            self._producer.produce(f"{self.name}-lines", line.encode())
        self._producer.flush()

    def send_line(self, line: str) -> None:
        self._producer.produce(f"{self.name}-lines", line.encode())
        self._producer.flush()

    def cluster(self) -> Cluster:
        return Cluster(ClientSettings(bootstrap=self.bootstrap))

    @contextmanager
    def worker(self, state: str = "one", **options: Any) -> Iterator[RunningWorker]:
        running = RunningWorker(self, state, **options)
        try:
            yield running
        finally:
            running.stop()


class RunningWorker:
    """A worker in a thread."""

    def __init__(self, words: WordCount, state: str, **options: Any) -> None:
        self.error: BaseException | None = None
        self._stop = threading.Event()
        self.worker = Worker(
            words.make_app(**options),
            bootstrap=words.bootstrap,
            state_dir=words.state / state,
            http="127.0.0.1:0",
        )
        self.thread = threading.Thread(target=self._run)
        self.thread.start()
        wait_until(lambda: self.is_ready() or self.error is not None, what="ready")

    def _run(self) -> None:
        try:
            self.worker.run(self._stop)
        except BaseException as error:
            self.error = error

    def is_ready(self) -> bool:
        try:
            return self.worker.unready_reason() is None and self.worker.own_address != ""
        except AttributeError:  # still connecting
            return False

    def stop(self) -> None:
        self._stop.set()
        self.thread.join()

    def ask(self, path: str) -> Any:
        opener = build_opener(ProxyHandler({}))
        try:
            with opener.open(f"http://{self.worker.own_address}{path}", timeout=5) as answer:
                return json.loads(answer.read())
        except HTTPError as error:
            with error:
                return error.code

    def counts(self) -> dict[str, int]:
        """The entries of the partitions that this worker has."""
        entries = self.ask("/v1/tables/counts?limit=1000")["entries"]
        return {entry["key"]: entry["value"] for entry in entries}


@pytest.fixture
def words(flowlog_broker: Any, tmp_path: Path) -> WordCount:
    return WordCount(flowlog_broker.bootstrap, tmp_path)


def counted(words: WordCount, *workers: RunningWorker) -> Callable[[], bool]:
    def all_counted() -> bool:
        found: Counter[str] = Counter()
        for running in workers:
            assert running.error is None, running.error
            found.update(running.counts())
        return found == words.sent

    return all_counted


def test_a_worker_makes_its_topics_and_counts(words: WordCount) -> None:
    with words.worker() as running:
        words.send(500)
        wait_until(counted(words, running), what="counted")
        key = running.ask("/v1/tables/counts/w1")
        assert (key["value"], key["role"]) == (words.sent["w1"], "active")
        assert running.ask("/v1/tables/counts/nothing") == 404
        assert running.ask("/v1/tables/none/w1") == 404
        assert running.ask("/readyz") == {"status": "ready"}
        assert running.ask("/v1/topology")["app"] == words.name
        [table] = running.ask("/v1/tables")["tables"]
        assert (table["name"], table["partitions"]) == ("counts", list(range(PARTITIONS)))
    cluster = words.cluster()
    for topic in ("by-word-repartition", "counts-changelog"):
        assert len(cluster.partitions_of(f"{words.name}-{topic}")) == PARTITIONS


def test_outputs_end_with_the_totals(words: WordCount) -> None:
    with words.worker() as running:
        words.send(300)
        wait_until(counted(words, running), what="counted")
    assert read_latest(words, f"{words.name}-totals") == words.sent


@pytest.mark.parametrize("state", ["one", "other"], ids=["with its state", "from the changelog"])
def test_a_restarted_worker_goes_on_where_it_was(words: WordCount, state: str) -> None:
    with words.worker("one") as running:
        words.send(400)
        wait_until(counted(words, running), what="counted")
    words.send(100, "later")
    with words.worker(state) as running:
        wait_until(counted(words, running), what="counted on")


# IT/KStreamRepartitionIntegrationTest#shouldGoThroughRebalancingCorrectly
def test_two_workers_share_and_one_takes_over(words: WordCount) -> None:
    with words.worker("one") as one:
        words.send(300)
        wait_until(counted(words, one), what="counted by one")
        with words.worker("two") as two:
            wait_until(
                lambda: (
                    bool(two.ask("/v1/tables")["tables"][0]["partitions"])
                    and one.is_ready()
                    and two.is_ready()
                ),
                what="shared",
            )
            words.send(300, "both")
            wait_until(counted(words, one, two), what="counted by both")
            assert 0 < len(two.counts()) < len(words.sent)
            forwarded = [one.ask(f"/v1/tables/counts/{word}") for word in words.sent]
            assert [answer["value"] for answer in forwarded] == list(words.sent.values())
        words.send(300, "after")
        wait_until(counted(words, one), what="taken over")


def test_a_failing_function_stops_its_worker_and_keeps_what_was_done(words: WordCount) -> None:
    with words.worker() as running:
        words.send(50)
        wait_until(counted(words, running), what="counted")
        words.send_line("poison")
        running.thread.join(30)
        assert isinstance(running.error, ProcessingError)
        assert "ValueError: poisoned" in str(running.error)
    words.send(50, "more")
    with words.worker(on_error=fl.dlq()) as running:
        wait_until(counted(words, running), what="counted on")
    [letter] = read(words, f"{words.name}-dlq")
    assert letter.value() == b"poison"
    assert dict(letter.headers())["__streams.errors.message"] == b"poisoned"


def test_state_without_offsets_is_refused_and_with_moved_offsets_kept(words: WordCount) -> None:
    with words.worker("one") as running:
        words.send(100)
        wait_until(counted(words, running), what="counted")
    cluster = words.cluster()
    delete_group(cluster, words.name)
    with words.worker("two") as running:
        wait_until(lambda: running.error is not None, what="refused")
        assert isinstance(running.error, StateError)
        assert "the group has no offsets" in str(running.error)
    move_offsets_to_end(words, f"{words.name}-lines", f"{words.name}-by-word-repartition")
    with words.worker("two") as running:
        words.send(100)
        wait_until(counted(words, running), what="counted on")


def test_a_renamed_table_is_refused_and_its_old_name_keeps_its_state(words: WordCount) -> None:
    with words.worker() as running:
        words.send(100)
        wait_until(counted(words, running), what="counted")
    words.table = "totals"
    with words.worker() as running:
        assert isinstance(running.error, StateError)
        assert running.error.code == "STORE_RENAMED"
        assert 'name="counts" keeps it' in running.error.hint
    words.table = "counts"
    with words.worker() as running:
        wait_until(counted(words, running), what="there again")


def move_offsets_to_end(words: WordCount, *topics: str) -> None:
    """As a tool does: offsets without metadata."""
    cluster = words.cluster()
    parts = [part for topic in topics for part in partitions_of(cluster, topic)]
    consumer = Consumer({"bootstrap.servers": words.bootstrap, "group.id": words.name})
    try:
        consumer.commit(
            offsets=[
                TopicPartition(part.topic, part.number, end)
                for part, end in end_offsets(cluster, parts).items()
            ],
            asynchronous=False,
        )
    finally:
        consumer.close()


def read(words: WordCount, topic: str) -> list[Any]:
    """All records of a topic, each partition in order."""
    cluster = words.cluster()
    ends = end_offsets(cluster, partitions_of(cluster, topic))
    left = {part.number: end for part, end in ends.items() if end}
    consumer = Consumer(
        {
            "bootstrap.servers": words.bootstrap,
            "group.id": uuid4().hex,
            "auto.offset.reset": "earliest",
        }
    )
    found = []
    try:
        consumer.subscribe([topic])
        while left:
            for message in consumer.consume(1000, 1.0):
                assert message.error() is None
                found.append(message)
                if message.offset() + 1 >= left.get(message.partition(), 0):
                    left.pop(message.partition(), None)
    finally:
        consumer.close()
    return found


def read_latest(words: WordCount, topic: str) -> dict[str, int]:
    return {m.key().decode(): int(m.value()) for m in read(words, topic)}
