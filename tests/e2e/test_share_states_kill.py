"""The progress of share groups when the broker is killed: what was acknowledged is still there."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from flowlog.broker.wire import messages
from flowlog.testing.broker_process import BrokerProcess
from tests.conformance.cases.share_groups import beat
from tests.conformance.cases.share_states import read, write
from tests.conformance.connection import ClosedError, RawConnection
from tests.e2e.waiting import wait_until

pytestmark = pytest.mark.e2e

FIND, CREATE_TOPICS, HEARTBEAT, READ, WRITE = 10, 19, 76, 84, 85
IS_LOADING = (14, 16)
GROUP, MEMBER = "workers", str(uuid4())
PROPERTIES = {
    "share.coordinator.state.topic.num.partitions": "2",
    "offsets.topic.num.partitions": "2",
    "share.coordinator.snapshot.update.records.per.snapshot": "7",
    "share.coordinator.state.topic.prune.interval.ms": "50",
}


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[BrokerProcess]:
    with BrokerProcess(tmp_path, PROPERTIES) as broker:
        yield broker


def answered(ask: Callable[[], Any]) -> Any:
    """The answer, once the coordinator that was asked has read its log."""
    found: list[Any] = []

    def is_there() -> bool:
        answer = ask()
        found[:] = [] if answer is None else [answer]
        return bool(found)

    wait_until(is_there, what="loaded")
    return found[0]


def make_topic(connection: RawConnection) -> UUID:
    m = messages.create_topics
    topic = m.CreatableTopic(name="jobs", num_partitions=1, replication_factor=1)
    answer = connection.call(CREATE_TOPICS, 7, m.CreateTopicsRequest(topics=(topic,)))
    topic_id: UUID = answer.topics[0].topic_id
    return topic_id


def joined(connection: RawConnection) -> int:
    m = messages.find_coordinator
    connection.call(FIND, 4, m.FindCoordinatorRequest(key_type=0, coordinator_keys=(GROUP,)))
    answer = connection.call(HEARTBEAT, 1, beat(GROUP, MEMBER, 0, "jobs"))
    assert answer.error_code == 0, answer
    assert answer.assignment.topic_partitions, "the first answer has partitions"
    epoch: int = answer.member_epoch
    return epoch


def served(connection: RawConnection, topic_id: UUID) -> Any:
    """The state's row, once its coordinator has read its log."""
    answer = connection.call(READ, 0, read(GROUP, topic_id, 0))
    row = answer.results[0].partitions[0]
    return None if row.error_code in IS_LOADING else row


def start_offset(connection: RawConnection, topic_id: UUID) -> int:
    row = answered(lambda: served(connection, topic_id))
    assert row.error_code == 0, row
    offset: int = row.start_offset
    return offset


def heard(connection: RawConnection, epoch: int) -> Any:
    answer = connection.call(HEARTBEAT, 1, beat(GROUP, MEMBER, epoch))
    return None if answer.error_code in IS_LOADING else answer


def advance(connection: RawConnection, topic_id: UUID, offset: int) -> None:
    """Move the group on; raises ClosedError or OSError where the broker is gone."""
    request = write(GROUP, topic_id, (offset, offset + 3, 2, 1), state_epoch=9, start=offset)
    answer = connection.call(WRITE, 1, request)
    assert answer.results[0].partitions[0].error_code == 0, answer


def test_acknowledged_progress_survives_a_kill(broker: BrokerProcess) -> None:
    with RawConnection(broker.bootstrap) as connection:
        topic_id = make_topic(connection)
        epoch = joined(connection)
        acknowledged = sent = -1
        for round_number in range(3):
            first = sent + 1
            for offset in range(first, first + 5):  # some for sure, before it is killed
                advance(connection, topic_id, offset)
                acknowledged = sent = offset
            killer = threading.Timer(0.02 * round_number, broker.kill)
            killer.start()
            try:
                while True:
                    sent += 1
                    advance(connection, topic_id, sent)
                    acknowledged = sent
            except (ClosedError, OSError):
                pass
            killer.join()
            connection.close()
            broker.start()
            found = start_offset(connection, topic_id)
            assert acknowledged <= found <= sent
            sent = acknowledged = found
        answer = answered(lambda: heard(connection, epoch))
        assert (answer.error_code, answer.member_epoch) == (0, epoch)


def test_progress_that_was_never_acknowledged_is_not_made_up(broker: BrokerProcess) -> None:
    """The control: the check above finds what was written, and nothing else."""
    with RawConnection(broker.bootstrap) as connection:
        topic_id = make_topic(connection)
        joined(connection)
        advance(connection, topic_id, 5)
        broker.kill()
        connection.close()
        broker.start()
        assert start_offset(connection, topic_id) == 5
        refused = connection.call(WRITE, 1, write(GROUP, topic_id, state_epoch=8, start=6))
        assert refused.results[0].partitions[0].error_code != 0
        assert start_offset(connection, topic_id) == 5
