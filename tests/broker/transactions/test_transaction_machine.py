"""A transactional id under every order of requests, markers, time, failures and crashes.

That the machines would notice is shown by planting bugs: each of `PLANTED_BUGS` must be found.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from flowlog.broker.replication.partition import Partition

from .log_machine import TransactionsInRealLogs
from .machine import TransactionsUnderEverything
from .planted import PLANTED_BUGS, RARE_BUGS

QUICK = settings(
    max_examples=100,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
HUNT = settings(QUICK, max_examples=3_000, database=None, phases=[Phase.generate], derandomize=True)


def test_every_transaction_has_one_outcome() -> None:
    run_state_machine_as_test(TransactionsUnderEverything, settings=QUICK)  # type: ignore[no-untyped-call]


def test_readers_of_real_logs_see_committed_transactions_as_they_end() -> None:
    some = settings(QUICK, max_examples=25)
    run_state_machine_as_test(TransactionsInRealLogs, settings=some)  # type: ignore[no-untyped-call]


@pytest.mark.slow
@pytest.mark.parametrize("machine", [TransactionsUnderEverything, TransactionsInRealLogs])
def test_every_transaction_has_one_outcome_in_a_long_run(machine: Any) -> None:
    long_run = settings(QUICK, max_examples=10_000, stateful_step_count=60)
    run_state_machine_as_test(machine, settings=long_run)  # type: ignore[no-untyped-call]


PLANTED = [
    *(pytest.param(bug, id=bug.__name__) for bug in PLANTED_BUGS),
    *(pytest.param(bug, id=bug.__name__, marks=pytest.mark.slow) for bug in RARE_BUGS),
]


@pytest.mark.parametrize("plant", PLANTED)
def test_a_planted_bug_is_found(plant: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch)
    with pytest.raises(AssertionError):
        run_state_machine_as_test(TransactionsUnderEverything, settings=HUNT)  # type: ignore[no-untyped-call]


def test_a_last_stable_offset_that_passes_what_is_open_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Partition, "last_stable_offset", property(lambda self: self.high_watermark))
    with pytest.raises(AssertionError):
        run_state_machine_as_test(TransactionsInRealLogs, settings=HUNT)  # type: ignore[no-untyped-call]
