"""How a KIP-848 group comes up, at load and live, and how it goes."""

from __future__ import annotations

from typing import Protocol

from flowlog.broker.coordinator.decision import Now

from ..context import GroupContext
from ..group import Group, GroupKind
from .group import ConsumerGroup
from .member import LEAVE_FOR_NOW_EPOCH, MemberState
from .record_types import ConsumerRecord, GroupEpochRecord
from .timers import Waiting


class Replayed(Protocol):
    """The part of a shard that the records of a group change."""

    context: GroupContext
    groups: dict[str, Group]

    def forget(self, group_id: str) -> None: ...


def replay(shard: Replayed, record: ConsumerRecord) -> None:
    """Apply a record; the first of a group brings it into being, its epoch's tombstone ends it."""
    group_id = record.group_id
    group = shard.groups.get(group_id)
    if not isinstance(group, ConsumerGroup):
        if record[-1] is None:
            return  # what is left of a group that is gone
        arriving = shard.context.arriving.pop(group_id, None)
        group = arriving if isinstance(arriving, ConsumerGroup) else None
        group = group or ConsumerGroup(group_id, shard.context)
        shard.groups[group_id] = group
    group.state.replay(record)
    if isinstance(record, GroupEpochRecord) and record.epoch is None:
        shard.forget(group_id)
        arriving = shard.context.arriving.pop(group_id, None)
        if arriving is not None and arriving.kind is not GroupKind.CONSUMER:
            shard.groups[group_id] = arriving


def on_loaded(group: ConsumerGroup, now: Now) -> None:
    """Every member's session starts now, and what it has to give up is waited for again."""
    settings = group.context.settings(group.group_id)
    for member_id, member in group.state.members.items():
        session_ms = settings.consumer_session_timeout_ms
        if member.classic is not None:
            session_ms = member.classic.session_timeout_ms
        group.timers.start(member_id, Waiting.SESSION, now.monotonic_ms + session_ms)
        current = group.state.held_by(member_id)
        if current.member_epoch == LEAVE_FOR_NOW_EPOCH or member.classic is not None:
            continue
        if current.state is MemberState.UNREVOKED:
            deadline_ms = now.monotonic_ms + member.rebalance_timeout_ms
            group.timers.start(member_id, Waiting.REVOCATION, deadline_ms)
