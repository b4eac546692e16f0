"""The phases of a rebalance: prepare, wait for members to join, hand out a new generation.

    prepare ──► members join ──► complete_join ──► leader syncs ──► assign
                 (deadline)                          (deadline)

Functions return the records to write, which are none unless the group becomes empty.
Source: `GroupMetadataManager` in apache/kafka, group-coordinator.
"""

from __future__ import annotations

from typing import Final

from kio.schema.errors import ErrorCode

from flowlog.broker.coordinator.decision import Now

from ..rebalance_history import Rebalance
from ..record_types import GroupRecord
from ..requests import UNKNOWN_MEMBER_ID, JoinResult, SyncResult
from .group import ClassicGroup, logger
from .member import ClassicMember
from .states import GroupState
from .stored_group import to_stored

Records = tuple[GroupRecord, ...]

NO_RECORDS: Final[Records] = ()
SHORTEST_WAIT_MS: Final = 1_000
"""For anybody at all to rejoin, whatever rebalance timeout the members ask for."""
REBALANCEABLE: Final = (GroupState.EMPTY, GroupState.COMPLETING_REBALANCE, GroupState.STABLE)


def prepare_or_complete(group: ClassicGroup, reason: str, now: Now) -> Records:
    """After a change of members: begin a rebalance, or see whether the one that runs is done."""
    if group.state in REBALANCEABLE:
        return prepare(group, reason, now)
    return maybe_complete_join(group, now)


def prepare(group: ClassicGroup, reason: str, now: Now) -> Records:
    """Begin a rebalance: members are asked to join again, by their next heartbeat or sync."""
    if group.state is GroupState.COMPLETING_REBALANCE:
        fail_assignment(group, ErrorCode.rebalance_in_progress, now)
    group.pending_sync.clear()
    group.sync_deadline_ms = None
    is_initial = group.state is GroupState.EMPTY
    group.become(GroupState.PREPARING_REBALANCE, now)
    group.rebalances.append(Rebalance(now.wall_ms, group.generation_id, reason))
    logger.info(
        "group %s rebalances generation %d: %s", group.group_id, group.generation_id, reason
    )
    if is_initial:
        return _await_first_members(group, now)
    if group.members.all_joined:
        return complete_join(group, now)
    group.join_deadline_ms = now.monotonic_ms + group.members.rebalance_timeout_ms
    return NO_RECORDS


def _await_first_members(group: ClassicGroup, now: Now) -> Records:
    """Others usually start together with the first member: give them a moment."""
    delay_ms = group.config.initial_rebalance_delay_ms
    if delay_ms == 0:
        return complete_join(group, now)
    group.initial_delay_left_ms = max(group.members.rebalance_timeout_ms - delay_ms, 0)
    group.newcomers = False
    group.join_deadline_ms = now.monotonic_ms + delay_ms
    return NO_RECORDS


def extend_initial_delay(group: ClassicGroup, now: Now) -> bool:
    """Wait once more if somebody new came, at most up to the rebalance timeout in all."""
    left_ms = group.initial_delay_left_ms
    if not (left_ms and group.newcomers):
        return False
    delay_ms = min(group.config.initial_rebalance_delay_ms, left_ms)
    group.initial_delay_left_ms = left_ms - delay_ms
    group.newcomers = False
    group.join_deadline_ms = now.monotonic_ms + delay_ms
    return True


def maybe_complete_join(group: ClassicGroup, now: Now) -> Records:
    """End the join phase if all have joined; a group's first one always waits its delay."""
    if (
        group.state is not GroupState.PREPARING_REBALANCE
        or group.previous_state is GroupState.EMPTY
    ):
        return NO_RECORDS
    return complete_join(group, now) if group.members.all_joined else NO_RECORDS


def complete_join(group: ClassicGroup, now: Now) -> Records:
    """End the join phase with whoever is there; static members stay even when they are not."""
    group.join_deadline_ms = None
    group.initial_delay_left_ms = None
    for member in group.members:
        if member.join_reply is None and not member.is_static:
            logger.info("group %s: %s did not rejoin in time", group.group_id, member.member_id)
            remove(group, member)
    if len(group.members) and not _elect_joined_leader(group):
        logger.warning("group %s: no member rejoined, waiting on", group.group_id)
        wait_ms = max(group.members.rebalance_timeout_ms, SHORTEST_WAIT_MS)
        group.join_deadline_ms = now.monotonic_ms + wait_ms
        return NO_RECORDS
    group.generation_id += 1
    group.pending_sync.clear()
    if not len(group.members):
        return _become_empty(group, now)
    _begin_generation(group, now)
    return NO_RECORDS


def _elect_joined_leader(group: ClassicGroup) -> bool:
    """Keep the leader if it joined, else take the oldest member that did; False if none did."""
    assert group.leader_id is not None, f"{group.group_id} has members and no leader"
    if group.members[group.leader_id].join_reply is not None:
        return True
    joined = next((m for m in group.members if m.join_reply is not None), None)
    if joined is not None:
        group.leader_id = joined.member_id
    return joined is not None


def _become_empty(group: ClassicGroup, now: Now) -> Records:
    group.protocol_name = None
    group.refresh_topics()
    group.become(GroupState.EMPTY, now)
    logger.info("group %s is empty in generation %d", group.group_id, group.generation_id)
    return (GroupRecord(group.group_id, to_stored(group, {})),)


def _begin_generation(group: ClassicGroup, now: Now) -> None:
    group.protocol_name = group.members.elect_protocol()
    group.refresh_topics()
    group.become(GroupState.COMPLETING_REBALANCE, now)
    for member in group.members:
        group.members.answer_join(member, current_generation(group, member))
        group.extend_session(member, now.monotonic_ms)
        member.is_new = False
        group.pending_sync.add(member.member_id)
    group.sync_deadline_ms = now.monotonic_ms + group.members.rebalance_timeout_ms
    logger.info(
        "group %s generation %d has %d members",
        group.group_id,
        group.generation_id,
        len(group.members),
    )


def current_generation(group: ClassicGroup, member: ClassicMember) -> JoinResult:
    """What a member hears that has joined; the leader hears who else has."""
    is_leader = group.is_leader(member.member_id)
    return JoinResult(
        ErrorCode.none,
        member.member_id,
        generation_id=group.generation_id,
        protocol_type=group.protocol_type,
        protocol_name=group.protocol_name,
        leader_id=group.leader_id or "",
        members=group.joined_members() if is_leader else (),
    )


def assign(group: ClassicGroup, assignments: dict[str, bytes], now: Now) -> None:
    """The leader's assignment is committed: give it to all who wait; the group is stable."""
    for member in group.members:
        member.assignment = assignments.get(member.member_id, b"")
        result = SyncResult(
            ErrorCode.none, group.protocol_type, group.protocol_name, member.assignment
        )
        answer_sync(group, member, result, now)
    group.become(GroupState.STABLE, now)


def fail_assignment(group: ClassicGroup, error: ErrorCode, now: Now) -> None:
    """No assignment of this generation holds; all who wait for one hear `error`."""
    assert group.state is GroupState.COMPLETING_REBALANCE, f"{group.group_id}: {group.state}"
    for member in group.members:
        member.assignment = b""
        answer_sync(group, member, SyncResult(error), now)


def answer_sync(group: ClassicGroup, member: ClassicMember, result: SyncResult, now: Now) -> None:
    """Answer a parked sync, if any. Its session starts again: it may have run out meanwhile."""
    if member.sync_reply is not None:
        reply, member.sync_reply = member.sync_reply, None
        reply.answer(result)
        group.extend_session(member, now.monotonic_ms)


def remove(group: ClassicGroup, member: ClassicMember) -> None:
    """Take a member out; if it waits for something it hears that it is unknown, and may rejoin."""
    unknown = ErrorCode.unknown_member_id
    group.members.answer_join(member, JoinResult(unknown, UNKNOWN_MEMBER_ID))
    if member.sync_reply is not None:
        reply, member.sync_reply = member.sync_reply, None
        reply.answer(SyncResult(unknown))
    group.members.remove(member.member_id)
    group.pending_sync.discard(member.member_id)
    if group.is_leader(member.member_id):
        group.leader_id = next((m.member_id for m in group.members), None)
