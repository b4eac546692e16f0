"""Consumer groups: shared partitions, committed offsets, rebalances, static members."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from uuid import uuid4

import pytest

from tests.e2e.clients.model import STATIC_MEMBERS, Client, Outgoing
from tests.e2e.waiting import poll_records, poll_until, shared_fairly, wait_until

TopicFactory = Callable[..., str]


@pytest.fixture
def group() -> str:
    return f"group-{uuid4().hex[:12]}"


@pytest.fixture
def members() -> Iterator[ExitStack]:
    """Close what was joined, also when the test fails: a left-over member would hold its share."""
    with ExitStack() as stack:
        yield stack


def _numbered(count: int, partitions: int = 1) -> list[Outgoing]:
    return [Outgoing(b"%d" % n, partition=n % partitions) for n in range(count)]


def test_one_member_reads_every_partition_from_the_beginning(
    client: Client, flowlog_topic: TopicFactory, group: str, members: ExitStack
) -> None:
    topic = flowlog_topic(partitions=3)
    client.produce(topic, _numbered(30, partitions=3))

    member = members.enter_context(closing(client.join(group, [topic])))
    found = poll_records(member, 30)

    assert member.assignment() == {(topic, 0), (topic, 1), (topic, 2)}
    assert sorted(int(r.value or b"") for r in found) == list(range(30))
    for partition in range(3):
        in_order = [r.offset for r in found if r.partition == partition]
        assert in_order == list(range(10))


def test_one_member_reads_several_topics(
    client: Client, flowlog_topic: TopicFactory, group: str, members: ExitStack
) -> None:
    topics = [flowlog_topic(partitions=2), flowlog_topic()]
    for topic in topics:
        client.produce(topic, _numbered(5))

    member = members.enter_context(closing(client.join(group, topics)))
    found = poll_records(member, 10)

    assert {r.topic for r in found} == set(topics)
    assert len(member.assignment()) == 3


def test_a_successor_goes_on_where_the_commit_stands(
    client: Client, flowlog_topic: TopicFactory, group: str
) -> None:
    topic = flowlog_topic()
    client.produce(topic, _numbered(10))
    with closing(client.join(group, [topic])) as first:
        poll_records(first, 10)
        first.commit()
    client.produce(topic, [Outgoing(b"%d" % n, partition=0) for n in (10, 11)])

    with closing(client.join(group, [topic])) as second:
        found = poll_records(second, 2)

    assert [r.offset for r in found] == [10, 11]
    assert client.committed(group, topic) == {0: 10}


def test_without_a_commit_a_successor_begins_again(
    client: Client, flowlog_topic: TopicFactory, group: str
) -> None:
    topic = flowlog_topic()
    client.produce(topic, _numbered(3))
    for _ in range(2):
        with closing(client.join(group, [topic])) as member:
            found = poll_records(member, 3)
        assert [r.offset for r in found] == [0, 1, 2]


def test_offsets_committed_without_members_are_kept_by_partition(
    client: Client, flowlog_topic: TopicFactory, group: str
) -> None:
    topic = flowlog_topic(partitions=3)

    client.commit_offsets(group, {(topic, 0): 5, (topic, 2): 7})
    client.commit_offsets(group, {(topic, 2): 6})

    assert client.committed(group, topic) == {0: 5, 2: 6}


def test_two_members_share_the_partitions_and_one_takes_over_what_the_other_leaves(
    client: Client, flowlog_topic: TopicFactory, group: str, members: ExitStack
) -> None:
    topic = flowlog_topic(partitions=4)
    partitions = [(topic, p) for p in range(4)]
    stays = members.enter_context(closing(client.join(group, [topic])))
    poll_until([stays], lambda: shared_fairly([stays], partitions), what="all on one member")

    leaves = client.join(group, [topic])
    with closing(leaves):
        both = [stays, leaves]
        poll_until(both, lambda: shared_fairly(both, partitions), what="shared by two")
        assert {len(member.assignment()) for member in both} == {2}

    poll_until([stays], lambda: shared_fairly([stays], partitions), what="taken over")


def test_every_record_reaches_one_of_two_members(
    client: Client, flowlog_topic: TopicFactory, group: str, members: ExitStack
) -> None:
    topic = flowlog_topic(partitions=4)
    partitions = [(topic, p) for p in range(4)]
    both = [members.enter_context(closing(client.join(group, [topic]))) for _ in range(2)]
    poll_until(both, lambda: shared_fairly(both, partitions), what="shared by two")

    client.produce(topic, _numbered(40, partitions=4))
    found = [poll_records(member, 20) for member in both]

    assert sorted(int(r.value or b"") for records in found for r in records) == list(range(40))
    for member, records in zip(both, found, strict=True):
        assert {(r.topic, r.partition) for r in records} == member.assignment()


@pytest.mark.needs(STATIC_MEMBERS)
def test_a_static_member_that_comes_back_keeps_its_partitions_without_a_rebalance(
    client: Client, flowlog_topic: TopicFactory, group: str, members: ExitStack
) -> None:
    topic = flowlog_topic(partitions=4)
    partitions = [(topic, p) for p in range(4)]
    stays = members.enter_context(closing(client.join(group, [topic], instance_id="a")))
    restarted = client.join(group, [topic], instance_id="b")
    with closing(restarted):
        both = [stays, restarted]
        poll_until(both, lambda: shared_fairly(both, partitions), what="shared by two")
        before = (stays.assignment(), restarted.assignment())

    again = members.enter_context(closing(client.join(group, [topic], instance_id="b")))
    poll_until([stays, again], lambda: bool(again.assignment()), what="back in the group")

    assert (stays.assignment(), again.assignment()) == before


def test_a_group_is_listed_described_and_empty_after_its_last_member(
    client: Client, flowlog_topic: TopicFactory, group: str
) -> None:
    topic = flowlog_topic()
    client.produce(topic, _numbered(1))
    with closing(client.join(group, [topic])) as member:
        poll_records(member, 1)
        member.commit()
        assert group in client.groups()
        described = client.describe_group(group)
        assert (described.state, described.member_count) == ("Stable", 1)

    wait_until(lambda: client.describe_group(group).state == "Empty", what="empty")
    assert client.describe_group(group).member_count == 0
    assert client.committed(group, topic) == {0: 1}
