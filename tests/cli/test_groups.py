"""`flowlog groups` against a real broker."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, Protocol
from uuid import uuid4

import pytest
from confluent_kafka import Consumer

pytestmark = pytest.mark.e2e

Run = Callable[..., tuple[int, str, str]]
Ask = Callable[..., str]


class Broker(Protocol):
    @property
    def bootstrap(self) -> str: ...


@pytest.fixture
def topic(ask: Ask) -> str:
    """Ten records, a second apart, in one partition."""
    name = f"log-{uuid4().hex[:8]}"
    ask("topics", "create", name, "-p", "1")
    lines = [
        json.dumps({"value": str(n), "timestamp_ms": 1_000_000_000 + n * 1000}) for n in range(10)
    ]
    ask("produce", name, "--format", "jsonl", stdin="\n".join(lines))
    return name


@pytest.fixture
def group(ask: Ask, topic: str) -> str:
    """A group that read four of them."""
    name = f"readers-{uuid4().hex[:8]}"
    ask("groups", "reset", name, "--to", "4", "-t", topic, "--execute")
    return name


@pytest.fixture
def member(flowlog_broker: Broker, topic: str, group: str) -> Iterator[Any]:
    """A consumer of the group that has its assignment."""
    consumer = Consumer(
        {"bootstrap.servers": flowlog_broker.bootstrap, "group.id": group, "client.id": "reader",
         "enable.auto.commit": False}
    )  # fmt: skip
    consumer.subscribe([topic])
    while not consumer.assignment():
        consumer.poll(0.1)
    yield consumer
    consumer.close()


def rows(text: str) -> Any:
    return json.loads(text)


def test_a_group_is_listed_with_its_state(ask: Ask, group: str) -> None:
    listed = rows(ask("groups", "list", "-o", "json"))
    assert {"group": group, "state": "empty", "type": "classic"} in listed


def test_lag_is_in_records_and_in_seconds(ask: Ask, group: str, topic: str) -> None:
    [row] = rows(ask("groups", "lag", group, "-o", "json"))
    age_s = row.pop("lag_seconds")
    assert row == {
        "topic": topic,
        "partition": 0,
        "committed_offset": 4,
        "end_offset": 10,
        "lag": 6,
        "member_id": "",
    }
    assert age_s > 800_000_000  # the oldest unread record is of January 1970


def test_a_group_that_read_all_has_no_lag(ask: Ask, group: str) -> None:
    ask("groups", "reset", group, "--to", "end", "--execute")
    [row] = rows(ask("groups", "lag", group, "-o", "json"))
    assert (row["lag"], row["lag_seconds"]) == (0, 0.0)


def test_members_and_their_partitions_are_shown(
    ask: Ask, member: Any, group: str, topic: str
) -> None:
    [row] = rows(ask("groups", "members", group, "-o", "json"))
    assert (row["client_id"], row["partitions"]) == ("reader", [f"{topic}-0"])
    document = rows(ask("groups", "describe", group, "-o", "json"))
    assert (document["state"], document["lag"]) == ("stable", 6)
    assert document["partitions"][0]["member_id"] == row["member_id"]
    text = ask("groups", "describe", group)
    assert text.startswith(f"group {group}  stable  classic  assignor ")
    assert "\nmembers\nmember id " in text


def test_describe_names_the_group_among_a_topics_readers(ask: Ask, group: str, topic: str) -> None:
    document = rows(ask("topics", "describe", topic, "-o", "json"))
    assert {"group": group, "state": "empty", "lag": 6} in document["groups"]


@pytest.mark.parametrize(
    ("target", "offset"),
    [
        pytest.param("start", 0, id="start"),
        pytest.param("end", 10, id="end"),
        pytest.param("7", 7, id="an offset"),
        pytest.param("+3", 7, id="forward from where it stands"),
        pytest.param("-3", 1, id="back"),
        pytest.param("-30", 0, id="back no further than the start"),
        pytest.param("@1000005500", 6, id="a time between two records"),
        pytest.param("@now", 10, id="after all records"),
    ],
)
def test_reset_shows_the_plan_and_moves_only_when_told(
    ask: Ask, group: str, topic: str, target: str, offset: int
) -> None:
    plan = rows(ask("groups", "reset", group, "--to", target, "-o", "json"))
    expected = {
        "topic": topic,
        "partition": 0,
        "current_offset": 4,
        "new_offset": offset,
        "change": offset - 4,
    }
    assert plan == [expected]
    assert rows(ask("groups", "lag", group, "-o", "json"))[0]["committed_offset"] == 4
    ask("groups", "reset", group, "--to", target, "--execute")
    assert rows(ask("groups", "lag", group, "-o", "json"))[0]["committed_offset"] == offset


def test_a_group_with_members_is_not_reset(
    run: Run, flowlog_broker: Broker, member: Any, group: str
) -> None:
    code, _out, err = run(
        "-b", flowlog_broker.bootstrap, "groups", "reset", group, "--to", "start", "--execute"
    )
    assert code == 1
    assert err.splitlines()[0] == (
        f"error[GROUP_NOT_EMPTY]: cannot reset the offsets of group '{group}': it has members"
    )


def test_an_unknown_group_gets_a_suggestion(run: Run, flowlog_broker: Broker, group: str) -> None:
    for command in ("describe", "lag", "members"):
        code, _out, err = run("-b", flowlog_broker.bootstrap, "groups", command, group + "x")
        assert code == 1
        assert err.splitlines() == [
            f"error[GROUP_NOT_FOUND]: no group '{group}x'",
            f"hint: did you mean '{group}'?",
            "try: flowlog groups list",
        ]


def test_delete_forgets_the_group(run: Run, ask: Ask, flowlog_broker: Broker, group: str) -> None:
    ask("groups", "delete", group, "--yes")
    code, _out, _err = run("-b", flowlog_broker.bootstrap, "groups", "lag", group)
    assert code == 1
