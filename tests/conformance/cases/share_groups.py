"""Share groups (KIP-932): heartbeats, their errors, descriptions, and their offsets."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flowlog.broker.wire import messages
from tests.conformance.cases.groups import commit, ready, stable
from tests.conformance.probe import Probe, case

COMMIT, FETCH, DESCRIBE_CLASSIC, LIST, DELETE, OFFSET_DELETE, NEW_BEAT, NEW_DESCRIBE = (
    8,
    9,
    15,
    16,
    42,
    47,
    68,
    69,
)
HEARTBEAT, DESCRIBE, OFFSETS, ALTER, FORGET = 76, 77, 90, 91, 92
JOIN, LEAVE = 0, -1
MEMBER, OTHER = str(UUID(int=77)), str(UUID(int=78))


def beat(group: str, member: str, epoch: int, *topics: str, **more: Any) -> Any:
    m = messages.share_group_heartbeat
    return m.ShareGroupHeartbeatRequest(
        group_id=group,
        member_id=member,
        member_epoch=epoch,
        subscribed_topic_names=topics or None,
        **more,
    )


def joined(probe: Probe, group: str, member: str, *topics: str) -> int:
    """Heartbeat until the member has its partitions; its epoch. Kafka makes it wait for them."""
    answer = probe.call(HEARTBEAT, 1, beat(group, member, JOIN, *topics))
    assert answer.error_code == 0, answer
    if answer.assignment is None or not answer.assignment.topic_partitions:
        answer = probe.call_until(
            HEARTBEAT,
            1,
            beat(group, member, answer.member_epoch),
            lambda row: row.error_code != 0 or row.assignment is not None,
        )
    assert answer.assignment.topic_partitions, answer
    probe.call_me(str(answer.member_epoch), "epoch")
    epoch: int = answer.member_epoch
    return epoch


def offsets(group: str, *topics: tuple[str, tuple[int, ...]]) -> Any:
    m = messages.describe_share_group_offsets
    rows = tuple(
        m.DescribeShareGroupOffsetsRequestTopic(topic_name=name, partitions=partitions)
        for name, partitions in topics
    )
    one = m.DescribeShareGroupOffsetsRequestGroup(group_id=group, topics=rows or None)
    return m.DescribeShareGroupOffsetsRequest(groups=(one,))


def alter(group: str, topic: str, **starts: int) -> Any:
    """Start offsets by partition: `p0=5`."""
    m = messages.alter_share_group_offsets
    rows = tuple(
        m.AlterShareGroupOffsetsRequestPartition(
            partition_index=int(name.removeprefix("p")), start_offset=start
        )
        for name, start in starts.items()
    )
    row = m.AlterShareGroupOffsetsRequestTopic(topic_name=topic, partitions=rows)
    return m.AlterShareGroupOffsetsRequest(group_id=group, topics=(row,))


def forget(group: str, *topics: str) -> Any:
    m = messages.delete_share_group_offsets
    rows = tuple(m.DeleteShareGroupOffsetsRequestTopic(topic_name=name) for name in topics)
    return m.DeleteShareGroupOffsetsRequest(group_id=group, topics=rows)


def describe(*groups: str) -> Any:
    m = messages.share_group_describe
    return m.ShareGroupDescribeRequest(group_ids=groups)


def altered(probe: Probe, group: str, topic: str, **starts: int) -> None:
    """Set start offsets; Kafka's states may take a moment to be there."""
    probe.call_until(
        ALTER,
        0,
        alter(group, topic, **starts),
        lambda row: not any(p.error_code for t in row.responses for p in t.partitions),
    )


@case(HEARTBEAT)
def a_member_shares_comes_and_goes(probe: Probe) -> None:
    group, topic = probe.name("group"), probe.topic("topic", 2)
    ready(probe, group)
    epoch = joined(probe, group, MEMBER, topic)
    probe.ask(beat(group, MEMBER, epoch))
    probe.ask(beat(group, MEMBER, epoch + 5))
    probe.ask(beat(group, "no-such-member", epoch))
    probe.ask(beat(group, MEMBER, epoch, topic))
    probe.ask(describe(group), api_key=DESCRIBE, version=1)
    d = messages.describe_groups
    probe.ask(d.DescribeGroupsRequest(groups=(group,)), api_key=DESCRIBE_CLASSIC, version=6)
    c = messages.consumer_group_describe
    probe.ask(c.ConsumerGroupDescribeRequest(group_ids=(group,)), api_key=NEW_DESCRIBE, version=1)
    n = messages.delete_groups
    probe.ask(n.DeleteGroupsRequest(groups_names=(group,)), api_key=DELETE, version=2)
    probe.ask(beat(group, MEMBER, LEAVE))
    probe.ask(beat(group, MEMBER, LEAVE))
    probe.ask(beat(group, MEMBER, epoch))
    probe.ask(describe(group), api_key=DESCRIBE, version=1)
    probe.ask(n.DeleteGroupsRequest(groups_names=(group,)), api_key=DELETE, version=2)
    probe.ask(describe(group), api_key=DESCRIBE, version=1)


@case(HEARTBEAT)
def heartbeats_of_share_groups_that_are_refused(probe: Probe) -> None:
    group, topic = probe.name("group"), probe.topic("topic")
    ready(probe, group)
    probe.ask(beat("", MEMBER, JOIN, topic))
    probe.ask(beat(group, "", JOIN, topic))
    probe.ask(beat(group, MEMBER, JOIN))
    probe.ask(beat(group, MEMBER, JOIN, topic, rack_id=""))
    probe.ask(beat(group, MEMBER, 5))
    probe.ask(beat(group, MEMBER, LEAVE))
    probe.ask(beat(group, MEMBER, -2))


@case(HEARTBEAT)
def groups_of_other_kinds_are_asked_to_share(probe: Probe) -> None:
    group, topic = probe.name("group"), probe.topic("topic")
    stable(probe, group)
    probe.ask(beat(group, MEMBER, JOIN, topic))
    probe.ask(beat(group, MEMBER, LEAVE))
    probe.ask(describe(group, probe.name("missing"), ""), api_key=DESCRIBE, version=1)
    probe.ask(alter(group, topic, p0=1), api_key=ALTER, version=0)
    probe.ask(forget(group, topic), api_key=FORGET, version=0)
    probe.ask(offsets(group), api_key=OFFSETS, version=0)


@case(HEARTBEAT)
def a_share_group_has_no_committed_offsets(probe: Probe) -> None:
    group, topic = probe.name("group"), probe.topic("topic")
    ready(probe, group)
    epoch = joined(probe, group, MEMBER, topic)
    for at, member in ((epoch, MEMBER), (-1, "")):
        where = {"generation_id_or_member_epoch": at, "member_id": member}
        probe.ask(commit(probe, 9, group, topic, 5, **where), api_key=COMMIT, version=9)
    m = messages.offset_fetch
    for at, member in ((epoch, MEMBER), (-1, None)):
        row = m.OffsetFetchRequestTopics(name=topic, partition_indexes=(0,))
        one = m.OffsetFetchRequestGroup(
            group_id=group, member_id=member, member_epoch=at, topics=(row,)
        )
        probe.ask(m.OffsetFetchRequest(groups=(one,)), api_key=FETCH, version=9)
    o = messages.offset_delete
    row = o.OffsetDeleteRequestTopic(
        name=topic, partitions=(o.OffsetDeleteRequestPartition(partition_index=0),)
    )
    probe.ask(
        o.OffsetDeleteRequest(group_id=group, topics=(row,)), api_key=OFFSET_DELETE, version=0
    )
    n = messages.consumer_group_heartbeat.request
    probe.ask(
        n.ConsumerGroupHeartbeatRequest(
            group_id=group,
            member_id=OTHER,
            member_epoch=JOIN,
            rebalance_timeout_ms=10_000,
            topic_partitions=(),
            subscribed_topic_names=(topic,),
        ),
        api_key=NEW_BEAT,
        version=1,
    )
    probe.call(HEARTBEAT, 1, beat(group, MEMBER, LEAVE))


@case(LIST, since=5, needs=HEARTBEAT)
def share_groups_in_the_list(probe: Probe) -> None:
    group, topic = probe.name("group"), probe.topic("topic")
    ready(probe, group)
    joined(probe, group, MEMBER, topic)
    m = messages.list_groups
    request = m.ListGroupsRequest(types_filter=("share",))
    answer = probe.call(LIST, probe.version, request)
    probe.keep(m.ListGroupsResponse(groups=tuple(g for g in answer.groups if g.group_id == group)))
    probe.call(HEARTBEAT, 1, beat(group, MEMBER, LEAVE))


@case(OFFSETS)
def offsets_of_share_groups(probe: Probe) -> None:
    group, topic = probe.name("group"), probe.topic("topic", 2)
    ready(probe, group)
    probe.ask(offsets(group))
    probe.ask(offsets(group, (topic, (0, 1))))
    altered(probe, group, topic, p0=0, p1=3)
    probe.ask(offsets(group))
    probe.ask(offsets(group, (topic, (1,))))
    probe.ask(offsets(group, ("no-such-topic", (0,))))
    probe.ask(offsets(""))


@case(ALTER)
def offsets_are_altered(probe: Probe) -> None:
    group, topic = probe.name("group"), probe.topic("topic", 2)
    ready(probe, group)
    altered(probe, group, topic, p0=1)
    probe.ask(describe(group), api_key=DESCRIBE, version=1)
    probe.ask(alter(group, topic, p0=5, p1=0))
    probe.ask(offsets(group), api_key=OFFSETS, version=0)
    probe.ask(alter(group, topic, p0=2, p9=0))
    probe.ask(alter(group, "no-such-topic", p0=2))
    probe.ask(alter("", topic, p0=2))
    epoch = joined(probe, group, MEMBER, topic)
    probe.ask(alter(group, topic, p0=0))
    probe.ask(offsets(group), api_key=OFFSETS, version=0)
    probe.call(HEARTBEAT, 1, beat(group, MEMBER, LEAVE))
    assert epoch > 0


@case(FORGET)
def offsets_are_forgotten(probe: Probe) -> None:
    group, topic, other = probe.name("group"), probe.topic("topic", 2), probe.topic("other")
    ready(probe, group)
    probe.ask(forget(group, topic))
    altered(probe, group, topic, p0=1, p1=2)
    probe.ask(forget(group, topic, other, "no-such-topic"))
    probe.ask(offsets(group), api_key=OFFSETS, version=0)
    probe.ask(forget(group, topic))
    probe.ask(forget("", topic))
    joined(probe, group, MEMBER, topic)
    probe.ask(forget(group, topic))
    probe.call(HEARTBEAT, 1, beat(group, MEMBER, LEAVE))
