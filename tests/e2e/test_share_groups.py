"""Share groups (KIP-932): members of one group take records of the same partition, one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from uuid import uuid4

import pytest

from tests.e2e.clients.confluent import ConfluentClient
from tests.e2e.clients.java import JavaClient
from tests.e2e.clients.model import Client, ClientError, Outgoing
from tests.e2e.clients.sharing import (
    LIBRARIES,
    Shared,
    ShareMember,
    Verdict,
    join_share_group,
    poll_shared,
)
from tests.e2e.conftest import AnyBroker
from tests.e2e.group_config import set_group_config
from tests.e2e.waiting import wait_until

SHARE_FETCH = 78
INVALID_RECORD_STATE = 121
DELIVERY_LIMIT = 5
SHORTEST_LOCK_S = 15
"""What Apache Kafka allows a group: group.share.min.record.lock.duration.ms."""

TopicFactory = Callable[..., str]
Join = Callable[..., ShareMember]


@pytest.fixture(scope="module", autouse=True)
def _share_groups_are_served(served_apis: frozenset[int]) -> None:
    if SHARE_FETCH not in served_apis:
        pytest.skip("this broker does not serve share groups")


@pytest.fixture(scope="module", params=LIBRARIES)
def client(
    request: pytest.FixtureRequest, client_factory: Callable[[str], Client]
) -> ConfluentClient | JavaClient:
    """The libraries that have share consumers, in turn."""
    made = client_factory(request.param)
    assert isinstance(made, ConfluentClient | JavaClient)
    return made


@pytest.fixture
def group(flowlog_broker: AnyBroker) -> str:
    """A group that begins with the first record of its topics."""
    name = f"share-{uuid4().hex[:12]}"
    set_group_config(flowlog_broker.bootstrap, name, share_auto_offset_reset="earliest")
    return name


@pytest.fixture
def join(
    client: ConfluentClient | JavaClient, flowlog_broker: AnyBroker, group: str
) -> Iterator[Join]:
    """Make members of the group; all are closed, also when the test fails."""
    with ExitStack() as stack:

        def make(topic: str, *, explicit: bool = True) -> ShareMember:
            member = join_share_group(
                client, flowlog_broker.bootstrap, group, [topic], explicit=explicit
            )
            return stack.enter_context(closing(member))

        yield make


def _numbered(count: int) -> list[Outgoing]:
    return [Outgoing(b"%d" % n, partition=0) for n in range(count)]


def _decide(member: ShareMember, records: list[Shared], verdict: Verdict) -> None:
    for record in records:
        member.acknowledge(record, verdict)
    member.commit()


def _offsets(records: list[Shared]) -> list[int]:
    return sorted(record.offset for record in records)


def test_each_record_of_a_partition_goes_to_one_of_two_members(
    client: Client, flowlog_topic: TopicFactory, join: Join
) -> None:
    topic = flowlog_topic()
    both = [join(topic, explicit=False), join(topic, explicit=False)]
    for member in both:
        assert member.poll(0.5) == []
    found: list[Shared] = []
    for first in range(0, 100, 10):  # In small batches, so that neither takes all at once.
        client.produce(topic, [Outgoing(b"%d" % n, partition=0) for n in range(first, first + 10)])

        def all_came(wanted: int = first + 10) -> bool:
            for member in both:
                found.extend(member.poll(0.1))
            return len(found) >= wanted

        wait_until(all_came, what="handing out what was produced")

    assert _offsets(found) == list(range(100))
    assert {record.delivery_count for record in found} == {1}


def test_accepted_records_are_done_with(
    client: Client, flowlog_topic: TopicFactory, join: Join
) -> None:
    topic = flowlog_topic()
    client.produce(topic, _numbered(5))
    first = join(topic)
    _decide(first, poll_shared(first, 5), Verdict.ACCEPT)
    first.close()
    client.produce(topic, _numbered(1))

    assert _offsets(poll_shared(join(topic), 1)) == [5]


def test_released_records_come_again_with_a_higher_count_and_rejected_ones_never(
    client: Client, flowlog_topic: TopicFactory, join: Join
) -> None:
    topic = flowlog_topic()
    client.produce(topic, _numbered(3))
    member = join(topic)
    accepted, released, rejected = poll_shared(member, 3)
    member.acknowledge(accepted, Verdict.ACCEPT)
    member.acknowledge(released, Verdict.RELEASE)
    member.acknowledge(rejected, Verdict.REJECT)
    member.commit()

    again = poll_shared(member, 1)

    assert [(r.offset, r.delivery_count) for r in again] == [(1, 2)]
    _decide(member, again, Verdict.ACCEPT)
    assert member.poll(0.5) == []


def test_a_record_is_given_up_after_so_many_deliveries(
    client: Client, flowlog_topic: TopicFactory, join: Join
) -> None:
    topic = flowlog_topic()
    client.produce(topic, _numbered(1))
    member = join(topic)
    for delivery in range(1, DELIVERY_LIMIT + 1):
        found = poll_shared(member, 1)
        assert [r.delivery_count for r in found] == [delivery]
        _decide(member, found, Verdict.RELEASE)

    assert member.poll(1.0) == []
    client.produce(topic, _numbered(1))
    assert _offsets(poll_shared(member, 1)) == [1]


def test_what_a_leaving_member_has_not_decided_goes_to_another(
    client: Client, flowlog_topic: TopicFactory, join: Join
) -> None:
    topic = flowlog_topic()
    client.produce(topic, _numbered(2))
    leaves, stays = join(topic), join(topic)
    first = poll_shared(leaves, 2)
    leaves.acknowledge(first[0], Verdict.ACCEPT)
    assert stays.poll(0.5) == []
    leaves.close()

    assert _offsets(poll_shared(stays, 1)) == [1]


def test_a_group_begins_with_what_comes_after_it_unless_told_otherwise(
    client: ConfluentClient | JavaClient, flowlog_broker: AnyBroker, flowlog_topic: TopicFactory
) -> None:
    topic = flowlog_topic()
    client.produce(topic, _numbered(3))
    name = f"share-{uuid4().hex[:12]}"
    member = join_share_group(client, flowlog_broker.bootstrap, name, [topic], explicit=False)
    with closing(member):
        found: list[Shared] = []

        def came() -> bool:
            client.produce(topic, _numbered(1))  # The first of them may come before the group.
            found.extend(member.poll(0.5))
            return bool(found)

        wait_until(came, what="handing out what came after the group")
    assert min(_offsets(found)) >= 3


def test_a_read_committed_group_sees_no_aborted_record(
    client: Client,
    flowlog_broker: AnyBroker,
    flowlog_topic: TopicFactory,
    group: str,
    join: Join,
) -> None:
    topic = flowlog_topic()
    set_group_config(flowlog_broker.bootstrap, group, share_isolation_level="read_committed")
    with closing(client.transactional(f"txn-{group}")) as producer:
        for value, ends in ((b"aborted", producer.abort), (b"committed", producer.commit)):
            producer.begin()
            producer.send(topic, [Outgoing(value, partition=0)])
            ends()

    assert [r.value for r in poll_shared(join(topic), 1)] == [b"committed"]


@pytest.mark.slow
def test_a_lock_that_ran_out_gives_the_record_to_another_and_no_verdict_is_heard(
    client: Client,
    flowlog_broker: AnyBroker,
    flowlog_topic: TopicFactory,
    group: str,
    join: Join,
) -> None:
    topic = flowlog_topic()
    set_group_config(
        flowlog_broker.bootstrap,
        group,
        share_record_lock_duration_ms=str(SHORTEST_LOCK_S * 1000),
    )
    client.produce(topic, _numbered(1))
    slow, quick = join(topic), join(topic)
    held = poll_shared(slow, 1)

    taken = poll_shared(quick, 1, deadline_s=2 * SHORTEST_LOCK_S)

    assert [(r.offset, r.delivery_count) for r in taken] == [(0, 2)]
    with pytest.raises(ClientError) as refused:
        _decide(slow, held, Verdict.ACCEPT)
    assert refused.value.code == INVALID_RECORD_STATE
