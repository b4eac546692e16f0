"""Forgetting: groups that are deleted, offsets that expired."""

from __future__ import annotations

from kio.schema.errors import ErrorCode

from .group import Group
from .offset_rules import is_expired
from .offsets import OffsetStore
from .record_types import GroupsRecord, OffsetRecord

Records = tuple[GroupsRecord, ...]


def tombstones(group: Group, offsets: OffsetStore) -> Records:
    """What removes a group and all its offsets."""
    group_id = group.group_id
    rows = [OffsetRecord(group_id, topic, n, None) for topic, n, _ in offsets.rows(group_id)]
    rows += [OffsetRecord(group_id, *row, None) for row in offsets.pending_only(group_id)]
    return (*rows, *group.tombstones())


def expired(group: Group, offsets: OffsetStore, *, now_ms: int, retention_ms: int) -> Records:
    """What removes a group's expired offsets, and the group once it has neither members nor any.

    What an undecided transaction is about to move stays.

    Args:
        now_ms: since 1970.
    """
    rows = list(offsets.rows(group.group_id))
    gone = [
        OffsetRecord(group.group_id, topic, partition, None)
        for topic, partition, committed in rows
        if is_expired(group, topic, committed, now_ms, retention_ms)
        and not offsets.pending.is_open(group.group_id, topic, partition)
    ]
    is_empty = len(gone) == len(rows) and not offsets.pending.rows(group.group_id)
    if is_empty and group.is_disposable:
        return (*gone, *group.tombstones())
    return tuple(gone)


def delete_error(group: Group | None) -> ErrorCode:
    """Whether a group may be deleted."""
    return ErrorCode.group_id_not_found if group is None else group.delete_error()


def offset_delete_error(group: Group | None) -> ErrorCode:
    """Whether single offsets of a group may be deleted."""
    return ErrorCode.group_id_not_found if group is None else group.offset_delete_error()
