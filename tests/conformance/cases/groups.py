"""Classic groups: coordinators, members, offsets, and the calls of their administration."""

from __future__ import annotations

from typing import Any

from flowlog.broker.wire import messages
from tests.conformance.probe import Probe, case

COMMIT, FETCH, COORDINATOR, JOIN, HEARTBEAT, LEAVE, SYNC, DESCRIBE, LIST = (
    8,
    9,
    10,
    11,
    12,
    13,
    14,
    15,
    16,
)
DELETE, OFFSET_DELETE = 42, 47
MEMBER_ID_REQUIRED = 79
IDS_SINCE, MANY_GROUPS_SINCE = 10, 8


def ready(probe: Probe, group: str) -> None:
    """Wait until the group has a coordinator that answers."""
    m = messages.find_coordinator
    probe.call(COORDINATOR, 4, m.FindCoordinatorRequest(key_type=0, coordinator_keys=(group,)))
    d = messages.describe_groups
    probe.ask_until(
        d.DescribeGroupsRequest(groups=(group,)),
        lambda answer: answer.groups[0].error_code not in (14, 15, 16),
        api_key=DESCRIBE,
        version=5,
    )
    probe.answers.pop()


def join(group: str, member: str = "", **more: Any) -> Any:
    m = messages.join_group
    protocol = m.JoinGroupRequestProtocol(name="range", metadata=b"m")
    settings = {
        "session_timeout_ms": 10_000,
        "rebalance_timeout_ms": 10_000,
        "protocol_type": "consumer",
        "protocols": (protocol,),
    }
    return m.JoinGroupRequest(group_id=group, member_id=member, **{**settings, **more})


def joined(probe: Probe, group: str, version: int = 5, **more: Any) -> Any:
    """The answer of a member that is in; not compared."""
    answer = probe.call(JOIN, version, join(group, **more))
    if answer.error_code == MEMBER_ID_REQUIRED:
        answer = probe.call(JOIN, version, join(group, answer.member_id, **more))
    assert answer.error_code == 0, answer
    probe.call_me(answer.member_id, "member")
    return answer


def sync(group: str, generation: int, member: str, assignment: bytes = b"a", **more: Any) -> Any:
    m = messages.sync_group
    row = m.SyncGroupRequestAssignment(member_id=member, assignment=assignment)
    return m.SyncGroupRequest(
        group_id=group, generation_id=generation, member_id=member, assignments=(row,), **more
    )


def stable(probe: Probe, group: str) -> Any:
    """The join answer of the only member of a stable group."""
    ready(probe, group)
    answer = joined(probe, group)
    probe.call(SYNC, 3, sync(group, answer.generation_id, answer.member_id))
    return answer


@case(COORDINATOR)
def who_looks_after_a_group(probe: Probe) -> None:
    m = messages.find_coordinator
    group = probe.name("group")
    ready(probe, group)
    if probe.version < 4:
        probe.ask(m.FindCoordinatorRequest(key=group))
        probe.ask(m.FindCoordinatorRequest(key=""))
        if probe.version:
            probe.ask(m.FindCoordinatorRequest(key=group, key_type=9))
    else:
        probe.ask(m.FindCoordinatorRequest(coordinator_keys=(group, probe.name("other"))))
        probe.ask(m.FindCoordinatorRequest(coordinator_keys=("",)))
        probe.ask(m.FindCoordinatorRequest(coordinator_keys=()))
        probe.ask(m.FindCoordinatorRequest(coordinator_keys=(group,), key_type=9))


@case(JOIN)
def a_member_joins_and_its_group_is_described(probe: Probe) -> None:
    group = probe.name("group")
    ready(probe, group)
    answer = probe.ask(join(group))
    if answer.error_code == MEMBER_ID_REQUIRED:
        answer = probe.ask(join(group, answer.member_id))
    member = probe.call_me(answer.member_id, "member")
    probe.ask(sync(group, answer.generation_id, member), api_key=SYNC, version=3)
    probe.ask(join(group, member))
    d = messages.describe_groups
    probe.ask(d.DescribeGroupsRequest(groups=(group,)), api_key=DESCRIBE, version=5)


@case(JOIN)
def joins_that_are_refused(probe: Probe) -> None:
    group = probe.name("group")
    ready(probe, group)
    m = messages.join_group
    other = (m.JoinGroupRequestProtocol(name="other", metadata=b""),)
    probe.ask(join(group, session_timeout_ms=1))
    probe.ask(join(group, session_timeout_ms=99_999_999))
    probe.ask(join(group, "no-such-member"))
    probe.ask(join("", session_timeout_ms=10_000))
    probe.ask(join(group, protocols=()))
    probe.ask(join(group, protocol_type=""))
    answer = stable(probe, group)
    probe.ask(join(group, answer.member_id, protocol_type="connect"))
    probe.ask(join(group, protocol_type="connect"))
    probe.ask(join(group, protocols=other))


@case(JOIN, since=5)
def a_static_member(probe: Probe) -> None:
    group = probe.name("group")
    ready(probe, group)
    first = probe.ask(join(group, group_instance_id="one"))
    probe.call_me(first.member_id, "first")
    probe.call(SYNC, 3, sync(group, 1, first.member_id, group_instance_id="one"))
    again = probe.ask(join(group, group_instance_id="one"))
    probe.call_me(again.member_id, "again")
    beat = messages.heartbeat.HeartbeatRequest(
        group_id=group, generation_id=1, member_id=first.member_id, group_instance_id="one"
    )
    probe.ask(beat, api_key=HEARTBEAT, version=3)
    probe.ask(join(group, first.member_id, group_instance_id="one"))
    probe.ask(join(group, first.member_id, group_instance_id="two"))


@case(SYNC)
def syncs(probe: Probe) -> None:
    group = probe.name("group")
    ready(probe, group)
    probe.ask(sync(group, 1, "no-such-member"))
    answer = joined(probe, group)
    generation, member = answer.generation_id, answer.member_id
    probe.ask(sync(group, generation + 5, member))
    if probe.version >= 5:
        probe.ask(sync(group, generation, member, protocol_type="connect"))
        probe.ask(sync(group, generation, member, protocol_type="consumer", protocol_name="x"))
        right = {"protocol_type": "consumer", "protocol_name": "range"}
        probe.ask(sync(group, generation, member, **right))
        probe.ask(sync(group, generation, member, **right))
    else:
        probe.ask(sync(group, generation, member))
        probe.ask(sync(group, generation, member))
    probe.ask(sync("", generation, member))


@case(HEARTBEAT)
def heartbeats(probe: Probe) -> None:
    m = messages.heartbeat
    group = probe.name("group")
    answer = stable(probe, group)

    def beat(name: str, generation: int, member: str) -> None:
        probe.ask(m.HeartbeatRequest(group_id=name, generation_id=generation, member_id=member))

    beat(group, answer.generation_id, answer.member_id)
    beat(group, answer.generation_id + 1, answer.member_id)
    beat(group, answer.generation_id, "no-such-member")
    beat(probe.name("missing"), 1, "no-such-member")
    beat("", 1, "no-such-member")


@case(LEAVE)
def leaving(probe: Probe) -> None:
    m = messages.leave_group
    group = probe.name("group")
    answer = stable(probe, group)
    if probe.version < 3:
        probe.ask(m.LeaveGroupRequest(group_id=group, member_id="no-such-member"))
        probe.ask(m.LeaveGroupRequest(group_id=group, member_id=answer.member_id))
        probe.ask(m.LeaveGroupRequest(group_id=group, member_id=answer.member_id))
        probe.ask(m.LeaveGroupRequest(group_id=probe.name("missing"), member_id="x"))
        return
    nobody = m.MemberIdentity(member_id="no-such-member")
    static = m.MemberIdentity(member_id="", group_instance_id="no-such-instance")
    me = m.MemberIdentity(member_id=answer.member_id)
    probe.ask(m.LeaveGroupRequest(group_id=group, members=(nobody, static, me)))
    probe.ask(m.LeaveGroupRequest(group_id=group, members=(me,)))
    probe.ask(m.LeaveGroupRequest(group_id=group, members=()))
    probe.ask(m.LeaveGroupRequest(group_id=probe.name("missing"), members=(me,)))
    probe.ask(m.LeaveGroupRequest(group_id="", members=(me,)))


def commit(probe: Probe, version: int, group: str, topic: str, offset: int, **more: Any) -> Any:
    m = messages.offset_commit
    partition = more.pop("partition", 0)
    row = m.OffsetCommitRequestPartition(
        partition_index=partition,
        committed_offset=offset,
        committed_metadata=more.pop("metadata", "text"),
    )
    wanted = m.OffsetCommitRequestTopic(partitions=(row,))
    if version >= IDS_SINCE:
        wanted.topic_id = probe.topic_id(topic)
    else:
        wanted.name = topic
    return m.OffsetCommitRequest(group_id=group, topics=(wanted,), **more)


@case(COMMIT)
def commits(probe: Probe) -> None:
    group, topic = probe.name("group"), probe.topic("topic")
    version = probe.version
    ready(probe, group)
    probe.ask(commit(probe, version, group, topic, 5))
    probe.ask(commit(probe, version, group, topic, 5, partition=7))
    probe.ask(commit(probe, version, group, topic, 5, metadata="x" * 5000))
    probe.ask(commit(probe, version, group, topic, 5, metadata=None))
    probe.ask(commit(probe, version, group, topic, -1))
    if version < IDS_SINCE:
        probe.ask(commit(probe, version, group, probe.name("missing"), 5))
    at = {"generation_id_or_member_epoch": 1, "member_id": "no-such-member"}
    probe.ask(commit(probe, version, group, topic, 5, **at))
    probe.ask(commit(probe, version, "", topic, 5))


@case(COMMIT)
def commits_of_a_member(probe: Probe) -> None:
    group, topic = probe.name("group"), probe.topic("topic")
    answer = stable(probe, group)
    for generation, member in (
        (answer.generation_id, answer.member_id),
        (answer.generation_id + 1, answer.member_id),
        (answer.generation_id, "no-such-member"),
        (-1, ""),
    ):
        at = {"generation_id_or_member_epoch": generation, "member_id": member}
        probe.ask(commit(probe, probe.version, group, topic, 5, **at))


@case(FETCH)
def fetched_offsets(probe: Probe) -> None:
    m = messages.offset_fetch
    group, topic = probe.name("group"), probe.topic("topic", 2)
    ready(probe, group)
    probe.call(COMMIT, 8, commit(probe, 8, group, topic, 5))
    missing = probe.name("missing")
    if probe.version < MANY_GROUPS_SINCE:
        known = m.OffsetFetchRequestTopic(name=topic, partition_indexes=(0, 1, 7))
        unknown = m.OffsetFetchRequestTopic(name=missing, partition_indexes=(0,))
        for name in (group, probe.name("nobody")):
            probe.ask(m.OffsetFetchRequest(group_id=name, topics=(known, unknown)))
        if probe.version >= 2:
            probe.ask(m.OffsetFetchRequest(group_id=group, topics=None))
        return
    names = [topic] if probe.version >= IDS_SINCE else [topic, missing]
    rows = []
    for name in names:
        row = m.OffsetFetchRequestTopics(partition_indexes=(0, 1, 7))
        if probe.version >= IDS_SINCE:
            row.topic_id = probe.topic_id(name)
        else:
            row.name = name
        rows.append(row)
    nobody = probe.name("nobody")
    some = m.OffsetFetchRequestGroup(group_id=group, topics=tuple(rows))
    every = m.OffsetFetchRequestGroup(group_id=nobody, topics=None)
    probe.ask(m.OffsetFetchRequest(groups=(some, every)))
    probe.ask(
        m.OffsetFetchRequest(groups=(m.OffsetFetchRequestGroup(group_id=group, topics=None),))
    )
    probe.ask(m.OffsetFetchRequest(groups=()))


@case(DESCRIBE)
def groups_described(probe: Probe) -> None:
    m = messages.describe_groups
    group = probe.name("group")
    stable(probe, group)
    probe.ask(m.DescribeGroupsRequest(groups=(group, probe.name("missing"))))
    probe.ask(m.DescribeGroupsRequest(groups=("",)))
    if probe.version >= 3:
        probe.ask(m.DescribeGroupsRequest(groups=(group,), include_authorized_operations=True))


@case(LIST)
def groups_listed(probe: Probe) -> None:
    m = messages.list_groups
    group = probe.name("group")
    stable(probe, group)

    def own(**more: Any) -> None:
        answer = probe.call(LIST, probe.version, m.ListGroupsRequest(**more))
        answer.groups = tuple(row for row in answer.groups if row.group_id == group)
        probe.keep(answer)

    own()
    if probe.version >= 4:
        own(states_filter=("Stable",))
        own(states_filter=("stable",))
        own(states_filter=("Empty",))
        own(states_filter=("NoSuchState",))
    if probe.version >= 5:
        own(types_filter=("classic",))
        own(types_filter=("CONSUMER",))
        own(types_filter=("no-such-type",))


@case(DELETE)
def groups_deleted(probe: Probe) -> None:
    m = messages.delete_groups
    group, empty, topic = probe.name("group"), probe.name("empty"), probe.topic("topic")
    stable(probe, group)
    probe.call(COMMIT, 8, commit(probe, 8, empty, topic, 5))
    probe.ask(m.DeleteGroupsRequest(groups_names=(group, empty, probe.name("missing"))))
    probe.ask(m.DeleteGroupsRequest(groups_names=(empty,)))
    probe.ask(m.DeleteGroupsRequest(groups_names=("",)))
    probe.ask(m.DeleteGroupsRequest(groups_names=()))


@case(OFFSET_DELETE)
def offsets_deleted(probe: Probe) -> None:
    m = messages.offset_delete
    group, topic = probe.name("group"), probe.topic("topic")
    ready(probe, group)

    def ask(name: str, *partitions: int, of: str = topic) -> None:
        rows = tuple(m.OffsetDeleteRequestPartition(partition_index=p) for p in partitions)
        wanted = m.OffsetDeleteRequestTopic(name=of, partitions=rows)
        probe.ask(m.OffsetDeleteRequest(group_id=name, topics=(wanted,)))

    ask(group, 0)
    probe.call(COMMIT, 8, commit(probe, 8, group, topic, 5))
    ask(group, 0, 7)
    ask(group, 0)
    ask(group, 0, of=probe.name("missing"))
    ask("", 0)
