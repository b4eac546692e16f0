"""The negative control: the checker of the kill test reports each kind of broken promise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.e2e.kill.checker import broken_promises
from tests.e2e.kill.history import (
    CommitAcknowledged,
    CommitRead,
    History,
    Outcome,
    TopicFacts,
)


def _history() -> History:
    history = History(
        sent={0: [0, 2, 4], 1: [1, 3, 5]},
        acknowledged={0: {0: 0, 2: 1, 4: 2}, 1: {1: 0, 3: 1}},
        tried_commits={0: 3},
        commits=[CommitAcknowledged(0, 2), CommitRead(0, 3)],
        topics={"kept": TopicFacts("id-1", 2, {"retention.ms": "7"})},
        deleted_topics={"gone"},
    )
    history.see(0, 0, 0)
    return history


def _outcome() -> Outcome:
    return Outcome(
        log={0: [(0, 0), (1, 2), (2, 4)], 1: [(0, 1), (1, 3), (2, 5)]},
        committed={0: 3},
        topics={"kept": TopicFacts("id-1", 2, {"retention.ms": "7"})},
    )


def test_a_history_whose_promises_were_kept_is_not_reported() -> None:
    # Record 5 was never acknowledged and is there: allowed. Commit 3 was tried, not answered.
    assert broken_promises(_history(), _outcome()) == []


def _log(records: list[tuple[int, int]]) -> Outcome:
    return replace(_outcome(), log={**_outcome().log, 0: records})


def _topics(**topics: TopicFacts) -> Outcome:
    return replace(_outcome(), topics=topics)


@pytest.mark.parametrize(
    ("outcome", "word"),
    [
        pytest.param(_log([(0, 0), (1, 2)]), "lost", id="the last record is gone"),
        pytest.param(_log([(0, 0), (2, 4)]), "lost", id="a record in the middle is gone"),
        pytest.param(_log([(0, 0), (1, 2), (2, 4), (3, 4)]), "doubled", id="written twice"),
        pytest.param(_log([(0, 0), (1, 4), (2, 2)]), "out of order", id="two changed places"),
        pytest.param(_log([(0, 0), (1, 2), (3, 4)]), "moved", id="acknowledged elsewhere"),
        pytest.param(_log([(0, 0), (1, 2), (2, 4), (3, 99)]), "invented", id="never sent"),
        pytest.param(_log([(0, 1), (1, 2), (2, 4)]), "seen and gone", id="read, now another"),
        pytest.param(replace(_outcome(), committed={0: 9}), "commit invented", id="not tried"),
        pytest.param(_topics(), "topic lost", id="no topic"),
        pytest.param(
            _topics(kept=TopicFacts("id-2", 2, {"retention.ms": "7"})), "topic id", id="other id"
        ),
        pytest.param(
            _topics(kept=TopicFacts("id-1", 3, {"retention.ms": "7"})), "partitions", id="count"
        ),
        pytest.param(
            _topics(kept=TopicFacts("id-1", 2, {"retention.ms": "8"})), "config", id="config"
        ),
        pytest.param(
            _topics(kept=_outcome().topics["kept"], gone=TopicFacts("id-9", 1)),
            "back from the dead",
            id="deleted and back",
        ),
    ],
)
def test_a_broken_promise_is_reported(outcome: Outcome, word: str) -> None:
    assert any(word in promise for promise in broken_promises(_history(), outcome))


def _commit_goes_back(history: History) -> None:
    history.commits.append(CommitRead(0, 1))


def _commit_vanishes(history: History) -> None:
    history.commits.append(CommitRead(0, None))


def _offset_is_reused(history: History) -> None:
    history.see(0, 0, 2)


def _producer_dies(history: History) -> None:
    history.complaints.append("the producer failed for good")


@pytest.mark.parametrize(
    ("happen", "word"),
    [
        (_commit_goes_back, "commit gone back"),
        (_commit_vanishes, "commit gone back"),
        (_offset_is_reused, "changed"),
        (_producer_dies, "failed for good"),
    ],
)
def test_a_broken_promise_on_the_way_is_reported(
    happen: Callable[[History], None], word: str
) -> None:
    history = _history()
    happen(history)

    assert any(word in promise for promise in broken_promises(history, _outcome()))
