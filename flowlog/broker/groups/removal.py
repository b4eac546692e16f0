"""Forgetting: groups that are deleted, offsets that expired, and whoever is parked when we stop."""

from __future__ import annotations

from kio.schema.errors import ErrorCode

from .classic.group import ClassicGroup
from .classic.states import GroupState
from .offset_rules import is_expired
from .offsets import OffsetStore
from .record_types import GroupRecord, GroupsRecord, OffsetRecord
from .requests import JoinResult, SyncResult

Records = tuple[GroupsRecord, ...]


def tombstones(group_id: str, offsets: OffsetStore) -> Records:
    """What removes a group and all its offsets."""
    rows = [OffsetRecord(group_id, topic, n, None) for topic, n, _ in offsets.rows(group_id)]
    return (*rows, GroupRecord(group_id, None))


def expired(
    group: ClassicGroup, offsets: OffsetStore, *, now_ms: int, retention_ms: int
) -> Records:
    """What removes a group's expired offsets, and the group once it has neither members nor any.

    Args:
        now_ms: since 1970.
    """
    rows = list(offsets.rows(group.group_id))
    gone = [
        OffsetRecord(group.group_id, topic, partition, None)
        for topic, partition, committed in rows
        if is_expired(group, topic, committed, now_ms, retention_ms)
    ]
    if len(gone) == len(rows) and group.state is GroupState.EMPTY and not group.members.pending:
        return (*gone, GroupRecord(group.group_id, None))
    return tuple(gone)


def delete_error(group: ClassicGroup | None) -> ErrorCode:
    """Whether a group may be deleted."""
    if group is None:
        return ErrorCode.group_id_not_found
    return ErrorCode.none if group.state is GroupState.EMPTY else ErrorCode.non_empty_group


def offset_delete_error(group: ClassicGroup | None) -> ErrorCode:
    """Whether single offsets of a group may be deleted: of consumers also while they run."""
    error = delete_error(group)
    if group is not None and error is ErrorCode.non_empty_group and group.is_consumer_group:
        return ErrorCode.none
    return error


def answer_all_parked(group: ClassicGroup, error: ErrorCode) -> None:
    """The group is served elsewhere from now on: nobody may be left waiting here."""
    for member in group.members:
        group.members.answer_join(member, JoinResult(error, member.member_id))
        if member.sync_reply is not None:
            reply, member.sync_reply = member.sync_reply, None
            reply.answer(SyncResult(error))
