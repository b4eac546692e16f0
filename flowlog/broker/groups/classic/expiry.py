"""What the passing of time does to a classic group: sessions end, phases of a rebalance end.

Source: the timers of `GroupMetadataManager` in apache/kafka, group-coordinator.
"""

from __future__ import annotations

from flowlog.broker.coordinator.decision import Now

from .group import ClassicGroup, logger
from .member import ClassicMember
from .parking import display_name
from .rebalancing import (
    NO_RECORDS,
    Records,
    complete_join,
    extend_initial_delay,
    prepare,
    prepare_or_complete,
    remove,
)
from .states import GroupState


def on_time(group: ClassicGroup, now: Now) -> Records:
    """Do what is due at `now`; nothing when it is called too early."""
    return (
        *_expire_pending(group, now),
        *_expire_sessions(group, now),
        *_end_join_phase(group, now),
        *_end_sync_phase(group, now),
    )


def _expire_pending(group: ClassicGroup, now: Now) -> Records:
    """Member ids that were given out and never joined with are waited for no longer."""
    pending = group.members.pending
    for member_id in [i for i, deadline_ms in pending.items() if deadline_ms <= now.monotonic_ms]:
        logger.info("group %s: %s never joined with its id", group.group_id, member_id)
        del pending[member_id]
    return _complete_if_all_joined(group, now)


def _expire_sessions(group: ClassicGroup, now: Now) -> Records:
    records = NO_RECORDS
    for member in group.members:
        deadline_ms = member.session_deadline_ms
        if deadline_ms is None or deadline_ms > now.monotonic_ms:
            continue
        if member.keeps_its_session:
            member.session_deadline_ms = None  # starts again with the answer that it waits for
        elif member.member_id in group.members:  # else the join phase ended and dropped it
            records += _end_session(group, member, now)
    return records


def _end_session(group: ClassicGroup, member: ClassicMember, now: Now) -> Records:
    remove(group, member)
    reason = f"the session of {display_name(member)} ended without a heartbeat"
    if group.state is GroupState.PREPARING_REBALANCE:
        logger.info("group %s: %s", group.group_id, reason)
        return _complete_if_all_joined(group, now)
    return prepare_or_complete(group, reason, now)


def _complete_if_all_joined(group: ClassicGroup, now: Now) -> Records:
    """The first join phase of a group waits its whole delay, unless nobody is left in it."""
    if group.state is not GroupState.PREPARING_REBALANCE or not group.members.all_joined:
        return NO_RECORDS
    if group.initial_delay_left_ms is not None and len(group.members):
        return NO_RECORDS
    return complete_join(group, now)


def _end_join_phase(group: ClassicGroup, now: Now) -> Records:
    deadline_ms = group.join_deadline_ms
    if deadline_ms is None or deadline_ms > now.monotonic_ms:
        return NO_RECORDS
    if extend_initial_delay(group, now):
        return NO_RECORDS
    return complete_join(group, now)


def _end_sync_phase(group: ClassicGroup, now: Now) -> Records:
    """Members that got a generation and never asked for their part of it are taken out."""
    deadline_ms = group.sync_deadline_ms
    if deadline_ms is None or deadline_ms > now.monotonic_ms:
        return NO_RECORDS
    group.sync_deadline_ms = None
    missing = [group.members[i] for i in sorted(group.pending_sync)]
    assert missing, f"{group.group_id}: a sync deadline and nobody to wait for"
    for member in missing:
        remove(group, member)
    names = ", ".join(map(display_name, missing))
    return prepare(group, f"{names} did not sync in time", now)
