"""`flowlog topics` against a real broker."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from uuid import uuid4

import pytest

pytestmark = pytest.mark.e2e

Run = Callable[..., tuple[int, str, str]]
Ask = Callable[..., str]


@pytest.fixture
def topic(ask: Ask) -> str:
    """A topic of two partitions."""
    name = f"orders-{uuid4().hex[:8]}"
    ask("topics", "create", name, "-p", "2", "-c", "retention.ms=600000")
    return name


@pytest.fixture
def refuse(run: Run, flowlog_broker: object) -> Callable[..., tuple[int, list[str]]]:
    """Run a command that must fail; return its exit code and error lines."""

    def refuse(*arguments: str) -> tuple[int, list[str]]:
        code, out, err = run("-b", flowlog_broker.bootstrap, *arguments)  # type: ignore[attr-defined]
        assert code != 0
        assert out == ""
        return code, err.splitlines()

    return refuse


def test_a_new_topic_is_listed(ask: Ask, topic: str) -> None:
    rows = [json.loads(line) for line in ask("topics", "list", "-o", "jsonl").splitlines()]
    assert {
        "topic": topic,
        "partitions": 2,
        "replication_factor": 1,
        "is_internal": False,
    } in rows


def test_lists_as_csv_and_table_name_the_same_topics(ask: Ask, topic: str) -> None:
    names = [
        row["topic"] for row in csv.DictReader(io.StringIO(ask("topics", "list", "-o", "csv")))
    ]
    table = ask("topics", "list").splitlines()
    assert table[0].split() == ["topic", "partitions", "replication", "factor"]
    assert topic in names
    assert topic in [line.split()[0] for line in table[1:]]


def test_describe_shows_id_settings_and_partitions(ask: Ask, topic: str) -> None:
    ask("produce", topic, "-p", "1", stdin="a\nb\n")
    document = json.loads(ask("topics", "describe", topic, "-o", "json"))
    assert list(document) == [
        "topic", "topic_id", "is_internal", "partition_count", "replication_factor", "records",
        "settings", "partitions", "groups",
    ]  # fmt: skip
    assert len(document["topic_id"]) == 22
    assert {
        "name": "retention.ms",
        "value": "600000",
        "source": "topic",
        "is_read_only": False,
    } in (document["settings"])
    ends = {row["partition"]: row["end_offset"] for row in document["partitions"]}
    assert ends == {0: 0, 1: 2}
    assert document["records"] == 2
    text = ask("topics", "describe", topic)
    assert text.startswith(f"topic {topic}  id {document['topic_id']}  2 partitions  1 copy  ")
    assert "\nsettings\nname " in text
    assert "\npartitions\npartition " in text


def test_settings_are_set_and_put_back(ask: Ask, topic: str) -> None:
    ask("topics", "alter", topic, "-s", "retention.bytes=5000", "-d", "retention.ms")
    rows = json.loads(ask("topics", "config", topic, "-o", "json"))
    by_name = {row["name"]: row for row in rows}
    assert by_name["retention.bytes"]["value"] == "5000"
    assert by_name["retention.bytes"]["source"] == "topic"
    assert by_name["retention.ms"]["source"] != "topic"


def test_a_misspelt_setting_gets_a_suggestion(
    refuse: Callable[..., tuple[int, list[str]]], topic: str
) -> None:
    code, lines = refuse("topics", "alter", topic, "-s", "retention.mss=5")
    assert code == 1
    assert lines[0].startswith(
        f"error[INVALID_CONFIG]: cannot change the settings of topic {topic!r}"
    )
    assert lines[1] == "hint: did you mean 'retention.ms'?"


def test_a_misspelt_topic_gets_a_suggestion(
    refuse: Callable[..., tuple[int, list[str]]], topic: str
) -> None:
    assert refuse("topics", "describe", topic + "x") == (
        1,
        [
            f"error[TOPIC_NOT_FOUND]: no topic '{topic}x'",
            f"hint: did you mean '{topic}'?",
            "try: flowlog topics list",
        ],
    )


def test_a_topic_that_is_there_is_not_made_again(
    ask: Ask, refuse: Callable[..., tuple[int, list[str]]], topic: str
) -> None:
    code, lines = refuse("topics", "create", topic)
    assert code == 1
    assert lines[0].startswith("error[TOPIC_ALREADY_EXISTS]: ")
    ask("topics", "create", topic, "--if-not-exists")


def test_a_dry_run_makes_nothing(ask: Ask, refuse: Callable[..., tuple[int, list[str]]]) -> None:
    name = f"dry-{uuid4().hex[:8]}"
    ask("topics", "create", name, "--dry-run")
    assert refuse("topics", "config", name)[1][0] == f"error[TOPIC_NOT_FOUND]: no topic '{name}'"


def test_partitions_are_added(ask: Ask, topic: str) -> None:
    ask("topics", "partitions", topic, "4")
    assert json.loads(ask("topics", "describe", topic, "-o", "json"))["partition_count"] == 4


def test_trim_shows_a_plan_and_drops_records_only_when_told(ask: Ask, topic: str) -> None:
    ask("produce", topic, "-p", "0", stdin="a\nb\nc\n")
    plan = json.loads(ask("topics", "trim", topic, "--before", "2", "-p", "0", "-o", "json"))
    assert plan == [{"topic": topic, "partition": 0, "start_offset": 0, "new_start_offset": 2}]
    assert ask("consume", topic, "-e") == "a\nb\nc\n"
    ask("topics", "trim", topic, "--before", "2", "-p", "0", "--execute")
    assert ask("consume", topic, "-e") == "c\n"


def test_delete_needs_a_confirmation(
    ask: Ask, refuse: Callable[..., tuple[int, list[str]]], topic: str
) -> None:
    code, lines = refuse("topics", "delete", topic)
    assert code == 1
    assert lines[0].startswith("error[CONFIRMATION_NEEDED]: ")
    ask("topics", "delete", topic, "--yes")
    assert refuse("topics", "config", topic)[1][0].startswith("error[TOPIC_NOT_FOUND]: ")
