"""What may be committed, and what has expired.

Source: `OffsetMetadataManager` in apache/kafka, group-coordinator.
"""

from __future__ import annotations

from typing import Final

from kio.schema.errors import ErrorCode

from .config import GroupConfig
from .group import Group
from .record_types import UNKNOWN_MS, CommittedOffset, OffsetRecord
from .requests import NO_RETENTION, Commit, CommitRow

LATEST_MS: Final = 2**63 - 1


def missing_group_error(commit: Commit) -> ErrorCode:
    """Whether a commit may bring a group into being: only one that claims no generation."""
    if commit.generation_id < 0:
        return ErrorCode.none
    if commit.hears_of_missing_groups:
        return ErrorCode.group_id_not_found
    return ErrorCode.illegal_generation


def row_error(row: CommitRow, config: GroupConfig) -> ErrorCode:
    """Whether a row's metadata is short enough to be kept; Kafka counts characters."""
    if row.metadata is not None and len(row.metadata) > config.offset_metadata_max_bytes:
        return ErrorCode.offset_metadata_too_large
    return ErrorCode.none


def to_record(commit: Commit, row: CommitRow, now_ms: int) -> OffsetRecord:
    """The record of a row that is committed now (since 1970)."""
    expires_ms = UNKNOWN_MS
    if commit.retention_ms != NO_RETENTION:
        expires_ms = min(now_ms + commit.retention_ms, LATEST_MS)
    committed = CommittedOffset(
        row.offset, row.leader_epoch, row.metadata or "", now_ms, expires_ms, row.topic_id
    )
    return OffsetRecord(commit.group_id, row.topic, row.partition, committed)


def is_expired(
    group: Group, topic: str, committed: CommittedOffset, now_ms: int, retention_ms: int
) -> bool:
    """Whether an offset has been of no use for longer than the retention time."""
    if group.is_subscribed_to(topic):
        return False
    since_ms = group.useless_since_ms(committed)
    if since_ms is None:
        return False
    if committed.expire_timestamp_ms != UNKNOWN_MS:
        return now_ms >= committed.expire_timestamp_ms
    return now_ms - since_ms >= retention_ms
