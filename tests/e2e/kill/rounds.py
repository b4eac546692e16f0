"""Kill, start, ask, and again; then read everything back."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from functools import partial
from typing import Any

import confluent_kafka as ck
from confluent_kafka.admin import AdminClient, NewTopic

from flowlog.errors import FlowlogError
from tests.e2e.kill.brokers import KillableBroker
from tests.e2e.kill.checker import broken_promises
from tests.e2e.kill.history import CommitRead, History, Outcome, TopicFacts
from tests.e2e.kill.load import (
    GROUP,
    PARTITION_COUNT,
    TOPIC,
    NumberProducer,
    NumberReader,
    Pace,
    client_settings,
    running,
)
from tests.e2e.kill.side_topics import SideTopics, UncertainError, topic_facts, topic_id

_DEADLINE_S = 60.0


class NoProgressError(Exception):
    """The broker is up, and yet no record was acknowledged, or no answer came, for a minute."""


def kill_again_and_again(
    broker: KillableBroker, *, rounds: int, seed: int, say: Callable[[str], None] = print
) -> list[str]:
    """Run `rounds` rounds on a started broker; return the promises it broke.

    Raises:
        NoProgressError: it does not serve any more after a kill.
    """
    history = History()
    pace = Pace(seed)
    _create_main_topic(broker.bootstrap, history)
    with ExitStack() as load:
        for worker in (
            NumberProducer(broker.bootstrap, history),
            NumberReader(broker.bootstrap, history),
            SideTopics(broker.bootstrap, history, seed),
        ):
            load.enter_context(running(worker, history))
        for number in range(1, rounds + 1):
            _wait_for_progress(history)
            time.sleep(pace.life_s())  # The load runs on: this is how long, not what for.
            _kill_and_start(broker, pace)
            _read_commits(broker.bootstrap, history)
            say(f"round {number}: {_acknowledged(history)} records acknowledged")
        _wait_for_progress(history)
    broker.kill()  # Once more without load: what was flushed last must be there too.
    broker.start()
    outcome = _read_everything(broker.bootstrap, history)
    say(_in_words(history))
    return broken_promises(history, outcome)


def _in_words(history: History) -> str:
    return (
        f"{_acknowledged(history)} records acknowledged, {len(history.seen)} seen by a reader meanwhile, "
        f"{len(history.commits)} commits, {len(history.topics)} topics kept, "
        f"{len(history.deleted_topics)} deleted"
    )


def _kill_and_start(broker: KillableBroker, pace: Pace) -> None:
    broker.kill()
    if pace.dies_while_starting():
        death = threading.Timer(pace.start_s(), broker.kill)
        death.start()
        with suppress(FlowlogError):  # It may die before it serves: that is the point.
            broker.start()
        death.join()
        broker.kill()
    broker.start()


def _create_main_topic(bootstrap: str, history: History) -> None:
    admin = AdminClient(client_settings(bootstrap))
    configs = {"segment.bytes": str(2**20)}  # Small, so that segments roll under the load.
    admin.create_topics([NewTopic(TOPIC, PARTITION_COUNT, 1, config=configs)])[TOPIC].result(30)
    name = _until_answered(lambda: topic_id(admin, TOPIC))
    history.topics[TOPIC] = TopicFacts(name, PARTITION_COUNT)


def _acknowledged(history: History) -> int:
    return sum(len(numbers) for numbers in history.acknowledged.values())


def _wait_for_progress(history: History) -> None:
    """Wait until records are acknowledged again: the load has found the broker."""
    before, deadline = _acknowledged(history), time.monotonic() + _DEADLINE_S
    while _acknowledged(history) == before:
        if time.monotonic() > deadline:
            raise NoProgressError(f"no record acknowledged within {_DEADLINE_S} s")
        time.sleep(0.02)


def _until_answered(ask: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + _DEADLINE_S
    while True:
        try:
            return ask()
        except (ck.KafkaException, UncertainError) as error:
            if time.monotonic() > deadline:
                raise NoProgressError(f"no answer within {_DEADLINE_S} s: {error}") from error


def _read_commits(bootstrap: str, history: History) -> None:
    # Before asking, note what had been acknowledged by then: the reader goes on meanwhile.
    known = len(history.commits)
    committed = _committed(bootstrap)
    events = [CommitRead(partition, offset) for partition, offset in committed.items()]
    history.commits[known:known] = events


def _committed(bootstrap: str) -> dict[int, int | None]:
    settings = {**client_settings(bootstrap), "group.id": GROUP}
    consumer = ck.Consumer(settings)
    try:
        wanted = [ck.TopicPartition(TOPIC, p) for p in range(PARTITION_COUNT)]
        found = _until_answered(lambda: consumer.committed(wanted, timeout=10))
    finally:
        consumer.close()
    return {p.partition: p.offset if p.offset >= 0 else None for p in found}


def _read_everything(bootstrap: str, history: History) -> Outcome:
    admin = AdminClient(client_settings(bootstrap))
    committed = _committed(bootstrap)
    history.commits.extend(CommitRead(p, offset) for p, offset in committed.items())
    listed = _until_answered(lambda: admin.list_topics(timeout=10)).topics
    topics = {
        name: _until_answered(partial(topic_facts, admin, name, len(topic.partitions)))
        for name, topic in listed.items()
        if not name.startswith("__")
    }
    return Outcome({p: _log(bootstrap, p) for p in range(PARTITION_COUNT)}, committed, topics)


def _log(bootstrap: str, partition: int) -> list[tuple[int, int]]:
    consumer = ck.Consumer({**client_settings(bootstrap), "group.id": "auditor"})
    target = ck.TopicPartition(TOPIC, partition, 0)
    try:
        _, end = _until_answered(lambda: consumer.get_watermark_offsets(target, timeout=10))
        consumer.assign([target])
        return _read_up_to(consumer, end)
    finally:
        consumer.close()


def _read_up_to(consumer: Any, end: int) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    deadline = time.monotonic() + _DEADLINE_S
    while not found or found[-1][0] < end - 1:
        if time.monotonic() > deadline:
            raise NoProgressError(f"read {len(found)} records, up to {found[-1:]}, of {end}")
        for message in consumer.consume(10_000, 1.0):
            if message.error() is None:
                number = int(message.value().split(b" ", 1)[0])
                found.append((message.offset(), number))
    return found
