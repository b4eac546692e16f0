"""`flowlog txn` against a broker that does not verify, so that transactions can be left hanging."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import confluent_kafka as ck
import pytest
from kio.schema.errors import ErrorCode

from flowlog.cli.txn_hanging import Hanging, hanging, old_enough, still_open
from flowlog.cli.txn_views import Description, ProducerState
from flowlog.testing.broker_process import BrokerProcess
from tests.e2e.zombies.raw_producer import RawProducer

pytestmark = pytest.mark.e2e

Run = Callable[..., tuple[int, str, str]]
STRANGER = 987_654
"""A producer id that no coordinator ever gave."""
NOT_YET = (ErrorCode.concurrent_transactions, ErrorCode.not_leader_or_follower)
"""Apache Kafka shows a new topic's leaders before they lead."""


def until_taken(write: Callable[[], ErrorCode]) -> None:
    while (error := write()) in NOT_YET:
        time.sleep(0.02)
    assert error is ErrorCode.none, error


@pytest.fixture(scope="module")
def bootstrap(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An external broker has to have the same setting."""
    external = os.environ.get("FLOWLOG_TEST_BOOTSTRAP")
    if external:
        yield external
        return
    folder: Path = tmp_path_factory.mktemp("txn")
    with BrokerProcess(folder, {"transaction.partition.verification.enable": "false"}) as broker:
        yield broker.bootstrap


@pytest.fixture
def txn(run: Run, bootstrap: str) -> Callable[..., Any]:
    """Run `flowlog txn ...`; its JSON."""

    def txn(*arguments: str) -> Any:
        code, out, err = run("txn", "-b", bootstrap, *arguments, "-o", "json")
        assert code == 0, err
        return json.loads(out) if out else None

    return txn


@pytest.fixture
def topic(run: Run, bootstrap: str) -> str:
    name = f"txn-{uuid4().hex[:8]}"
    code, _, err = run("topics", "-b", bootstrap, "create", name, "-p", "2")
    assert code == 0, err
    return name


@pytest.fixture
def producer(bootstrap: str, topic: str) -> Iterator[RawProducer]:
    """One with a transaction open in both partitions."""
    with closing(RawProducer(bootstrap, f"id-{topic}", 1)) as producer:
        producer.start()
        for partition in range(2):
            until_taken(partial(producer.add_and_write, topic, partition, b"x"))
        yield producer
        producer.end(commit=False)


@pytest.fixture
def hangs(bootstrap: str, topic: str) -> int:
    """The offset of a transaction in partition 1 that no coordinator knows of."""
    with closing(RawProducer(bootstrap, f"gone-{topic}", 1)) as stranger:
        stranger.producer_id, stranger.epoch = STRANGER, 3
        until_taken(lambda: stranger.write(topic, 1, b"for ever"))
    return 0


def committed(bootstrap: str, topic: str) -> list[bytes]:
    """What readers of committed records get of partition 1."""
    settings = {"bootstrap.servers": bootstrap, "group.id": "r", "enable.partition.eof": True}
    consumer = ck.Consumer(settings)
    found: list[bytes] = []
    try:
        consumer.assign([ck.TopicPartition(topic, 1, 0)])
        while True:
            (message,) = consumer.consume(1, 20)
            if message.error() is not None:
                return found
            found.append(message.value())
    finally:
        consumer.close()


def test_transactions_are_listed_and_chosen(txn: Callable[..., Any], producer: RawProducer) -> None:
    row = {
        "transactional_id": producer.name,
        "state": "Ongoing",
        "producer_id": producer.producer_id,
        "coordinator": 1,
    }
    assert row in txn("list")
    assert row in txn("list", "-s", "Ongoing", "--longer-than", "0")
    assert txn("list", "--producer-id", str(producer.producer_id)) == [row]
    assert txn("list", "--match", producer.name) == [row]
    assert row not in txn("list", "-s", "Empty")
    assert row not in txn("list", "--longer-than", "3600")


def test_a_transaction_is_described_with_its_partitions(
    txn: Callable[..., Any], producer: RawProducer, topic: str
) -> None:
    found = txn("describe", producer.name)
    assert found["state"] == "Ongoing"
    assert found["producer_id"] == producer.producer_id
    assert found["producer_epoch"] == producer.epoch
    assert found["timeout_ms"] == 60_000
    assert found["partitions"] == [{"topic": topic, "partition": p} for p in range(2)]
    assert 0 <= found["age_seconds"] < 60


def test_producers_are_described_with_what_they_have_open(
    txn: Callable[..., Any], producer: RawProducer, topic: str
) -> None:
    rows = txn("describe-producers", topic)
    assert [row["partition"] for row in rows] == [0, 1]
    (row,) = txn("describe-producers", topic, "-p", "1")
    assert row["producer_id"] == producer.producer_id
    assert (row["start_offset"], row["last_sequence"]) == (0, 0)
    assert abs(row["last_timestamp_ms"] - time.time() * 1000) < 60_000


def test_only_what_nobody_will_end_is_found_hanging(
    txn: Callable[..., Any], producer: RawProducer, topic: str, hangs: int
) -> None:
    assert txn("find-hanging", "-t", topic) == [], "it may be late by 15 minutes"
    (row,) = txn("find-hanging", "-t", topic, "--max-timeout", "0")
    assert (row["topic"], row["partition"]) == (topic, 1)
    assert (row["producer_id"], row["producer_epoch"]) == (STRANGER, 3)
    assert row["transactional_id"] is None
    assert row in [
        {**found, "silent_seconds": row["silent_seconds"]}
        for found in txn("find-hanging", "--max-timeout", "0")
    ]


def test_what_hangs_is_aborted_and_readers_go_on(
    txn: Callable[..., Any], run: Run, bootstrap: str, topic: str, hangs: int
) -> None:
    plain = ck.Producer({"bootstrap.servers": bootstrap})
    plain.produce(topic, b"behind", partition=1)
    assert plain.flush(10) == 0
    assert committed(bootstrap, topic) == []

    code, _, err = run("txn", "-b", bootstrap, "abort", topic, "1", str(hangs))
    assert (code, "CONFIRMATION_NEEDED" in err) == (1, True)
    assert committed(bootstrap, topic) == []
    txn("abort", topic, "1", str(hangs), "--yes")
    assert committed(bootstrap, topic) == [b"behind"]
    assert txn("find-hanging", "-t", topic, "--max-timeout", "0") == []


def test_what_its_coordinator_will_end_is_aborted_by_force_alone(
    run: Run, bootstrap: str, topic: str, producer: RawProducer
) -> None:
    abort = ("txn", "-b", bootstrap, "abort", topic, "1", "0", "--yes")
    code, _, err = run(*abort)
    assert (code, "TRANSACTION_NOT_HANGING" in err) == (1, True)
    assert run(*abort, "--force")[0] == 0
    assert committed(bootstrap, topic) == []


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["describe", "nobody"], "TRANSACTIONAL_ID_NOT_FOUND"),
        (["describe-producers", "no-such-topic"], "TOPIC_NOT_FOUND"),
        (["describe-producers", "__transaction_state", "-p", "999"], "PARTITION_NOT_FOUND"),
        (["list", "-s", "Odd"], "UNKNOWN_STATE"),
        (["list", "--match", "["], "INVALID_REGULAR_EXPRESSION"),
        (["list", "-X", "security.protocol=sasl_ssl"], "CONFIG"),
    ],
)
def test_what_is_not_there_is_said(
    run: Run, bootstrap: str, producer: RawProducer, arguments: list[str], code: str
) -> None:
    if code == "CONFIG":
        bootstrap = "127.0.0.1:1"  # It is refused before anybody is asked.
    _, _, err = run("txn", "-b", bootstrap, *arguments)
    assert f"error[{code}]" in err


def test_no_transaction_is_open_from_another_offset(
    run: Run, bootstrap: str, producer: RawProducer, topic: str
) -> None:
    code, _, err = run("txn", "-b", bootstrap, "abort", topic, "1", "5", "--yes")
    assert (code, "TRANSACTION_NOT_FOUND" in err) == (1, True)


# Which hang, without a broker.


def state(partition: int, *, at_ms: int = 0, start_offset: int | None = 7) -> ProducerState:
    return ProducerState(("t", partition), 5, 0, -1, 0, at_ms, start_offset)


def test_only_open_ones_that_are_old_are_candidates() -> None:
    states = [state(0), state(1, start_offset=None), state(2, at_ms=500)]
    assert old_enough(states, now_ms=1_000, max_timeout_ms=600) == [states[0]]


def test_what_a_coordinator_knows_of_does_not_hang_and_it_is_asked_once() -> None:
    asked: list[int] = []

    def find(producer_id: int) -> Description:
        asked.append(producer_id)
        return Description("id", "Ongoing", 1, 5, 0, 60_000, 0, (("t", 0),))

    assert list(hanging([state(0), state(1)], find)) == [Hanging(state(1), "id")]
    assert asked == [5]
    assert list(hanging([state(0)], lambda _: None)) == [Hanging(state(0), None)]


def test_what_ended_while_coordinators_were_asked_does_not_hang() -> None:
    found = [Hanging(state(0), None), Hanging(state(1), None)]
    assert still_open(found, [state(0), state(1, start_offset=9)]) == found[:1]
