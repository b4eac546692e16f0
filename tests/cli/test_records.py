"""`flowlog produce` and `flowlog consume` against a real broker."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Protocol
from uuid import uuid4

import pytest

pytestmark = pytest.mark.e2e

Run = Callable[..., tuple[int, str, str]]
Ask = Callable[..., str]


class Broker(Protocol):
    @property
    def bootstrap(self) -> str: ...


@pytest.fixture
def topic(ask: Ask) -> str:
    """A topic of one partition."""
    name = f"records-{uuid4().hex[:8]}"
    ask("topics", "create", name, "-p", "1")
    return name


def test_lines_become_records_and_come_back(ask: Ask, topic: str) -> None:
    ask("produce", topic, stdin=b"one\ntwo\r\n\nlast without newline")
    assert ask("consume", topic, "-e") == "one\ntwo\n\nlast without newline\n"


def test_verbose_says_where_each_record_went(ask: Ask, topic: str) -> None:
    assert ask("produce", topic, "-v", stdin="a\nb\n") == "0:0\n0:1\n"


def test_keys_headers_and_tombstones(ask: Ask, topic: str) -> None:
    ask("produce", topic, "-K", "\\t", "-H", "source=test", stdin="k\tv\tw\n")
    ask("produce", topic, "-k", "k", "--tombstone")
    ask("produce", topic, "--tombstone", stdin="x\ny\n")
    assert ask("consume", topic, "-e", "-f", "%o %k=%v %h") == (
        "0 k=v\tw source=test\n1 k= \n2 x= \n3 y= \n"
    )


def test_a_copy_through_json_lines_keeps_every_byte(ask: Ask, topic: str) -> None:
    line = (
        '{"key_base64": "/w==", "value": null, "headers": [{"name": "h", "value_base64": "gA=="}], '
        '"timestamp_ms": 1700000000000}\n'
    )
    ask("produce", topic, "--format", "jsonl", stdin=line)
    once = ask("consume", topic, "-e", "-o", "jsonl")
    ask("produce", topic, "--format", "jsonl", stdin=once)
    first, second = (
        json.loads(text) for text in ask("consume", topic, "-e", "-o", "jsonl").splitlines()
    )
    assert {**first, "offset": 1} == second
    assert first["timestamp_ms"] == 1_700_000_000_000
    assert first["key_base64"] == "/w=="


def test_a_file_is_read_again_until_enough_records_are_written(
    ask: Ask, topic: str, tmp_path: Path
) -> None:
    file = tmp_path / "lines"
    file.write_text("a\nb\n")
    ask("produce", topic, str(file), "--count", "5", "--rate", "1000")
    assert ask("consume", topic, "-e") == "a\nb\na\nb\na\n"


def test_an_unknown_topic_is_an_error_and_is_not_made(run: Run, flowlog_broker: Broker) -> None:
    name = f"absent-{uuid4().hex[:8]}"
    for arguments in (("produce", name), ("consume", name, "-e")):
        code, out, err = run("-b", flowlog_broker.bootstrap, *arguments, stdin="x\n")
        assert (code, out) == (1, "")
        assert err.startswith(f"error[TOPIC_NOT_FOUND]: no topic '{name}'\n")


def test_a_record_that_fails_makes_the_command_fail(
    run: Run, ask: Ask, flowlog_broker: Broker, topic: str
) -> None:
    code, _out, err = run("-b", flowlog_broker.bootstrap, "produce", topic, "-p", "7", stdin="x\n")
    assert code == 1
    assert err.startswith(
        f"error[PARTITION_NOT_FOUND]: 1 record not written to '{topic}', 0 written"
    )
    ask("topics", "alter", topic, "-s", "max.message.bytes=200")
    big = "x" * 500 + "\nsmall\n"
    code, _out, err = run("-b", flowlog_broker.bootstrap, "produce", topic, "-X", "linger.ms=0",
                          "-X", "batch.num.messages=1", stdin=big)  # fmt: skip
    assert code == 1
    assert err.startswith(f"error[RECORD_TOO_LARGE]: 1 record not written to '{topic}', 1 written")


def test_a_bad_line_is_named(run: Run, flowlog_broker: Broker, topic: str) -> None:
    code, _out, err = run(
        "-b", flowlog_broker.bootstrap, "produce", topic, "-K", ":", stdin="a:b\nc\n"
    )
    assert code == 1
    assert err == "error[INVALID_RECORD]: line 2: no separator ':' in the line\n"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        pytest.param(["--from", "start", "-n", "2"], "01", id="a number from the start"),
        pytest.param(["--from", "-3", "-e"], "789", id="the last three"),
        pytest.param(["--from", "4", "--to", "7"], "456", id="between two offsets"),
        pytest.param(["--from", "@1000003000", "-e"], "3456789", id="from a time"),
        pytest.param(["--from", "@1000003000", "--to", "@1000005500"], "345", id="between times"),
        pytest.param(["-e", "--grep", "[13]"], "13", id="by a pattern"),
        pytest.param(["-e", "--key", "odd"], "13579", id="by key"),
        pytest.param(["-e", "--key", "odd", "-n", "2"], "13", id="a number of those that fit"),
        pytest.param(["--from", "end", "--to", "end"], "", id="nothing there"),
        pytest.param(["--from", "@1000003000", "--to", "start"], "", id="the end before the start"),
    ],
)
def test_what_is_read_can_be_chosen(
    ask: Ask, topic: str, arguments: list[str], expected: str
) -> None:
    lines = [
        json.dumps({"key": "odd" if n % 2 else "even", "value": str(n), "timestamp_ms": 1_000_000_000 + n * 1000})
        for n in range(10)
    ]  # fmt: skip
    ask("produce", topic, "--format", "jsonl", stdin="\n".join(lines))
    assert ask("consume", topic, *arguments) == "".join(f"{digit}\n" for digit in expected)


def test_json_is_one_document_even_when_empty(ask: Ask, topic: str) -> None:
    assert json.loads(ask("consume", topic, "-e", "-o", "json")) == []
    ask("produce", topic, stdin="a\nb\n")
    assert [r["value"] for r in json.loads(ask("consume", topic, "-e", "-o", "json"))] == ["a", "b"]


def test_a_group_goes_on_where_it_stood(ask: Ask, topic: str) -> None:
    group = f"group-{uuid4().hex[:8]}"
    ask("produce", topic, stdin="a\nb\n")
    assert ask("consume", topic, "-g", group, "-e") == "a\nb\n"
    ask("produce", topic, stdin="c\n")
    assert ask("consume", topic, "-g", group, "-n", "1") == "c\n"
    assert ask("consume", topic, "-g", group, "-e") == ""


def test_a_group_and_a_position_do_not_go_together(run: Run) -> None:
    code, _out, err = run("consume", "t", "-g", "g", "--from", "start")
    assert code == 2
    assert err.startswith("error[USAGE]: -g reads where the group stands")


def test_a_closed_pipe_ends_it_quietly(ask: Ask, flowlog_broker: Broker, topic: str) -> None:
    ask("produce", topic, stdin="line\n" * 20_000)
    with subprocess.Popen(
        [sys.executable, "-m", "flowlog", "consume", topic, "--from", "start", "-b", flowlog_broker.bootstrap],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == b"line\n"
        process.stdout.close()
        assert process.wait(20) == 141
        assert process.stderr.read() == b""


def test_ctrl_c_ends_a_tail_with_a_count(ask: Ask, flowlog_broker: Broker, topic: str) -> None:
    ask("produce", topic, stdin="a\nb\n")
    with subprocess.Popen(
        [sys.executable, "-m", "flowlog", "consume", topic, "--from", "start", "-b", flowlog_broker.bootstrap],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stderr is not None
        assert [process.stdout.readline() for _ in range(2)] == ["a\n", "b\n"]
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130
        assert process.stderr.read().startswith("2 records, 2B in ")
