"""Records of share groups (KIP-932): fetched, acknowledged, refused."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flowlog.broker.wire import messages
from tests.conformance.cases.groups import ready, stable
from tests.conformance.cases.records import fill
from tests.conformance.cases.share_groups import LEAVE, MEMBER, OTHER, altered, beat, joined
from tests.conformance.probe import Probe, case

HEARTBEAT, FETCH, ACKNOWLEDGE = 76, 78, 79
GAP, ACCEPT, RELEASE, REJECT, RENEW = range(5)
FINAL = -1
RENEW_SINCE = 2
NO_TOPIC = UUID(int=0xABCDEF)

Range = tuple[int, int, int]
"""First and last offset, and what is said of them."""


def _rows(m: Any, said: tuple[Range, ...]) -> tuple[Any, ...]:
    return tuple(
        m.AcknowledgementBatch(first_offset=first, last_offset=last, acknowledge_types=(kind,))
        for first, last, kind in said
    )


def fetch(
    group: str,
    topic_id: UUID | None,
    epoch: int,
    *said: Range,
    member: str = MEMBER,
    partition: int = 0,
    **more: Any,
) -> Any:
    """Up to ten records of one partition, or of none."""
    m = messages.share_fetch.request
    row = m.FetchPartition(partition_index=partition, acknowledgement_batches=_rows(m, said))
    fields = {"max_wait_ms": 300, "min_bytes": 1, "max_bytes": 100_000}
    return m.ShareFetchRequest(
        group_id=group,
        member_id=member,
        share_session_epoch=epoch,
        topics=() if topic_id is None else (m.FetchTopic(topic_id=topic_id, partitions=(row,)),),
        **{**fields, "max_records": 10, "batch_size": 10, **more},
    )


def acknowledge(
    group: str,
    topic_id: UUID | None,
    epoch: int,
    *said: Range,
    member: str = MEMBER,
    partition: int = 0,
    **more: Any,
) -> Any:
    m = messages.share_acknowledge.request
    row = m.AcknowledgePartition(partition_index=partition, acknowledgement_batches=_rows(m, said))
    topics = () if topic_id is None else (m.AcknowledgeTopic(topic_id=topic_id, partitions=(row,)),)
    return m.ShareAcknowledgeRequest(
        group_id=group, member_id=member, share_session_epoch=epoch, topics=topics, **more
    )


def sharing(probe: Probe, *values: bytes) -> tuple[str, UUID]:
    """A group with one member that has a partition of these records; and the topic's id."""
    group, topic = probe.name("group"), probe.topic("topic")
    ready(probe, group)
    altered(probe, group, topic, p0=0)
    joined(probe, group, MEMBER, topic)
    if values:
        fill(probe, topic, *values)
    return group, probe.topic_id(topic)


class Session:
    """The session of a group's one member, from its first records on."""

    def __init__(self, probe: Probe, *values: bytes, **first: int) -> None:
        """Fetch until there are records, for Kafka may need a moment; their answer is kept."""
        self._probe = probe
        self.group, self.topic_id = sharing(probe, *values)
        self.epoch = 0
        while True:
            request = fetch(self.group, self.topic_id, self.epoch, **first)
            answer = probe.call(FETCH, probe.version, request)
            assert answer.error_code == 0, answer
            self.epoch += 1
            if answer.responses and answer.responses[0].partitions[0].acquired_records:
                break
        probe.keep(answer)

    def fetch(self, *said: Range, **more: Any) -> None:
        self._probe.ask(fetch(self.group, self.topic_id, self.epoch, *said, **more), api_key=FETCH)
        self.epoch += 1

    def acknowledge(self, *said: Range, **more: Any) -> None:
        request = acknowledge(self.group, self.topic_id, self.epoch, *said, **more)
        self._probe.ask(request, api_key=ACKNOWLEDGE)
        self.epoch += 1

    def leave(self) -> None:
        self._probe.call(HEARTBEAT, 1, beat(self.group, MEMBER, LEAVE))


@case(FETCH, since=1)
def records_are_acquired_and_decided(probe: Probe) -> None:
    session = Session(probe, b"a", b"b", b"c")
    session.fetch((0, 0, ACCEPT), (1, 1, RELEASE), (2, 2, REJECT))
    session.fetch((1, 1, ACCEPT))
    session.fetch()
    probe.ask(fetch(session.group, None, FINAL))
    probe.ask(fetch(session.group, None, session.epoch))
    session.leave()


@case(FETCH, since=1)
def what_a_member_cannot_say_of_records(probe: Probe) -> None:
    session = Session(probe, b"a", b"b", b"c", b"d")
    session.fetch((0, 0, 9))
    session.fetch((2, 1, ACCEPT))
    session.fetch((1, 1, ACCEPT), (0, 0, ACCEPT))
    session.fetch((0, 7, ACCEPT))
    session.fetch((0, 0, ACCEPT), (0, 0, ACCEPT))
    session.fetch((0, 0, GAP))
    session.fetch((1, 1, ACCEPT))
    session.fetch((1, 1, ACCEPT))
    session.fetch((1, 1, RELEASE))
    session.fetch((2, 3, RELEASE), partition=7)
    session.leave()


@case(FETCH, since=1)
def share_fetches_that_are_refused(probe: Probe) -> None:
    session = Session(probe, b"a")
    group, topic_id = session.group, session.topic_id
    probe.ask(fetch("", topic_id, 0))
    probe.ask(fetch(group, topic_id, 0, member=""))
    probe.ask(fetch(group, topic_id, 0, member="no uuid"))
    probe.ask(fetch(group, topic_id, 0, member=OTHER))
    probe.ask(fetch(group, topic_id, 5))
    probe.ask(fetch(group, topic_id, 0, (0, 0, ACCEPT)))
    probe.ask(fetch(group, topic_id, FINAL, (0, 0, ACCEPT)))
    probe.ask(fetch(group, topic_id, 3, member=OTHER))
    probe.ask(fetch(group, NO_TOPIC, 0))
    probe.ask(fetch(group, topic_id, 0, partition=9))
    session.leave()


@case(FETCH, since=1)
def other_groups_fetch_what_is_shared(probe: Probe) -> None:
    group, topic = probe.name("group"), probe.topic("topic")
    stable(probe, group)
    probe.ask(fetch(group, probe.topic_id(topic), 0))
    probe.ask(fetch(probe.name("missing"), probe.topic_id(topic), 0))


@case(ACKNOWLEDGE, since=1)
def records_are_decided_without_a_fetch(probe: Probe) -> None:
    session = Session(probe, b"a", b"b", b"c", b"d")
    session.acknowledge((0, 0, ACCEPT))
    session.acknowledge((0, 0, ACCEPT))
    session.acknowledge((1, 1, RELEASE), (2, 2, REJECT))
    session.acknowledge((3, 3, 9))
    session.acknowledge((3, 2, ACCEPT))
    session.acknowledge((3, 9, ACCEPT))
    session.acknowledge()
    probe.ask(acknowledge(session.group, session.topic_id, FINAL, (3, 3, ACCEPT)))
    probe.ask(acknowledge(session.group, session.topic_id, session.epoch, (3, 3, ACCEPT)))
    session.leave()


@case(ACKNOWLEDGE, since=RENEW_SINCE)
def locks_are_renewed(probe: Probe) -> None:
    session = Session(probe, b"a", b"b")
    session.acknowledge((0, 0, RENEW), is_renew_ack=True)
    session.acknowledge((0, 0, RENEW))
    session.acknowledge((5, 5, RENEW), is_renew_ack=True)
    session.acknowledge((0, 1, ACCEPT))
    session.acknowledge((0, 0, RENEW), is_renew_ack=True)
    session.leave()


@case(ACKNOWLEDGE, since=1)
def acknowledgements_that_are_refused(probe: Probe) -> None:
    session = Session(probe, b"a")
    group, topic_id = session.group, session.topic_id
    said = (0, 0, ACCEPT)
    probe.ask(acknowledge("", topic_id, 1, said, member=OTHER))
    probe.ask(acknowledge(group, topic_id, 1, said, member=""))
    probe.ask(acknowledge(group, topic_id, 1, said, member=OTHER))
    probe.ask(acknowledge(group, topic_id, 0, said))
    probe.ask(acknowledge(group, topic_id, session.epoch + 3, said))
    session.acknowledge(said, partition=7)
    probe.ask(acknowledge(group, NO_TOPIC, session.epoch, said))
    session.epoch += 1
    probe.ask(acknowledge(group, None, session.epoch))
    session.leave()
