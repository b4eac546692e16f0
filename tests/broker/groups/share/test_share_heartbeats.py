"""Heartbeats of share groups, one story each; `test_share_group_machine` has all orders of them."""

from __future__ import annotations

from uuid import UUID

import pytest
from kio.schema.errors import ErrorCode

from flowlog.broker.groups.config import GroupConfig
from flowlog.broker.groups.share import states
from flowlog.broker.groups.share.group import ShareGroup
from flowlog.broker.groups.share.requests import ShareHeartbeat, ShareHeartbeatResult
from flowlog.broker.groups.share.subscribed import missing
from flowlog.broker.groups.topics import FixedTopics, Topic
from flowlog.errors import KafkaError

from ..world import GROUP, World

A = UUID(int=1)
TOPICS = frozenset({"a"})


@pytest.fixture
def world() -> World:
    topics = FixedTopics([Topic("a", A, 4)])
    return World(GroupConfig(share_max_size=2), topics=topics)


def beat(
    world: World, member_id: str, epoch: int, topics: frozenset[str] | None = None
) -> ShareHeartbeatResult:
    request = ShareHeartbeat(GROUP, member_id, epoch, "client", "/host", None, topics)
    answer = world.write(world.shard.share_heartbeat(request, world.now))
    assert isinstance(answer, ShareHeartbeatResult)
    return answer


def group_of(world: World) -> ShareGroup:
    group = world.shard.groups[GROUP]
    assert isinstance(group, ShareGroup)
    return group


def make_states(world: World) -> None:
    lacking = missing(group_of(world).state, world.topics)
    decision = world.shard.decide_share_states(
        GROUP, lambda draft: states.initialized(draft, lacking), world.now
    )
    world.write(decision)


def test_a_member_gets_partitions_once_they_have_states(world: World) -> None:
    joined = beat(world, "m", 0, TOPICS)
    assert (joined.member_epoch, joined.assignment) == (2, {})
    assert group_of(world).lacks_states
    make_states(world)
    assert not group_of(world).lacks_states
    given = beat(world, "m", 2)
    assert (given.member_epoch, given.assignment) == (3, {A: {0, 1, 2, 3}})
    quiet = beat(world, "m", 3)
    assert (quiet.member_epoch, quiet.assignment, quiet.interval_ms) == (3, None, 5_000)


def test_what_a_member_had_goes_to_the_others_when_it_leaves(world: World) -> None:
    beat(world, "m", 0, TOPICS)
    make_states(world)
    beat(world, "n", 0, TOPICS)
    first = beat(world, "m", group_of(world).state.held_by("m").member_epoch)
    assert first.assignment is not None
    assert len(first.assignment[A]) == 2
    left = beat(world, "n", -1)
    assert (left.error, left.member_epoch) == (ErrorCode.none, -1)
    again = beat(world, "m", first.member_epoch)
    assert again.assignment == {A: {0, 1, 2, 3}}
    assert again.member_epoch == first.member_epoch + 1


def test_an_answer_that_was_lost_is_given_again(world: World) -> None:
    joined = beat(world, "m", 0, TOPICS)
    make_states(world)
    given = beat(world, "m", joined.member_epoch)
    again = beat(world, "m", joined.member_epoch)
    assert again.member_epoch == given.member_epoch
    full = beat(world, "m", joined.member_epoch, TOPICS)
    assert full.assignment == given.assignment


@pytest.mark.parametrize("epoch", [1, 9])
def test_a_member_that_is_elsewhere_is_fenced(world: World, epoch: int) -> None:
    beat(world, "m", 0, TOPICS)
    make_states(world)
    beat(world, "m", 2)
    with pytest.raises(KafkaError) as fenced:
        beat(world, "m", epoch)
    assert fenced.value.error_code is ErrorCode.fenced_member_epoch
    assert f"({epoch})" in str(fenced.value)


def test_a_full_group_takes_nobody_in(world: World) -> None:
    for member_id in ("m", "n"):
        beat(world, member_id, 0, TOPICS)
    with pytest.raises(KafkaError) as full:
        beat(world, "o", 0, TOPICS)
    assert full.value.error_code is ErrorCode.group_max_size_reached
    assert beat(world, "m", 0, TOPICS).error is ErrorCode.none


def test_a_silent_member_is_removed_when_its_session_ends(world: World) -> None:
    beat(world, "m", 0, TOPICS)
    world.tick(44_999)
    assert group_of(world).state.members
    world.tick(1)
    assert not group_of(world).state.members
    assert group_of(world).state_name == "Empty"
    with pytest.raises(KafkaError) as unknown:
        beat(world, "m", 2)
    assert unknown.value.error_code is ErrorCode.unknown_member_id


def test_a_removal_that_cannot_be_written_is_tried_again(world: World) -> None:
    beat(world, "m", 0, TOPICS)
    world.write_error = ErrorCode.not_coordinator
    world.tick(45_000)
    assert group_of(world).state.members
    world.tick(500)
    assert not group_of(world).state.members


def test_a_restart_gives_members_a_whole_session(world: World) -> None:
    beat(world, "m", 0, TOPICS)
    world.tick(40_000)
    world.load()
    world.tick(44_999)
    assert group_of(world).state.members
    world.tick(1)
    assert not group_of(world).state.members


def test_an_empty_group_stays_until_it_is_deleted(world: World) -> None:
    beat(world, "m", 0, TOPICS)
    make_states(world)
    beat(world, "m", -1)
    world.tick(30 * 24 * 3_600_000)
    assert group_of(world).state.states.initialized[A].partitions == {0, 1, 2, 3}
    assert group_of(world).delete_error() is ErrorCode.none
