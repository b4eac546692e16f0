"""Consume, transform, produce in transactions: killed anywhere, each record comes out once.

A few rounds here; `python -m tests.e2e.exactly_once --records 100000 --rounds 40` and
`python -m tests.e2e.exactly_once.atomic --rounds 50` for more.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from flowlog.testing.broker_process import BrokerProcess
from tests.e2e.exactly_once.atomic import write_under_kills
from tests.e2e.exactly_once.checker import broken_promises
from tests.e2e.exactly_once.rounds import PROPERTIES, Plan, copy_under_kills


def test_killed_copiers_and_brokers_leave_each_record_once_and_in_order(tmp_path: Path) -> None:
    plan = Plan(records=2_000, rounds=2, seed=random.randrange(10**6))
    print(f"seed {plan.seed}")
    with BrokerProcess(tmp_path / "data", PROPERTIES) as broker:
        assert copy_under_kills(broker, tmp_path, plan) == []


def test_without_transactions_the_same_kills_leave_duplicates(tmp_path: Path) -> None:
    plan = Plan(records=1_000, rounds=1, seed=1, copiers=1, is_plain=True)
    with BrokerProcess(tmp_path / "data", PROPERTIES) as broker:
        broken = copy_under_kills(broker, tmp_path, plan)

    assert any(line.startswith("duplicated") for line in broken), broken


def test_a_transaction_is_there_as_a_whole_or_not_at_all_whenever_the_broker_dies(
    tmp_path: Path,
) -> None:
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    with BrokerProcess(tmp_path, PROPERTIES) as broker:
        assert write_under_kills(broker, rounds=3, seed=seed) == []


def test_who_reads_everything_sees_what_was_aborted(tmp_path: Path) -> None:
    with BrokerProcess(tmp_path, PROPERTIES) as broker:
        broken = write_under_kills(broker, rounds=1, seed=1, isolation="read_uncommitted")

    assert any(line.startswith("duplicated") for line in broken), broken


@pytest.mark.parametrize(
    ("found", "promise"),
    [
        pytest.param([b"1", b"3"], "lost in partition 0: 1 records, 2 ...", id="lost"),
        pytest.param(
            [b"1", b"2", b"2", b"3"], "duplicated in partition 0: 1 records, 2 ...", id="twice"
        ),
        pytest.param([b"2", b"1", b"3"], "out of order in partition 0", id="out of order"),
    ],
)
def test_the_checker_names_what_was_broken(found: list[bytes], promise: str) -> None:
    assert broken_promises({0: [b"1", b"2", b"3"]}, {0: found}) == [promise]
