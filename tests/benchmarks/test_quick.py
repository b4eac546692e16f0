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

    for line in ("1 MB batches of 100 B", "one record a request, 50 conn.", "end to end"):
        assert line in table
    assert "| resident memory idle |" in table


@pytest.mark.e2e
def test_the_streams_benchmark_gets_the_right_answers_and_prints_its_table() -> None:
    table = _run("benchmarks.streams", "--frameworks", "flowlog")

    for job in ("map to a topic", "count per key", "tumbling sum, on close", "restore of a store"):
        assert f"| {job}" in table
