"""`group.remote.assignor=flowlog`: what is joined stays together, and losses surprise nobody."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from uuid import UUID, uuid4

import confluent_kafka as ck
import pytest

from flowlog.broker.groups.assignors.rendezvous import heirs
from flowlog.broker.groups.assignors.spec import GroupSpec, MemberSpec, TopicSpec
from tests.e2e.clients.confluent import ConfluentMember
from tests.e2e.clients.model import Member, Partition
from tests.e2e.conftest import AnyBroker
from tests.e2e.waiting import poll_until, shared_fairly

TopicFactory = Callable[..., str]
Owners = dict[Partition, str]
PARTITIONS = 8


@pytest.fixture
def members() -> Iterator[ExitStack]:
    """Close what was joined, also when the test fails."""
    with ExitStack() as stack:
        yield stack


def _joined(bootstrap: str, assignor: str, group: str, topics: Sequence[str]) -> ck.Consumer:
    consumer = ck.Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": group,
            "group.protocol": "consumer",
            "group.remote.assignor": assignor,
            "auto.offset.reset": "earliest",
        }
    )
    consumer.subscribe(list(topics))
    return consumer


def _owners(consumers: Sequence[ck.Consumer]) -> Owners:
    return {(p.topic, p.partition): c.memberid() for c in consumers for p in c.assignment()}


def _settle(members: Sequence[Member], topics: Sequence[str]) -> None:
    partitions = [(topic, n) for topic in topics for n in range(PARTITIONS)]
    poll_until(members, lambda: shared_fairly(members, partitions), what="shared")


def _foreseen(owners: Owners, lost: str) -> Owners:
    """Who gets what the lost one has, by what any observer sees: names, and who has what."""
    ids = {topic: UUID(int=n) for n, topic in enumerate(sorted({t for t, _ in owners}))}
    names = {topic_id: topic for topic, topic_id in ids.items()}
    topics = {topic_id: TopicSpec(topic, PARTITIONS) for topic, topic_id in ids.items()}
    specs: Mapping[str, MemberSpec] = {
        member_id: MemberSpec(
            member_id,
            frozenset(topics),
            frozenset((ids[t], n) for (t, n), owner in owners.items() if owner == member_id),
        )
        for member_id in owners.values()
    }
    inherited = heirs(GroupSpec(specs, topics), lost)
    return {(names[topic_id], n): heir for (topic_id, n), heir in inherited.items()}


def _together(owners: Owners) -> bool:
    """Whether each partition number of all topics is with one member."""
    return len({(n, owner) for (_, n), owner in owners.items()}) == PARTITIONS


def test_twins_stay_together_and_every_heir_is_foreseen(
    flowlog_broker: AnyBroker, flowlog_topic: TopicFactory, members: ExitStack
) -> None:
    topics = [flowlog_topic(partitions=PARTITIONS) for _ in range(3)]
    group = f"group-{uuid4().hex[:12]}"
    consumers = [_joined(flowlog_broker.bootstrap, "flowlog", group, topics) for _ in range(4)]
    for consumer in consumers:
        members.callback(consumer.close)
    _settle([ConfluentMember(c) for c in consumers], topics)

    while len(consumers) > 1:
        before = _owners(consumers)
        assert _together(before)
        lost = consumers.pop()
        foreseen = _foreseen(before, lost.memberid())
        kept = {p: owner for p, owner in before.items() if owner != lost.memberid()}

        lost.close()

        _settle([ConfluentMember(c) for c in consumers], topics)
        assert _owners(consumers) == kept | foreseen


def test_an_assignor_that_nobody_has_is_refused(
    flowlog_broker: AnyBroker, flowlog_topic: TopicFactory, members: ExitStack
) -> None:
    consumer = _joined(flowlog_broker.bootstrap, "nearest", f"g-{uuid4().hex}", [flowlog_topic()])
    members.callback(consumer.close)

    message = consumer.poll(10)

    assert message is not None
    error = message.error()
    assert error is not None
    assert error.code() == ck.KafkaError._FATAL
    assert "assignor or its version range is not supported" in error.str()
