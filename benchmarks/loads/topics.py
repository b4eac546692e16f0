"""Topics for the loads: made, awaited, counted, deleted."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from uuid import uuid4

from confluent_kafka import KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic, OffsetSpec

from benchmarks.servers import Server

_WAIT_S = 30.0


@contextmanager
def fresh_topic(
    server: Server, partitions: int = 1, config: dict[str, str] | None = None
) -> Iterator[str]:
    """A topic that can be produced to; deleted afterwards."""
    topic = f"bench-{uuid4().hex[:8]}"
    create_topics(server, [topic], partitions, config)
    wait_led(server, [topic])
    try:
        yield topic
    finally:
        delete_topics(server, [topic])


def create_topics(
    server: Server, topics: Sequence[str], partitions: int, config: dict[str, str] | None = None
) -> None:
    """Make them all with one request."""
    admin = _admin(server)  # Kept until the answer is there: a freed handle answers no more.
    new = [NewTopic(topic, partitions, 1, config=config or {}) for topic in topics]
    for future in admin.create_topics(new).values():
        future.result(_WAIT_S)


def delete_topics(server: Server, topics: Sequence[str]) -> None:
    admin = _admin(server)
    for future in admin.delete_topics(list(topics)).values():
        future.result(_WAIT_S)


def wait_led(server: Server, topics: Sequence[str]) -> None:
    """Return when every partition has a leader: Apache Kafka answers before that is so."""
    deadline = time.monotonic() + _WAIT_S
    while time.monotonic() < deadline:
        try:
            end_offsets(server, topics)
        except KafkaException:
            time.sleep(0.05)
            continue
        return
    raise TimeoutError(f"{len(topics)} topics were not led within {_WAIT_S} s")


def end_offsets(server: Server, topics: Sequence[str]) -> int:
    """The sum of the topics' end offsets."""
    admin = _admin(server)
    found = admin.list_topics(timeout=_WAIT_S).topics
    wanted = {
        TopicPartition(topic, partition): OffsetSpec.latest()
        for topic in topics
        for partition in (found[topic].partitions if topic in found else [0])
    }
    return sum(future.result(_WAIT_S).offset for future in admin.list_offsets(wanted).values())


def expect_records(server: Server, topics: Sequence[str], wanted: int) -> None:
    """Raise RuntimeError unless the topics hold so many records."""
    found = end_offsets(server, topics)
    if found != wanted:
        raise RuntimeError(f"{wanted} records were produced, {found} are there")


def _admin(server: Server) -> AdminClient:
    return AdminClient({"bootstrap.servers": f"127.0.0.1:{server.port}", "log_level": 0})
