"""`flowlog bench` at a tiny size against a real broker; no test looks at how fast it was."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest

pytestmark = pytest.mark.e2e

Run = Callable[..., tuple[int, str, str]]
Ask = Callable[..., str]

LATENCIES = ("avg_ms", "p50_ms", "p95_ms", "p99_ms", "p999_ms", "max_ms")


@pytest.fixture
def topic(ask: Ask) -> str:
    name = f"bench-{uuid4().hex[:8]}"
    ask("topics", "create", name, "-p", "2")
    return name


def values(ask: Ask, topic: str) -> list[str]:
    out = ask("consume", topic, "-e", "-o", "jsonl")
    return [json.loads(line)["value"] for line in out.splitlines()]


def check_latencies(result: dict[str, float]) -> None:
    ordered = [result[name] for name in ("p50_ms", "p95_ms", "p99_ms", "p999_ms", "max_ms")]
    assert ordered == sorted(ordered)
    assert 0 < result["avg_ms"] <= result["max_ms"]


def test_produce_writes_the_records_and_reports_them(ask: Ask, topic: str) -> None:
    out = ask(
        "bench", "produce", "--topic", topic, "--num-records", "300", "--record-size", "40",
        "--warmup-records", "50", "-o", "json",
    )  # fmt: skip
    result = json.loads(out)
    assert result["records"] == 250
    assert result["failed"] == 0
    assert result["records_per_second"] > 0
    assert result["mb_per_second"] == pytest.approx(
        result["records_per_second"] * 40 / 2**20, rel=0.02, abs=0.001
    )
    check_latencies(result)
    written = values(ask, topic)
    assert len(written) == 300
    assert {len(value) for value in written} == {40}


def test_produce_as_table_has_one_row_with_every_number(ask: Ask, topic: str) -> None:
    out = ask("bench", "produce", "--topic", topic, "--num-records", "10")
    header, row = out.splitlines()
    assert header.split() == ["records", "failed", "seconds", "records", "per", "second", "mb", "per", "second", "avg", "ms", "p50", "ms", "p95", "ms", "p99", "ms", "p999", "ms", "max", "ms"]  # fmt: skip
    assert row.split()[:2] == ["10", "0"]
    assert len(row.split()) == 11


def test_produce_keeps_to_a_rate(ask: Ask, topic: str) -> None:
    out = ask(
        "bench", "produce", "--topic", topic, "--num-records", "100", "--throughput", "400",
        "-o", "jsonl",
    )  # fmt: skip
    assert json.loads(out)["seconds"] >= 0.24


def test_produce_takes_payloads_from_a_file(ask: Ask, topic: str, tmp_path: Path) -> None:
    (tmp_path / "payloads").write_text("one,two,three")
    ask(
        "bench", "produce", "--topic", topic, "--num-records", "6",
        "--payload-file", str(tmp_path / "payloads"), "--payload-delimiter", ",",
    )  # fmt: skip
    assert sorted(values(ask, topic)) == sorted(["one", "two", "three"] * 2)


def test_produce_of_numbers_and_kafka_s_name_for_properties(ask: Ask, topic: str) -> None:
    ask(
        "bench", "produce", "--topic", topic, "--num-records", "4", "--payload-monotonic",
        "--producer-props", "acks=1", "--producer-props", "linger.ms=0",
    )  # fmt: skip
    assert sorted(values(ask, topic)) == ["0", "1", "2", "3"]


def test_produce_says_how_it_goes(run: Run, flowlog_broker: object, topic: str) -> None:
    code, _out, err = run(
        "-b", flowlog_broker.bootstrap,  # type: ignore[attr-defined]
        "bench", "produce", "--topic", topic, "--num-records", "200", "--throughput", "1000",
        "--reporting-interval", "50",
    )  # fmt: skip
    assert code == 0
    assert "records/s" in err


def test_records_that_cannot_be_written_end_with_an_error(
    run: Run, flowlog_broker: object, flowlog_topic: Callable[..., str]
) -> None:
    small = flowlog_topic(**{"max.message.bytes": "100"})
    code, out, err = run(
        "-b", flowlog_broker.bootstrap,  # type: ignore[attr-defined]
        "bench", "produce", "--topic", small, "--num-records", "3", "--record-size", "500",
        "-o", "json",
    )  # fmt: skip
    assert code == 1
    assert json.loads(out)["failed"] == 3
    assert err.startswith("error[RECORD_TOO_LARGE]: 3 records not written")


def test_consume_counts_records_and_bytes(ask: Ask, topic: str) -> None:
    ask("bench", "produce", "--topic", topic, "--num-records", "500", "--record-size", "100")
    out = ask("bench", "consume", "--topic", topic, "--num-records", "500", "-o", "json")
    result = json.loads(out)
    assert result["records"] == 500
    assert result["mb"] == round(500 * 100 / 2**20, 3)
    assert result["timed_out"] is False
    assert result["fetch_records_per_second"] >= result["records_per_second"] > 0


def test_consume_as_a_group_s_member_tells_the_rebalance_apart(ask: Ask, topic: str) -> None:
    ask("bench", "produce", "--topic", topic, "--num-records", "20")
    out = ask(
        "bench", "consume", "--topic", topic, "--num-records", "20",
        "--group", f"g-{uuid4().hex[:8]}", "-o", "json",
    )  # fmt: skip
    result = json.loads(out)
    assert result["records"] == 20
    assert 0 < result["rebalance_ms"] <= result["seconds"] * 1000 + 1


def test_consume_that_gets_too_few_records_prints_them_and_times_out(
    run: Run, ask: Ask, flowlog_broker: object, topic: str
) -> None:
    ask("bench", "produce", "--topic", topic, "--num-records", "20")
    code, out, err = run(
        "-b", flowlog_broker.bootstrap, "--timeout", "1",  # type: ignore[attr-defined]
        "bench", "consume", "--topic", topic, "--num-records", "21", "-o", "json",
    )  # fmt: skip
    assert code == 5
    assert json.loads(out)["records"] == 20
    assert err == "error[TIMED_OUT]: no more than 20 records came\n"


@pytest.mark.parametrize("acks", ["1", "all"])
def test_latency_is_of_each_record_from_end_to_end(ask: Ask, acks: str) -> None:
    topic = f"bench-{uuid4().hex[:8]}"
    out = ask(
        "bench", "latency", "--topic", topic, "--partitions", "2", "--num-records", "20",
        "--warmup-records", "3", "--record-size", "64", "--producer-acks", acks, "-o", "json",
    )  # fmt: skip
    result = json.loads(out)
    assert result["records"] == 20
    check_latencies(result)
    written = values(ask, topic)
    assert len(written) == 23
    assert len(set(written)) == 23


@pytest.mark.parametrize("name", ["produce", "consume", "latency"])
def test_a_topic_that_is_not_there_is_said_at_once(
    run: Run, flowlog_broker: object, name: str
) -> None:
    code, out, err = run(
        "-b", flowlog_broker.bootstrap,  # type: ignore[attr-defined]
        "bench", name, "--topic", "no-such-topic", "--num-records", "1",
    )  # fmt: skip
    assert (code, out) == (1, "")
    assert err.startswith("error[TOPIC_NOT_FOUND]")


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["--record-size", "5", "--payload-monotonic"], id="two payloads"),
        pytest.param(["--warmup-records", "3"], id="nothing but warm-up"),
        pytest.param(["--producer-props", "no.such.key=1"], id="unknown property"),
    ],
)
def test_options_that_make_no_sense_are_usage_errors(
    run: Run, flowlog_broker: object, topic: str, arguments: list[str]
) -> None:
    code, out, _err = run(
        "-b", flowlog_broker.bootstrap,  # type: ignore[attr-defined]
        "bench", "produce", "--topic", topic, "--num-records", "3", *arguments,
    )  # fmt: skip
    assert (code, out) == (2, "")
