"""How a share group comes up, at load and live, and how it goes."""

from __future__ import annotations

from typing import Protocol

from flowlog.broker.coordinator.decision import Now

from ..context import GroupContext
from ..group import Group
from .group import ShareGroup
from .record_types import ShareEpochRecord, ShareRecord


class Replayed(Protocol):
    """The part of a shard that the records of a group change."""

    context: GroupContext
    groups: dict[str, Group]

    def forget(self, group_id: str) -> None: ...


def replay(shard: Replayed, record: ShareRecord) -> None:
    """Apply a record; the first of a group brings it into being, its epoch's tombstone ends it."""
    group_id = record.group_id
    group = shard.groups.get(group_id)
    if not isinstance(group, ShareGroup):
        if record[-1] is None:
            return  # what is left of a group that is gone
        arriving = shard.context.arriving.pop(group_id, None)
        group = arriving if isinstance(arriving, ShareGroup) else None
        group = group or ShareGroup(group_id, shard.context)
        shard.groups[group_id] = group
    group.replay(record)
    if isinstance(record, ShareEpochRecord) and record.epoch is None:
        shard.forget(group_id)


def on_loaded(group: ShareGroup, now: Now) -> None:
    """Every member's session starts now."""
    settings = group.context.settings(group.group_id)
    for member_id in group.state.members:
        group.sessions[member_id] = now.monotonic_ms + settings.share_session_timeout_ms
