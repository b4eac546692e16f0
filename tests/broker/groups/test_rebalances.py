"""Why a group rebalanced is kept; what members of a generation are told."""

from __future__ import annotations

import pytest
from kio.schema.errors import ErrorCode

from flowlog.broker.coordinator.decision import Reply
from flowlog.broker.groups import views
from flowlog.broker.groups.config import GroupConfig
from flowlog.broker.groups.rebalance_history import KEPT
from flowlog.broker.groups.requests import Leaving, Protocol
from flowlog.testing.clock import EPOCH_MS

from .world import RANGE, World, subscription


def reasons(world: World) -> list[str]:
    return [rebalance.reason for rebalance in world.group.rebalances]


def test_each_rebalance_leaves_its_reason_with_its_time_and_generation() -> None:
    world = World()
    member = world.stable_member(reason="it starts")
    world.tick(10_000)
    first, second = world.group.rebalances
    assert (first.started_ms, first.generation_id) == (EPOCH_MS, 0)
    assert first.reason == f"adding new member {member.member_id}; client reason: it starts"
    assert (second.started_ms, second.generation_id) == (EPOCH_MS + 10_000, 1)
    assert second.reason == f"the session of {member.member_id} ended without a heartbeat"


def test_only_the_last_reasons_are_kept() -> None:
    world = World()
    member = world.stable_member()
    for _ in range(2 * KEPT):
        world.joined(member.member_id, protocols=(Protocol("range", subscription("t")),))
        world.sync(member.member_id, world.group.generation_id, {})
    assert len(world.group.rebalances) == KEPT


def test_reasons_tell_leaving_from_changed_metadata_from_a_rejoining_leader() -> None:
    world = World()
    leader, follower = world.stable_pair()
    changed = (Protocol("range", subscription("t", "u")),)
    world.join(follower.member_id, protocols=changed)
    world.joined(leader.member_id)
    world.sync(leader.member_id, world.group.generation_id, {})
    world.join(leader.member_id)
    world.joined(follower.member_id, protocols=changed)
    world.sync(leader.member_id, world.group.generation_id, {})
    world.leave(Leaving(follower.member_id))
    assert [reason.split(";")[0] for reason in reasons(world)[-3:]] == [
        f"member {follower.member_id} changed its metadata during Stable",
        f"leader {leader.member_id} rejoins during Stable",
        f"{follower.member_id} left the group",
    ]


def test_a_join_that_is_asked_again_supersedes_the_parked_one() -> None:
    world = World(GroupConfig(initial_rebalance_delay_ms=3_000))
    member = world.join()
    assert isinstance(member, Reply)
    member_id = next(iter(world.group.members)).member_id
    again = world.join(member_id)
    assert isinstance(again, Reply)
    assert member.value.error is ErrorCode.rebalance_in_progress
    world.tick(3_000)
    assert again.value.error is ErrorCode.none


def test_followers_are_told_nothing_about_the_others() -> None:
    world = World()
    first = world.stable_member()
    parked = world.join()
    leader = world.joined(first.member_id)
    assert isinstance(parked, Reply)
    assert [m.metadata for m in leader.members] == [RANGE[0].metadata] * 2
    assert parked.value.members == ()
    assert parked.value.leader_id == leader.member_id


def test_assignments_for_strangers_are_dropped_and_missing_ones_are_empty() -> None:
    world = World()
    first = world.stable_member()
    parked = world.join()
    world.joined(first.member_id)
    assert isinstance(parked, Reply)
    world.sync(first.member_id, 2, {first.member_id: b"x", "stranger": b"y"})
    answer = world.sync(parked.value.member_id, 2)
    assert not isinstance(answer, Reply)
    assert (answer.error, answer.assignment) == (ErrorCode.none, b"")


@pytest.mark.parametrize(
    ("more", "error"),
    [
        pytest.param({"protocol_name": "other"}, ErrorCode.inconsistent_group_protocol, id="name"),
        pytest.param({"protocol_type": "other"}, ErrorCode.inconsistent_group_protocol, id="type"),
        pytest.param({"instance": "i"}, ErrorCode.unknown_member_id, id="unknown instance"),
    ],
)
def test_a_sync_that_does_not_fit_is_refused(more: dict[str, str], error: ErrorCode) -> None:
    world = World()
    member = world.stable_member()
    answer = world.sync(member.member_id, 1, **more)  # type: ignore[arg-type]
    assert not isinstance(answer, Reply)
    assert answer.error is error


def test_a_group_too_large_for_a_lowered_limit_rebalances_when_it_is_loaded() -> None:
    world = World()
    leader, _ = world.stable_pair()
    world.config = GroupConfig(initial_rebalance_delay_ms=0, max_size=1)
    world.load()
    assert world.state == "PreparingRebalance"
    assert "group.max.size" in reasons(world)[0]
    assert isinstance(world.join(leader.member_id), Reply)


def test_metadata_and_protocol_are_described_only_while_the_group_is_stable() -> None:
    world = World()
    member = world.stable_member()
    view = views.describe(world.group)
    assert (view.protocol_name, view.members[0].metadata) == ("range", RANGE[0].metadata)
    assert view.members[0].assignment == b"all"
    world.join(member.member_id)
    view = views.describe(world.group)
    assert (view.protocol_name, view.members[0].metadata) == ("", b"")


def test_a_thousand_members_that_start_together_join_in_one_rebalance() -> None:
    world = World(GroupConfig(initial_rebalance_delay_ms=3_000))
    parked = [world.join() for _ in range(1_000)]
    world.tick(6_000)  # the delay, and once more because somebody came meanwhile
    assert world.group.generation_id == 1
    assert all(isinstance(reply, Reply) and reply.is_answered for reply in parked)
