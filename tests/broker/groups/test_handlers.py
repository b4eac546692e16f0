"""The handlers of the group APIs: every version's obligations, through the wire's own codec."""

from __future__ import annotations

from collections.abc import Awaitable, Iterator
from importlib import import_module
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from kio.schema.errors import ErrorCode

from flowlog.broker.groups.config import GroupConfig
from flowlog.broker.groups.coordinator import GroupCoordinator
from flowlog.broker.handlers import (
    delete_groups,
    describe_groups,
    find_coordinator,
    heartbeat,
    join_group,
    leave_group,
    list_groups,
    offset_commit,
    offset_delete,
    offset_fetch,
    sync_group,
)
from flowlog.broker.wire import codec, messages
from flowlog.testing.clock import ManualClock
from flowlog.testing.commit_log import MemoryCommitLog
from tests.broker.share.memory_persister import MemoryPersister

from .world import RANGE

pytestmark = pytest.mark.anyio

HANDLERS: list[Any] = [
    delete_groups,
    describe_groups,
    find_coordinator,
    heartbeat,
    join_group,
    leave_group,
    list_groups,
    offset_commit,
    offset_delete,
    offset_fetch,
    sync_group,
]
NONE = ErrorCode.none
TOPIC_ID = UUID(int=7)
UNKNOWN_ID = UUID(int=8)


class Metadata:
    """One topic `t` with two partitions, and the coordinator's own."""

    def topic(self, name: str) -> Any:
        if name not in ("t", "__consumer_offsets"):
            return None
        return SimpleNamespace(name=name, topic_id=TOPIC_ID, partitions=[None, None])

    def topic_name(self, topic_id: UUID) -> str | None:
        return "t" if topic_id == TOPIC_ID else None


class Client:
    """Sends requests of any version to the handlers, as bytes, and reads the answers."""

    def __init__(self, groups: GroupCoordinator) -> None:
        self.services = SimpleNamespace(groups=groups, metadata=Metadata(), node_id=1)

    async def ask(self, handler: Any, version: int, **fields: Any) -> Any:
        key = handler.API_KEY
        request = messages.request_class(key)(**fields)
        context = SimpleNamespace(
            services=self.services,
            version=version,
            client_id="client",
            client_host="/127.0.0.1",
            broker_address=lambda: ("broker.test", 9092),
        )
        received = codec.read_request(key, version, codec.write_request(key, version, request))
        answer = handler.handle(received, context)
        if isinstance(answer, Awaitable):
            answer = await answer
        return codec.read_response(key, version, codec.write_response(key, version, answer))

    async def join(
        self, version: int, group_id: str = "g", member_id: str = "", **more: Any
    ) -> Any:
        m = messages.join_group
        return await self.ask(
            join_group,
            version,
            group_id=group_id,
            member_id=member_id,
            session_timeout_ms=10_000,
            protocol_type="consumer",
            protocols=[m.JoinGroupRequestProtocol(name=p.name, metadata=p.metadata) for p in RANGE],
            **({"rebalance_timeout_ms": 60_000} if version else {}),
            **more,
        )

    async def member(self, group_id: str = "g") -> str:
        """The one member of a stable group in generation 1."""
        joined = await self.join(3, group_id)
        m = messages.sync_group
        assignment = m.SyncGroupRequestAssignment(member_id=joined.member_id, assignment=b"all")
        await self.ask(
            sync_group,
            2,
            group_id=group_id,
            generation_id=1,
            member_id=joined.member_id,
            assignments=[assignment],
        )
        member_id: str = joined.member_id
        return member_id


@pytest.fixture
async def client() -> Client:
    config = GroupConfig(offsets_topic_partitions=1, initial_rebalance_delay_ms=0)
    groups = GroupCoordinator(
        config, ManualClock(), lambda _: MemoryCommitLog(), share_persister=MemoryPersister()
    )
    await groups.load(0)
    return Client(groups)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def each_version() -> Iterator[Any]:
    for handler in HANDLERS:
        low, high = handler.VERSIONS
        for version in range(low, high + 1):
            yield pytest.param(handler, version, id=f"{handler.__name__.split('.')[-1]} {version}")


@pytest.mark.parametrize(("handler", "version"), list(each_version()))
async def test_a_request_without_anything_in_it_is_answered(
    client: Client, handler: Any, version: int
) -> None:
    await client.ask(handler, version)


def test_versions_are_those_of_kafka_4() -> None:
    served = {handler.__name__.split(".")[-1]: handler.VERSIONS for handler in HANDLERS}
    assert served == {
        "offset_commit": (2, 10),
        "offset_fetch": (1, 10),
        "find_coordinator": (0, 6),
        "join_group": (0, 9),
        "heartbeat": (0, 4),
        "leave_group": (0, 5),
        "sync_group": (0, 5),
        "describe_groups": (0, 6),
        "list_groups": (0, 5),
        "delete_groups": (0, 2),
        "offset_delete": (0, 0),
    }
    for name in served:
        assert import_module(f"flowlog.broker.handlers.{name}").__doc__


# Members.


@pytest.mark.parametrize("version", range(10))
async def test_every_version_can_join(client: Client, version: int) -> None:
    joined = await client.join(version)
    if version >= 4:  # it asks twice
        assert joined.error_code is ErrorCode.member_id_required
        joined = await client.join(version, member_id=joined.member_id)
    assert joined.error_code is NONE
    assert joined.generation_id == 1
    assert joined.leader == joined.member_id
    assert [member.member_id for member in joined.members] == [joined.member_id]
    assert joined.member_id.startswith("client-")


async def test_before_version_1_the_session_timeout_is_the_rebalance_timeout(
    client: Client,
) -> None:
    await client.join(0)
    (member,) = client.services.groups._shard("g").machine.groups["g"].members
    assert member.rebalance_timeout_ms == 10_000


async def test_static_members_get_ids_of_their_instance_and_need_not_ask_twice(
    client: Client,
) -> None:
    joined = await client.join(9, group_instance_id="worker-1")
    assert joined.error_code is NONE
    assert joined.member_id.startswith("worker-1-")


async def test_errors_of_a_join_before_version_7_have_an_empty_protocol(client: Client) -> None:
    for version, empty in ((6, ""), (7, None)):
        refused = await client.join(version, member_id="stranger")
        assert refused.error_code is ErrorCode.unknown_member_id
        assert refused.protocol_name == empty


async def test_a_sync_must_name_the_protocol_since_version_5(client: Client) -> None:
    member_id = await client.member()
    fields = {"group_id": "g", "generation_id": 1, "member_id": member_id}
    assert (await client.ask(sync_group, 4, **fields)).assignment == b"all"
    refused = await client.ask(sync_group, 5, **fields)
    assert refused.error_code is ErrorCode.inconsistent_group_protocol
    named = {"protocol_type": "consumer", "protocol_name": "range"}
    synced = await client.ask(sync_group, 5, **fields, **named)
    assert (synced.protocol_type, synced.protocol_name) == ("consumer", "range")


@pytest.mark.parametrize("version", range(5))
async def test_every_version_can_heartbeat(client: Client, version: int) -> None:
    member_id = await client.member()
    fields = {"group_id": "g", "generation_id": 1, "member_id": member_id}
    assert (await client.ask(heartbeat, version, **fields)).error_code is NONE


@pytest.mark.parametrize("version", range(3))
async def test_a_lone_member_that_leaves_hears_its_outcome_as_the_answer(
    client: Client, version: int
) -> None:
    member_id = await client.member()
    left = await client.ask(leave_group, version, group_id="g", member_id=member_id)
    assert left.error_code is NONE
    again = await client.ask(leave_group, version, group_id="g", member_id=member_id)
    assert again.error_code is ErrorCode.unknown_member_id


@pytest.mark.parametrize("version", range(3, 6))
async def test_many_members_that_leave_hear_an_outcome_each(client: Client, version: int) -> None:
    member_id = await client.member()
    identity = messages.leave_group.MemberIdentity
    left = await client.ask(
        leave_group,
        version,
        group_id="g",
        members=[identity(member_id=member_id), identity(member_id="stranger")],
    )
    assert left.error_code is NONE
    assert [row.error_code for row in left.members] == [NONE, ErrorCode.unknown_member_id]


# Offsets.


def commit_topic(name: str = "t", partition: int = 0, topic_id: UUID | None = None) -> Any:
    m = messages.offset_commit
    row = m.OffsetCommitRequestPartition(
        partition_index=partition, committed_offset=5, committed_leader_epoch=2
    )
    return m.OffsetCommitRequestTopic(name=name, topic_id=topic_id, partitions=[row])


@pytest.mark.parametrize("version", range(2, 11))
async def test_every_version_can_commit_and_fails_alone_where_there_is_no_partition(
    client: Client, version: int
) -> None:
    by_id = version >= 10
    topics = [
        commit_topic(topic_id=TOPIC_ID if by_id else None),
        commit_topic(partition=2, topic_id=TOPIC_ID if by_id else None),
        commit_topic(name="nowhere", topic_id=UNKNOWN_ID if by_id else None),
    ]
    answer = await client.ask(offset_commit, version, group_id="g", topics=topics)
    missing = ErrorCode.unknown_topic_id if by_id else ErrorCode.unknown_topic_or_partition
    assert [row.error_code for topic in answer.topics for row in topic.partitions] == [
        NONE,
        ErrorCode.unknown_topic_or_partition,
        missing,
    ]
    assert [topic.topic_id for topic in answer.topics] == [topic.topic_id for topic in topics]


async def test_an_error_of_the_group_is_an_error_of_every_partition_that_exists(
    client: Client,
) -> None:
    topics = [commit_topic(), commit_topic(name="nowhere")]
    answer = await client.ask(
        offset_commit,
        9,
        group_id="g",
        generation_id_or_member_epoch=4,
        member_id="m",
        topics=topics,
    )
    assert [row.error_code for topic in answer.topics for row in topic.partitions] == [
        ErrorCode.group_id_not_found,
        ErrorCode.unknown_topic_or_partition,
    ]


@pytest.mark.parametrize("version", range(1, 8))
async def test_one_group_s_offsets_are_fetched_before_version_8(
    client: Client, version: int
) -> None:
    await client.ask(offset_commit, 8, group_id="g", topics=[commit_topic()])
    topic = messages.offset_fetch.OffsetFetchRequestTopic(name="t", partition_indexes=[0, 1])
    answer = await client.ask(offset_fetch, version, group_id="g", topics=[topic])
    found, missing = answer.topics[0].partitions
    assert (found.committed_offset, missing.committed_offset) == (5, -1)
    assert found.committed_leader_epoch == (2 if version >= 5 else -1)
    assert missing.error_code is NONE
    if version >= 2:
        everything = await client.ask(offset_fetch, version, group_id="g", topics=None)
        assert [len(topic.partitions) for topic in everything.topics] == [1]


@pytest.mark.parametrize("version", range(8, 11))
async def test_many_groups_offsets_are_fetched_since_version_8(
    client: Client, version: int
) -> None:
    await client.ask(offset_commit, 8, group_id="g", topics=[commit_topic()])
    m = messages.offset_fetch
    named: dict[str, Any] = {"topic_id": TOPIC_ID} if version >= 10 else {"name": "t"}
    topic = m.OffsetFetchRequestTopics(partition_indexes=[0], **named)
    groups = [
        m.OffsetFetchRequestGroup(group_id="g", topics=[topic]),
        m.OffsetFetchRequestGroup(group_id="g", topics=None),
        m.OffsetFetchRequestGroup(group_id="missing", topics=[topic]),
    ]
    answer = await client.ask(offset_fetch, version, groups=groups)
    offsets = [group.topics[0].partitions[0].committed_offset for group in answer.groups]
    assert offsets == [5, 5, -1]
    for group in answer.groups:
        assert group.topics[0].name == named.get("name", "")
        assert group.topics[0].topic_id == named.get("topic_id")


async def test_an_unknown_topic_id_is_an_error_of_its_partitions(client: Client) -> None:
    m = messages.offset_fetch
    topic = m.OffsetFetchRequestTopics(topic_id=UNKNOWN_ID, partition_indexes=[0])
    group = m.OffsetFetchRequestGroup(group_id="g", topics=[topic])
    answer = await client.ask(offset_fetch, 10, groups=[group])
    row = answer.groups[0].topics[0].partitions[0]
    assert (row.error_code, row.committed_offset) == (ErrorCode.unknown_topic_id, -1)


@pytest.mark.parametrize("version", [1, 2, 7, 8])
async def test_a_coordinator_elsewhere_is_told_where_each_version_can_say_it(
    client: Client, version: int
) -> None:
    client.services.groups.unload(0)
    m = messages.offset_fetch
    elsewhere = ErrorCode.not_coordinator
    if version >= 8:
        group = m.OffsetFetchRequestGroup(group_id="g", topics=None)
        answer = await client.ask(offset_fetch, version, groups=[group])
        assert answer.groups[0].error_code is elsewhere
        return
    topic = m.OffsetFetchRequestTopic(name="t", partition_indexes=[0])
    answer = await client.ask(offset_fetch, version, group_id="g", topics=[topic])
    if version >= 2:
        assert answer.error_code is elsewhere
    else:
        assert answer.topics[0].partitions[0].error_code is elsewhere


async def test_deleted_offsets_are_answered_partition_by_partition(client: Client) -> None:
    await client.ask(offset_commit, 8, group_id="g", topics=[commit_topic()])
    m = messages.offset_delete
    topics = [
        m.OffsetDeleteRequestTopic(
            name=name, partitions=[m.OffsetDeleteRequestPartition(partition_index=0)]
        )
        for name in ("t", "nowhere")
    ]
    answer = await client.ask(offset_delete, 0, group_id="g", topics=topics)
    assert [row.error_code for topic in answer.topics for row in topic.partitions] == [
        NONE,
        ErrorCode.unknown_topic_or_partition,
    ]
    missing = await client.ask(offset_delete, 0, group_id="missing", topics=topics)
    assert missing.error_code is ErrorCode.group_id_not_found


# Finding and looking.


@pytest.mark.parametrize("version", range(7))
async def test_every_version_finds_the_coordinator(client: Client, version: int) -> None:
    answer = await client.ask(find_coordinator, version, key="g", coordinator_keys=["g", "h"])
    rows = answer.coordinators if version >= 4 else [answer]
    assert len(rows) == (2 if version >= 4 else 1)
    for row in rows:
        assert row.error_code is NONE
        assert (row.node_id, row.host, row.port) == (1, "broker.test", 9092)


@pytest.mark.parametrize(
    ("key_type", "error"),
    [
        pytest.param(2, ErrorCode.invalid_request, id="no share partition"),
        pytest.param(9, ErrorCode.invalid_request, id="nonsense"),
    ],
)
@pytest.mark.parametrize("version", [1, 4, 6])
async def test_coordinators_that_are_not_here_are_not_pretended(
    client: Client, key_type: int, error: ErrorCode, version: int
) -> None:
    answer = await client.ask(
        find_coordinator, version, key="k", key_type=key_type, coordinator_keys=["k"]
    )
    row = answer.coordinators[0] if version >= 4 else answer
    assert (row.error_code, row.node_id, row.port) == (error, -1, -1)


@pytest.mark.parametrize("version", range(7))
async def test_every_version_describes(client: Client, version: int) -> None:
    member_id = await client.member()
    asked = {"include_authorized_operations": True} if version >= 3 else {}
    answer = await client.ask(describe_groups, version, groups=["g", "missing"], **asked)
    group, missing = answer.groups
    assert (group.group_state, group.protocol_type, group.protocol_data) == (
        "Stable",
        "consumer",
        "range",
    )
    (member,) = group.members
    assert (member.member_id, member.client_id, member.client_host) == (
        member_id,
        "client",
        "/127.0.0.1",
    )
    assert (member.member_metadata, member.member_assignment) == (RANGE[0].metadata, b"all")
    assert group.authorized_operations == (3400 if version >= 3 else -(2**31))
    assert missing.group_state == "Dead"
    assert missing.error_code is (ErrorCode.group_id_not_found if version >= 6 else NONE)


@pytest.mark.parametrize("version", range(6))
async def test_every_version_lists(client: Client, version: int) -> None:
    await client.member()
    answer = await client.ask(list_groups, version)
    (group,) = answer.groups
    assert (group.group_id, group.protocol_type) == ("g", "consumer")
    assert group.group_state == ("Stable" if version >= 4 else "")
    assert group.group_type == ("classic" if version >= 5 else "")


@pytest.mark.parametrize(
    ("states", "types", "count"),
    [
        pytest.param([], [], 1, id="all"),
        pytest.param(["stable", "Empty"], [], 1, id="state, in any case"),
        pytest.param(["Empty"], [], 0, id="other state"),
        pytest.param([], ["Classic"], 1, id="type, in any case"),
        pytest.param([], ["consumer"], 0, id="other type"),
        pytest.param(["Stable"], ["nonsense"], 0, id="unknown type"),
    ],
)
async def test_the_list_is_filtered(
    client: Client, states: list[str], types: list[str], count: int
) -> None:
    await client.member()
    answer = await client.ask(list_groups, 5, states_filter=states, types_filter=types)
    assert len(answer.groups) == count


@pytest.mark.parametrize("version", range(3))
async def test_every_version_deletes_groups_one_by_one(client: Client, version: int) -> None:
    await client.member("busy")
    await client.ask(offset_commit, 8, group_id="idle", topics=[commit_topic()])
    answer = await client.ask(delete_groups, version, groups_names=["busy", "idle", "missing"])
    assert [(row.group_id, row.error_code) for row in answer.results] == [
        ("busy", ErrorCode.non_empty_group),
        ("idle", NONE),
        ("missing", ErrorCode.group_id_not_found),
    ]
