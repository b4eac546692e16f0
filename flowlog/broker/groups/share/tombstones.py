"""The records that remove a share group from the log."""

from __future__ import annotations

from .record_types import (
    ShareAssignmentRecord,
    ShareEpochRecord,
    ShareMemberRecord,
    ShareRecord,
    ShareTargetEpochRecord,
    ShareTargetRecord,
    StatePartitionsRecord,
)
from .state import ShareGroupState


def tombstones(group_id: str, state: ShareGroupState) -> tuple[ShareRecord, ...]:
    """In Kafka's order: what hangs on a member goes before the member, the group's epoch last."""
    records: list[ShareRecord] = []
    records += (ShareAssignmentRecord(group_id, member_id, None) for member_id in state.current)
    records += (ShareTargetRecord(group_id, member_id, None) for member_id in state.targets)
    records.append(ShareTargetEpochRecord(group_id, None))
    records += (ShareMemberRecord(group_id, member_id, None) for member_id in state.members)
    records.append(StatePartitionsRecord(group_id, None))
    records.append(ShareEpochRecord(group_id, None))
    return tuple(records)
