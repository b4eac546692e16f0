"""The benchmarks run: at a tiny size, on flowlog alone, and no time can fail."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


def _run(module: str, *arguments: str) -> str:
    environment = {k: v for k, v in os.environ.items() if k != "FLOWLOG_KAFKA_SCRIPT"}
    done = subprocess.run(
        [sys.executable, "-m", module, "--quick", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.e2e
def test_the_broker_benchmark_prints_its_table() -> None:
    table = _run("benchmarks.broker")

    for line in (
        "100 B, 6 partitions, acks=all: consume",
        "50 connections, 1 in flight, acks=all: p99",
        "end to end at 1,000 rec/s: p99.9",
        "create 10 topics of 2 partitions",
        "first record: new group, classic protocol",
        "first record: new group, consumer protocol",
        "memory idle",
    ):
        assert f"{line} |" in table


@pytest.mark.e2e
def test_the_group_commit_benchmark_prints_its_ratio() -> None:
    table = _run("benchmarks.group_commit")

    assert "| 50 beside 1 |" in table
    for line in ("flowlog", "flowlog, a sync 2 ms slower"):
        assert f"| {line} |" in table


@pytest.mark.e2e
def test_the_scale_benchmark_prints_its_table() -> None:
    table = _run("benchmarks.scale")

    for line in ("start after a clean stop", "open files idle", "memory idle", "start with 10 GB"):
        assert f"| {line}" in table


@pytest.mark.e2e
def test_the_streams_benchmark_gets_the_right_answers_and_prints_its_table() -> None:
    table = _run("benchmarks.streams", "--frameworks", "flowlog")

    for job in ("map to a topic", "count per key", "tumbling sum, on close", "restore of a store"):
        assert f"| {job}" in table
