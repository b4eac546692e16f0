"""Committed offsets: who may commit, what is answered, what expires and when."""

from __future__ import annotations

from uuid import UUID

import pytest
from kio.schema.errors import ErrorCode

from flowlog.broker.groups import offset_decisions
from flowlog.broker.groups.config import GroupConfig
from flowlog.broker.groups.record_types import CommittedOffset
from flowlog.broker.groups.requests import CommitRow, Leaving, Protocol, Wanted
from flowlog.testing.clock import EPOCH_MS

from .world import GROUP, World, subscription

DAY_MS = 24 * 3_600_000
RETENTION_MS = 7 * DAY_MS
CHECK_MS = 600_000


@pytest.fixture
def world() -> World:
    return World()


def offsets(world: World, group_id: str = GROUP) -> dict[str, dict[int, int]]:
    fetched = offset_decisions.fetch(world.shard, group_id, None)
    return {
        topic: {partition: found.offset for partition, found in rows.items() if found}
        for topic, rows in fetched.topics.items()
    }


# Committing.


def test_a_commit_without_a_generation_brings_a_group_into_being(world: World) -> None:
    assert world.commit().rows == (ErrorCode.none,)
    assert world.state == "Empty"
    assert world.group.protocol_type is None
    assert offsets(world) == {"t": {0: 5}}


@pytest.mark.parametrize(
    ("hears", "error"),
    [
        pytest.param(True, ErrorCode.group_id_not_found, id="version 9 and later"),
        pytest.param(False, ErrorCode.illegal_generation, id="before"),
    ],
)
def test_a_commit_with_a_generation_does_not(world: World, hears: bool, error: ErrorCode) -> None:
    assert world.commit("m", 3, hears_of_missing_groups=hears).error is error
    assert world.state == "Dead"


def test_members_commit_in_their_generation_and_nobody_else_does(world: World) -> None:
    member = world.stable_member()
    assert world.commit(member.member_id, 1).rows == (ErrorCode.none,)
    assert world.commit(member.member_id, 2).error is ErrorCode.illegal_generation
    assert world.commit("stranger", 1).error is ErrorCode.unknown_member_id
    assert world.commit().error is ErrorCode.unknown_member_id
    assert world.commit(member.member_id, -1).error is ErrorCode.illegal_generation


def test_a_fenced_static_member_cannot_commit(world: World) -> None:
    old = world.stable_member(instance="i")
    new = world.joined(instance="i")
    refused = world.commit(old.member_id, 1, instance="i")
    assert refused.error is ErrorCode.fenced_instance_id
    assert world.commit(new.member_id, 1, instance="i").rows == (ErrorCode.none,)


def test_commits_wait_while_the_assignment_is_being_made(world: World) -> None:
    member = world.joined()
    assert world.state == "CompletingRebalance"
    assert world.commit(member.member_id, 1).error is ErrorCode.rebalance_in_progress


def test_members_may_still_commit_while_they_are_asked_to_rejoin(world: World) -> None:
    member = world.stable_member()
    world.join()
    assert world.state == "PreparingRebalance"
    assert world.commit(member.member_id, 1).rows == (ErrorCode.none,)


def test_a_commit_counts_as_a_sign_of_life(world: World) -> None:
    member = world.stable_member()
    world.tick(9_000)
    world.commit(member.member_id, 1)
    world.tick(9_999)
    assert world.state == "Stable"
    world.tick(1)
    assert world.state == "Empty"


def test_metadata_that_is_too_long_fails_alone(world: World) -> None:
    rows = (CommitRow("t", 0, 1, -1, "x" * 4_096), CommitRow("t", 1, 1, -1, "x" * 4_097))
    assert world.commit("", -1, *rows).rows == (
        ErrorCode.none,
        ErrorCode.offset_metadata_too_large,
    )
    assert offsets(world) == {"t": {0: 1}}


def test_a_commit_that_cannot_be_written_changes_nothing(world: World) -> None:
    world.write_error = ErrorCode.not_coordinator
    world.commit()
    assert offsets(world) == {}
    assert world.log == []


# Fetching.


def test_partitions_without_an_offset_are_answered_as_having_none(world: World) -> None:
    world.commit()
    fetched = offset_decisions.fetch(world.shard, GROUP, [Wanted("t", [0, 1]), Wanted("u", [0])])
    found = fetched.topics["t"][0]
    assert found == CommittedOffset(5, -1, "", EPOCH_MS)
    assert fetched.topics["t"][1] is None
    assert fetched.topics["u"] == {0: None}


def test_an_offset_of_a_deleted_topic_is_none_of_its_successors(world: World) -> None:
    first, second = UUID(int=1), UUID(int=2)
    world.commit("", -1, CommitRow("t", 0, 5, topic_id=first))

    def found(topic_id: UUID | None) -> CommittedOffset | None:
        wanted = [Wanted("t", [0], topic_id)]
        return offset_decisions.fetch(world.shard, GROUP, wanted).topics["t"][0]

    assert found(first) is not None
    assert found(second) is None
    assert found(None) is not None


# Deleting.


def test_deleting_a_topic_removes_its_offsets_from_every_group(world: World) -> None:
    world.commit()
    world.commit("", -1, CommitRow("other", 0, 1))
    world.commit(group_id="h")
    world.write(offset_decisions.forget_topic(world.shard, "t", None))
    assert offsets(world) == {"other": {0: 1}}
    assert offsets(world, "h") == {}


def test_deleting_a_topic_leaves_what_is_committed_to_its_successor_already(world: World) -> None:
    first, second = UUID(int=1), UUID(int=2)
    world.commit("", -1, CommitRow("t", 0, 5, topic_id=first))
    world.commit("", -1, CommitRow("t", 1, 6, topic_id=second))
    world.write(offset_decisions.forget_topic(world.shard, "t", first))
    assert offsets(world) == {"t": {1: 6}}


def test_offsets_of_consumed_topics_cannot_be_deleted(world: World) -> None:
    member = world.stable_member()
    world.commit(member.member_id, 1, CommitRow("t", 0, 1), CommitRow("old", 0, 1))
    decision = offset_decisions.delete_offsets(world.shard, GROUP, [("t", 0), ("old", 0)])
    assert world.write(decision).rows == (  # type: ignore[union-attr]
        ErrorCode.group_subscribed_to_topic,
        ErrorCode.none,
    )
    assert offsets(world) == {"t": {0: 1}}


def test_offsets_of_running_groups_that_are_no_consumers_cannot_be_deleted(world: World) -> None:
    world.stable_member(protocol_type="connect")
    decision = offset_decisions.delete_offsets(world.shard, GROUP, [("t", 0)])
    assert decision.response.error is ErrorCode.non_empty_group  # type: ignore[union-attr]


def test_a_group_is_deleted_with_its_offsets_once_nobody_is_in_it(world: World) -> None:
    member = world.stable_member()
    world.commit(member.member_id, 1)
    decision = offset_decisions.delete_group(world.shard, GROUP)
    assert decision.response is ErrorCode.non_empty_group
    world.leave(Leaving(member.member_id))
    assert world.write(offset_decisions.delete_group(world.shard, GROUP)) is ErrorCode.none
    assert world.state == "Dead"
    assert offsets(world) == {}
    world.load()
    assert world.state == "Dead"
    missing = offset_decisions.delete_group(world.shard, GROUP)
    assert missing.response is ErrorCode.group_id_not_found


# Expiry.


def test_a_group_without_members_loses_its_offsets_and_itself_after_the_retention_time() -> None:
    world = World()
    member = world.stable_member()
    world.commit(member.member_id, 1)
    world.tick(5_000)
    world.leave(Leaving(member.member_id))
    emptied_ms = world.now_ms
    world.tick(RETENTION_MS - 1)
    assert offsets(world) == {"t": {0: 5}}
    world.tick(CHECK_MS)
    assert world.now_ms - emptied_ms < RETENTION_MS + 2 * CHECK_MS
    assert offsets(world) == {}
    assert world.state == "Dead"


def test_the_retention_time_counts_on_while_the_coordinator_changes() -> None:
    world = World()
    member = world.stable_member()
    world.commit(member.member_id, 1)
    world.leave(Leaving(member.member_id))
    world.tick(RETENTION_MS - CHECK_MS)
    world.load()
    world.tick(2 * CHECK_MS)
    assert world.state == "Dead"


def test_a_group_with_members_keeps_its_offsets_for_ever() -> None:
    world = World(GroupConfig(initial_rebalance_delay_ms=0, offsets_retention_ms=60_000))
    member = world.stable_member(session_timeout_ms=1_800_000)
    world.commit(member.member_id, 1)
    world.tick(2 * CHECK_MS)
    assert world.state == "Stable"
    assert offsets(world) == {"t": {0: 5}}


def test_a_group_with_members_loses_offsets_of_topics_that_nobody_consumes_any_more() -> None:
    world = World(GroupConfig(initial_rebalance_delay_ms=0, offsets_retention_ms=60_000))
    member = world.stable_member(session_timeout_ms=1_800_000)
    world.commit(member.member_id, 1, CommitRow("t", 0, 1), CommitRow("old", 0, 1))
    world.tick(2 * CHECK_MS)
    assert offsets(world) == {"t": {0: 1}}


def test_offsets_are_kept_while_we_do_not_know_what_members_consume() -> None:
    world = World(GroupConfig(initial_rebalance_delay_ms=0, offsets_retention_ms=60_000))
    unreadable = (Protocol("range", b"\x00"),)
    member = world.stable_member(session_timeout_ms=1_800_000, protocols=unreadable)
    world.commit(member.member_id, 1, CommitRow("old", 0, 1))
    world.tick(2 * CHECK_MS)
    assert offsets(world) == {"old": {0: 1}}


def test_a_group_that_never_had_members_goes_by_the_time_of_each_commit() -> None:
    world = World()
    world.commit("", -1, CommitRow("t", 0, 1))
    world.tick(3 * DAY_MS)
    world.commit("", -1, CommitRow("t", 1, 1))
    world.tick(4 * DAY_MS + CHECK_MS)
    assert offsets(world) == {"t": {1: 1}}
    world.tick(3 * DAY_MS + CHECK_MS)
    assert world.state == "Dead"


def test_a_retention_time_of_the_commit_itself_goes_first() -> None:
    world = World()
    world.commit(retention_ms=60_000)
    world.tick(CHECK_MS)
    assert offsets(world) == {}


def test_subscriptions_of_every_member_count() -> None:
    world = World()
    first = world.stable_member()
    parked = world.join(protocols=(Protocol("range", subscription("u")),))
    world.joined(first.member_id)
    assert world.group.topics == {"t", "u"}
    assert parked is not None
