"""The records that remove a KIP-848 group from the log."""

from __future__ import annotations

from .record_types import (
    ConsumerRecord,
    CurrentRecord,
    GroupEpochRecord,
    MemberRecord,
    RegexRecord,
    TargetEpochRecord,
    TargetRecord,
)
from .state import ConsumerState


def state_tombstones(group_id: str, state: ConsumerState) -> tuple[ConsumerRecord, ...]:
    """In Kafka's order: what hangs on a member goes before the member, the group's epoch last."""
    records: list[ConsumerRecord] = []
    records += (CurrentRecord(group_id, member_id, None) for member_id in state.current)
    records += (TargetRecord(group_id, member_id, None) for member_id in state.targets)
    records.append(TargetEpochRecord(group_id, None))
    records += (MemberRecord(group_id, member_id, None) for member_id in state.members)
    records += (RegexRecord(group_id, regex, None) for regex in state.regexes)
    records.append(GroupEpochRecord(group_id, None))
    return tuple(records)
