"""Groups of the new protocol (KIP-848): heartbeats, their errors, and their description."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flowlog.broker.wire import messages
from tests.conformance.cases.groups import commit, ready, stable
from tests.conformance.probe import Probe, case

HEARTBEAT, DESCRIBE, COMMIT, FETCH = 68, 69, 8, 9
JOIN, LEAVE, LEAVE_STATIC = 0, -1, -2
MEMBER = str(UUID(int=77))


def beat(group: str, member: str, epoch: int, **more: Any) -> Any:
    m = messages.consumer_group_heartbeat.request
    return m.ConsumerGroupHeartbeatRequest(
        group_id=group, member_id=member, member_epoch=epoch, **more
    )


def joining(*topics: str, **more: Any) -> dict[str, Any]:
    """The fields of a first heartbeat."""
    first = {"rebalance_timeout_ms": 10_000, "topic_partitions": ()}
    return {**first, "subscribed_topic_names": topics, **more}


def owned(topic_id: UUID, *partitions: int) -> tuple[Any, ...]:
    m = messages.consumer_group_heartbeat.request
    return (m.TopicPartitions(topic_id=topic_id, partitions=partitions),)


def joined(probe: Probe, group: str, member: str, *topics: str, **more: Any) -> Any:
    """Heartbeat until the member has its partitions; the last answer, which is compared."""
    answer = probe.ask(beat(group, member, JOIN, **joining(*topics, **more)))
    while answer.assignment is None or not answer.assignment.topic_partitions:
        answer = probe.call_until(
            HEARTBEAT,
            probe.version,
            beat(group, answer.member_id, answer.member_epoch),
            lambda row: row.error_code != 0 or row.assignment is not None,
        )
        assert answer.error_code == 0, answer
    probe.keep(answer)
    return answer


@case(HEARTBEAT, since=1)
def a_member_comes_and_goes(probe: Probe) -> None:
    group, topic = probe.name("group"), probe.topic("topic", 2)
    ready(probe, group)
    answer = joined(probe, group, MEMBER, topic)
    found = probe.topic_id(topic)
    epoch = answer.member_epoch
    probe.ask(beat(group, MEMBER, epoch, topic_partitions=owned(found, 0, 1)))
    probe.ask(beat(group, MEMBER, epoch))
    probe.ask(beat(group, MEMBER, epoch + 5))
    probe.ask(beat(group, MEMBER, epoch, subscribed_topic_names=(topic,)))
    probe.ask(beat(group, "no-such-member", epoch))
    d = messages.consumer_group_describe
    probe.ask(d.ConsumerGroupDescribeRequest(group_ids=(group,)), api_key=DESCRIBE, version=1)
    probe.ask(beat(group, MEMBER, LEAVE))
    probe.ask(beat(group, MEMBER, epoch))


@case(HEARTBEAT, since=1)
def heartbeats_that_are_refused(probe: Probe) -> None:
    group, topic = probe.name("group"), probe.topic("topic")
    ready(probe, group)
    probe.ask(beat("", MEMBER, JOIN, **joining(topic)))
    probe.ask(beat(group, "", JOIN, **joining(topic)))
    probe.ask(beat(group, MEMBER, JOIN, **joining(topic, rebalance_timeout_ms=-1)))
    probe.ask(beat(group, MEMBER, JOIN, **joining(topic, topic_partitions=None)))
    probe.ask(beat(group, MEMBER, JOIN, **joining()))
    probe.ask(beat(group, MEMBER, JOIN, **joining(topic, instance_id="")))
    probe.ask(beat(group, MEMBER, JOIN, **joining(topic, server_assignor="no-such")))
    probe.ask(beat(group, MEMBER, JOIN, **joining(topic, rack_id="")))
    probe.ask(beat(group, MEMBER, 5))
    probe.ask(beat(group, MEMBER, LEAVE_STATIC))
    probe.ask(beat(group, MEMBER, -3))
    wrong = {"subscribed_topic_regex": "["}
    probe.ask(beat(group, MEMBER, JOIN, **joining(**wrong)))


@case(HEARTBEAT, since=1)
def a_static_member_of_the_new_protocol(probe: Probe) -> None:
    group, topic = probe.name("group"), probe.topic("topic")
    ready(probe, group)
    answer = joined(probe, group, MEMBER, topic, instance_id="one")
    other = str(UUID(int=78))
    probe.ask(beat(group, other, JOIN, **joining(topic, instance_id="one")))
    probe.ask(beat(group, MEMBER, LEAVE_STATIC, instance_id="one"))
    probe.ask(beat(group, other, JOIN, **joining(topic, instance_id="one")))
    probe.ask(beat(group, MEMBER, answer.member_epoch, instance_id="one"))


@case(HEARTBEAT, since=1)
def offsets_of_a_new_member(probe: Probe) -> None:
    group, topic = probe.name("group"), probe.topic("topic")
    ready(probe, group)
    epoch = joined(probe, group, MEMBER, topic).member_epoch
    for at, member in ((epoch, MEMBER), (epoch + 3, MEMBER), (epoch, "nobody"), (-1, "")):
        where = {"generation_id_or_member_epoch": at, "member_id": member}
        probe.ask(commit(probe, 9, group, topic, 5, **where), api_key=COMMIT, version=9)
    m = messages.offset_fetch
    for at, member in ((epoch, MEMBER), (epoch + 3, MEMBER), (epoch, "nobody"), (-1, None)):
        row = m.OffsetFetchRequestTopics(name=topic, partition_indexes=(0,))
        one = m.OffsetFetchRequestGroup(
            group_id=group, member_id=member, member_epoch=at, topics=(row,)
        )
        probe.ask(m.OffsetFetchRequest(groups=(one,)), api_key=FETCH, version=9)
    probe.call(HEARTBEAT, probe.version, beat(group, MEMBER, LEAVE))


@case(HEARTBEAT, since=1)
def a_classic_group_is_asked_for(probe: Probe) -> None:
    group, topic = probe.name("group"), probe.topic("topic")
    stable(probe, group)
    probe.ask(beat(group, MEMBER, JOIN, **joining(topic)))


@case(DESCRIBE)
def groups_that_are_not_new(probe: Probe) -> None:
    m = messages.consumer_group_describe
    group = probe.name("group")
    stable(probe, group)
    names = (group, probe.name("missing"), "")
    probe.ask(m.ConsumerGroupDescribeRequest(group_ids=names))
    probe.ask(m.ConsumerGroupDescribeRequest(group_ids=()))
