"""Groups of the new protocol (KIP-848): the broker assigns; members say what they have."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from uuid import uuid4

import pytest

from tests.e2e.clients.model import NEW_GROUPS, Client, Outgoing
from tests.e2e.waiting import poll_records, poll_until, shared_fairly, wait_until

pytestmark = [pytest.mark.needs(NEW_GROUPS), pytest.mark.usefixtures("new_groups_are_served")]

TopicFactory = Callable[..., str]


@pytest.fixture
def group() -> str:
    return f"group-{uuid4().hex[:12]}"


@pytest.fixture
def members() -> Iterator[ExitStack]:
    """Close what was joined, also when the test fails."""
    with ExitStack() as stack:
        yield stack


def _numbered(count: int, partitions: int = 1) -> list[Outgoing]:
    return [Outgoing(b"%d" % n, partition=n % partitions) for n in range(count)]


def test_one_member_reads_every_partition(
    client: Client, flowlog_topic: TopicFactory, group: str, members: ExitStack
) -> None:
    topic = flowlog_topic(partitions=3)
    client.produce(topic, _numbered(30, partitions=3))

    member = members.enter_context(closing(client.join(group, [topic], protocol="consumer")))
    found = poll_records(member, 30)

    assert member.assignment() == {(topic, 0), (topic, 1), (topic, 2)}
    assert sorted(int(r.value or b"") for r in found) == list(range(30))


def test_a_successor_goes_on_where_the_commit_stands(
    client: Client, flowlog_topic: TopicFactory, group: str
) -> None:
    topic = flowlog_topic()
    client.produce(topic, _numbered(5))
    with closing(client.join(group, [topic], protocol="consumer")) as first:
        poll_records(first, 5)
        first.commit()
    client.produce(topic, _numbered(1))

    with closing(client.join(group, [topic], protocol="consumer")) as second:
        found = poll_records(second, 1)

    assert [r.offset for r in found] == [5]
    assert client.committed(group, topic) == {0: 5}


def test_two_members_share_and_one_takes_over_what_the_other_leaves(
    client: Client, flowlog_topic: TopicFactory, group: str, members: ExitStack
) -> None:
    topic = flowlog_topic(partitions=4)
    partitions = [(topic, p) for p in range(4)]
    stays = members.enter_context(closing(client.join(group, [topic], protocol="consumer")))
    poll_until([stays], lambda: shared_fairly([stays], partitions), what="all on one member")

    leaves = client.join(group, [topic], protocol="consumer")
    with closing(leaves):
        both = [stays, leaves]
        poll_until(both, lambda: shared_fairly(both, partitions), what="shared by two")
        assert {len(member.assignment()) for member in both} == {2}

    poll_until([stays], lambda: shared_fairly([stays], partitions), what="taken over")


def test_a_group_is_described_and_empty_after_its_last_member(
    client: Client, flowlog_topic: TopicFactory, group: str
) -> None:
    topic = flowlog_topic()
    client.produce(topic, _numbered(1))
    with closing(client.join(group, [topic], protocol="consumer")) as member:
        poll_records(member, 1)
        assert group in client.groups()
        described = client.describe_group(group)
        assert (described.state, described.member_count) == ("Stable", 1)

    wait_until(lambda: client.describe_group(group).state == "Empty", what="empty")
