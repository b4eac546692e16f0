"""KafkaJS's documented programs, unchanged, with two brokers listed of which one is down."""

from __future__ import annotations

import json
import queue
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from tests.e2e.clients.node import PROGRAMS
from tests.e2e.conftest import AnyBroker
from tests.e2e.waiting import DEADLINE_S

TopicFactory = Callable[..., str]


@pytest.fixture
def brokers(flowlog_broker: AnyBroker) -> Iterator[str]:
    """A list whose first address refuses connections: bound, so nobody else takes it."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{taken.getsockname()[1]},{flowlog_broker.bootstrap}"


def test_the_usual_producer_and_consumer_programs_work_with_one_broker_down(
    node: Mapping[str, str], brokers: str, flowlog_topic: TopicFactory
) -> None:
    topic = flowlog_topic(partitions=2)
    _run_producer(node, brokers, topic, count=20)

    with _consumer(node, brokers, topic, group=f"js-{topic}") as lines:
        found = [lines.get(timeout=DEADLINE_S) for _ in range(20)]

    assert {(r["key"], r["value"]) for r in found} == {(f"key{n}", f"hello {n}") for n in range(20)}


def test_a_consumer_program_started_again_goes_on_where_it_stopped(
    node: Mapping[str, str], brokers: str, flowlog_topic: TopicFactory
) -> None:
    topic, group = flowlog_topic(), "js-again"
    _run_producer(node, brokers, topic, count=5)
    with _consumer(node, brokers, topic, group=f"{group}-{topic}") as lines:
        first = [lines.get(timeout=DEADLINE_S) for _ in range(5)]
    _run_producer(node, brokers, topic, count=1)

    with _consumer(node, brokers, topic, group=f"{group}-{topic}") as lines:
        second = lines.get(timeout=DEADLINE_S)

    assert [record["offset"] for record in first] == ["0", "1", "2", "3", "4"]
    assert second["offset"] == "5"


def _run_producer(node: Mapping[str, str], brokers: str, topic: str, *, count: int) -> None:
    subprocess.run(
        ["node", str(PROGRAMS / "producer.js"), brokers, topic, str(count)],
        env=dict(node),
        check=True,
        timeout=DEADLINE_S,
        capture_output=True,
    )


@contextmanager
def _consumer(
    node: Mapping[str, str], brokers: str, topic: str, *, group: str
) -> Iterator[queue.Queue[dict[str, Any]]]:
    """Run consumer.js; what it prints as JSON comes out of the queue. Ends with SIGTERM."""
    process = subprocess.Popen(
        ["node", str(PROGRAMS / "consumer.js"), brokers, topic, group],
        env=dict(node),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    lines: queue.Queue[dict[str, Any]] = queue.Queue()
    reader = threading.Thread(target=_collect, args=(process.stdout, lines))
    reader.start()
    try:
        yield lines
    finally:
        process.terminate()
        try:
            process.wait(DEADLINE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        finally:
            process.wait()
            reader.join()
            process.stdout.close()


def _collect(output: Any, lines: queue.Queue[dict[str, Any]]) -> None:
    for line in output:
        record = json.loads(line)
        if "value" in record:  # KafkaJS logs to the same stream, as JSON too.
            lines.put(record)
