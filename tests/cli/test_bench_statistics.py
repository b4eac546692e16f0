"""Latency statistics, rates and throttling by numbers alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowlog.cli.bench_payloads import file_payloads, numbered_payloads, random_payloads
from flowlog.cli.bench_statistics import Latencies, Throttle, quantile, rates
from flowlog.errors import ConfigError


def test_summary_of_known_latencies() -> None:
    latencies = Latencies(1000)
    for i in range(1000):
        latencies.add((i + 1) / 1000)
    assert latencies.summary() == {
        "avg_ms": 500.5,
        "p50_ms": 500.0,
        "p95_ms": 950.0,
        "p99_ms": 990.0,
        "p999_ms": 999.0,
        "max_ms": 1000.0,
    }


def test_summary_of_nothing_has_no_numbers() -> None:
    assert set(Latencies(10).summary().values()) == {None}


def test_more_records_than_samples_are_thinned_but_counted_whole() -> None:
    latencies = Latencies(100_000, samples_max=1000)
    for i in range(100_000):
        latencies.add(i / 1e6)
    summary = latencies.summary()
    assert summary["max_ms"] == 99.999
    assert summary["avg_ms"] == 50.0
    assert summary["p99_ms"] == pytest.approx(99, abs=0.2)


@given(st.lists(st.floats(0, 10), min_size=1), st.floats(0, 1))
def test_a_quantile_is_a_value_that_enough_do_not_exceed(values: list[float], q: float) -> None:
    ordered = sorted(values)
    value = quantile(ordered, q)
    assert value in values
    assert sum(v <= value for v in values) >= q * len(values)


def test_rates_count_megabytes_as_kafka_does() -> None:
    assert rates(1000, 2 * 1024 * 1024, 2.0) == {"records_per_second": 500.0, "mb_per_second": 1.0}
    assert rates(0, 0, 0.0, "fetch_") == {
        "fetch_records_per_second": 0.0,
        "fetch_mb_per_second": 0.0,
    }


def test_a_throttle_keeps_the_rate_from_its_start_and_gathers_small_waits() -> None:
    throttle = Throttle(10_000, 5.0)
    assert throttle.wait_s(1, 5.0) == 0
    assert throttle.wait_s(30, 5.0) == pytest.approx(0.003)
    throttle = Throttle(100, 5.0)
    assert throttle.wait_s(1, 5.0) == pytest.approx(0.01)
    assert throttle.wait_s(1, 5.0095) == 0
    assert throttle.wait_s(1, 6.0) == 0


def test_no_throughput_is_no_limit() -> None:
    assert Throttle(-1, 0.0).wait_s(10**9, 0.0) == 0


def test_random_payloads_have_the_size_and_are_the_same_in_each_run() -> None:
    first = [next(payloads) for payloads in [random_payloads(50)] for _ in range(3)]
    again = [next(payloads) for payloads in [random_payloads(50)] for _ in range(3)]
    assert first == again
    assert len(set(first)) == 3
    assert all(len(p) == 50 and p.isalpha() and p.isupper() for p in first)
    assert next(random_payloads(0)) == b""
    assert next(numbered_payloads()) == b"0"


def test_payloads_of_a_file_come_in_another_order_and_again(tmp_path: Path) -> None:
    path = tmp_path / "payloads.txt"
    path.write_bytes(b"a|b||c|")
    payloads = file_payloads(str(path), "|")
    assert {next(payloads) for _ in range(3)} == {b"a", b"b", b"c"}
    assert {next(payloads) for _ in range(3)} == {b"a", b"b", b"c"}


def test_a_file_without_payloads_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").write_bytes(b"\n\n")
    with pytest.raises(ConfigError):
        file_payloads(str(tmp_path / "empty"), "\n")
