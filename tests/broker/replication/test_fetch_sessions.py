"""Fetch sessions: what a client knows through changes alone is what a full fetch would tell it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kio.schema.errors import ErrorCode

from flowlog.broker.replication.fetch_session import FetchSession
from flowlog.broker.replication.fetch_sessions import UNUSED_MS, FetchSessions
from flowlog.broker.wire.fetch import (
    FetchPartition,
    FetchPartitionResult,
    FetchRequest,
    FetchTopic,
    FetchTopicResult,
    ForgottenTopic,
)
from flowlog.errors import KafkaError
from flowlog.testing.clock import ManualClock


def a_request(
    *topics: FetchTopic,
    session_id: int = 0,
    epoch: int = 0,
    forgotten: tuple[ForgottenTopic, ...] = (),
) -> FetchRequest:
    return FetchRequest(
        -1, 500, 1, 2**20, 0, session_id, epoch, topics=[*topics], forgotten_topics=[*forgotten]
    )


def a_topic(name: str, *indexes: int, offset: int = 0) -> FetchTopic:
    return FetchTopic(name, None, [FetchPartition(i, -1, offset, -1, -1, 1000) for i in indexes])


def named(session: FetchSession) -> list[tuple[str | None, int]]:
    return [(topic.name, row.index) for topic in session.topics() for row in topic.partitions]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def make(clock: ManualClock) -> Callable[[int], FetchSessions]:
    ids = count(7)
    return lambda slots: FetchSessions(slots_max=slots, clock=clock, draw_id=lambda: next(ids))


@pytest.fixture
def sessions(make: Callable[[int], FetchSessions]) -> FetchSessions:
    return make(10)


def test_a_session_goes_on_with_what_it_was_told_once(sessions: FetchSessions) -> None:
    opened = sessions.session_of(a_request(a_topic("a", 0, 1), a_topic("b", 5)))
    assert opened is not None

    again = sessions.session_of(
        a_request(
            a_topic("a", 1, offset=9),
            session_id=opened.session_id,
            epoch=1,
            forgotten=(ForgottenTopic("b", None, (5,)),),
        )
    )

    assert again is opened
    assert named(opened) == [("a", 0), ("a", 1)]
    assert opened.topics()[0].partitions[1].fetch_offset == 9


@pytest.mark.parametrize(
    ("session_id", "epoch", "error"),
    [
        (99, 1, ErrorCode.fetch_session_id_not_found),
        (7, 2, ErrorCode.invalid_fetch_session_epoch),
    ],
)
def test_an_unknown_session_or_epoch_is_refused(
    sessions: FetchSessions, session_id: int, epoch: int, error: ErrorCode
) -> None:
    sessions.session_of(a_request(a_topic("a", 0)))

    with pytest.raises(KafkaError) as caught:
        sessions.session_of(a_request(session_id=session_id, epoch=epoch))

    assert caught.value.error_code is error


def test_names_and_ids_do_not_mix_in_one_session(sessions: FetchSessions) -> None:
    sessions.session_of(a_request(a_topic("a", 0)))
    by_id = FetchTopic(None, UUID(int=1), a_topic("", 0).partitions)

    with pytest.raises(KafkaError) as caught:
        sessions.session_of(a_request(by_id, session_id=7, epoch=1))

    assert caught.value.error_code is ErrorCode.fetch_session_topic_id_error


@pytest.mark.parametrize("epoch", [-1, 0])
def test_a_full_fetch_ends_the_session_that_it_names(sessions: FetchSessions, epoch: int) -> None:
    sessions.session_of(a_request(a_topic("a", 0)))

    session = sessions.session_of(a_request(a_topic("a", 0), session_id=7, epoch=epoch))

    assert (session is None) is (epoch == -1)
    with pytest.raises(KafkaError):
        sessions.session_of(a_request(session_id=7, epoch=1))


def test_a_session_without_partitions_is_over(sessions: FetchSessions) -> None:
    sessions.session_of(a_request(a_topic("a", 0)))
    forgotten = (ForgottenTopic("a", None, (0,)),)

    assert sessions.session_of(a_request(session_id=7, epoch=1, forgotten=forgotten)) is None
    assert len(sessions) == 0


def test_a_place_is_given_away_only_when_it_was_unused(
    make: Callable[[int], FetchSessions], clock: ManualClock
) -> None:
    sessions = make(1)
    first = sessions.session_of(a_request(a_topic("a", 0)))
    assert first is not None

    assert sessions.session_of(a_request(a_topic("a", 0))) is None, "no room"
    clock.advance(UNUSED_MS)
    assert sessions.session_of(a_request(a_topic("a", 0))) is not None
    with pytest.raises(KafkaError):
        sessions.session_of(a_request(session_id=first.session_id, epoch=1))


States = st.lists(
    st.tuples(st.integers(0, 3), st.booleans(), st.sampled_from([0, 0, 0, 3])),
    min_size=4,
    max_size=4,
)


@given(st.lists(States, max_size=8))
def test_changes_add_up_to_the_full_answer(rounds: list[list[tuple[int, bool, int]]]) -> None:
    session = FetchSession(1, a_request(a_topic("a", 0, 1), a_topic("b", 0, 1)), now_ms=0)
    known: dict[tuple[str | None, int], int] = {}
    for states in rounds:
        by_partition = dict(zip([("a", 0), ("a", 1), ("b", 0), ("b", 1)], states, strict=True))
        full = [
            FetchTopicResult(
                topic.name,
                None,
                [
                    FetchPartitionResult(
                        row.index,
                        error_code=error,
                        high_watermark=-1 if error else high_watermark,
                        records=b"batch" if has_records and not error else b"",
                    )
                    for row in topic.partitions
                    for high_watermark, has_records, error in (by_partition[topic.name, row.index],)
                ],
            )
            for topic in session.topics()
        ]
        changed = {(t.name, r.index): r for t in session.changes(full) for r in t.partitions}
        known |= {key: row.high_watermark for key, row in changed.items()}

        for key, (high_watermark, has_records, error) in by_partition.items():
            assert known[key] == (-1 if error else high_watermark)
            if error or has_records:
                assert key in changed
        read = [key for key, row in changed.items() if row.records]
        if len(read) == 1:
            assert named(session)[-1] == read[0], "what was read comes last"
        assert sorted(named(session)) == sorted(by_partition)


def test_nothing_new_is_an_empty_answer() -> None:
    session = FetchSession(1, a_request(a_topic("a", 0)), now_ms=0)
    answer = [FetchTopicResult("a", None, [FetchPartitionResult(0, high_watermark=5)])]

    assert session.changes(answer) == answer
    assert session.changes(answer) == []
