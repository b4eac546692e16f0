"""OffsetCommit, TxnOffsetCommit, OffsetFetch, OffsetDelete and DeleteGroups, over a shard.

Source: `OffsetMetadataManager` in apache/kafka, group-coordinator.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TypeAlias
from uuid import UUID

from kio.schema.errors import ErrorCode

from flowlog.broker.coordinator.commit_log import CoordinatorMarker
from flowlog.broker.coordinator.decision import Decision, Now

from . import removal
from .offset_rules import missing_group_error, row_error, to_record
from .record_types import (
    CommittedOffset,
    GroupsRecord,
    OffsetRecord,
    TransactionalOffset,
    TransactionEnd,
)
from .requests import Commit, Committed, Fetched, Wanted
from .shard import GroupShard

CommitDecision: TypeAlias = Decision[Committed, GroupsRecord]

NO_OFFSETS: Final[Mapping[int, CommittedOffset]] = {}
NO_EPOCH: Final = -1


def commit(shard: GroupShard, commit: Commit, now: Now) -> CommitDecision:
    """Decide an OffsetCommit or TxnOffsetCommit.

    The first counts as a heartbeat where the group is not busy. The second knows no epochs of
    members, so that one which is behind hears ILLEGAL_GENERATION.
    """
    group = shard.groups.get(commit.group_id)
    error = missing_group_error(commit) if group is None else group.commit_error(commit)
    if commit.is_transactional and error is ErrorCode.stale_member_epoch:
        error = ErrorCode.illegal_generation
    if error is not ErrorCode.none:
        return Decision(Committed(error))
    if group is not None and not commit.is_transactional:
        group.on_commit(commit, now.monotonic_ms)
    errors = tuple(row_error(row, shard.config) for row in commit.rows)
    accepted: tuple[GroupsRecord, ...] = tuple(
        to_record(commit, row, now.wall_ms)
        for row, error in zip(commit.rows, errors, strict=True)
        if error is ErrorCode.none
    )
    if commit.producer is not None:
        accepted = tuple(TransactionalOffset(commit.producer, record) for record in accepted)
    return Decision(Committed(ErrorCode.none, errors), accepted)


def end_transaction(marker: CoordinatorMarker) -> Decision[ErrorCode, GroupsRecord]:
    """Decide what a producer's transaction did to the offsets of this shard's groups."""
    return Decision(ErrorCode.none, (TransactionEnd(marker),))


def fetch(
    shard: GroupShard,
    group_id: str,
    wanted: Iterable[Wanted] | None,
    member_id: str | None = None,
    member_epoch: int = NO_EPOCH,
) -> Fetched:
    """The group's offsets in the partitions wanted, by topic; None asks for all it has.

    Without a member id and epoch it is not a member that asks. Of a group that does not exist
    everybody hears that it has no offsets, as in Kafka.
    """
    group = shard.groups.get(group_id)
    if group is not None:
        error = group.fetch_error(member_id, member_epoch)
        if error is not ErrorCode.none:
            return Fetched(error)
    found = shard.offsets.of_group(group_id)
    unstable = frozenset(shard.offsets.pending.rows(group_id))
    if wanted is None:
        topics = {topic: dict(rows) for topic, rows in found.items()}
        return Fetched(ErrorCode.none, topics, unstable)
    return Fetched(
        ErrorCode.none,
        {asked.topic: _of_topic(asked, found.get(asked.topic, NO_OFFSETS)) for asked in wanted},
        unstable,
    )


def delete_offsets(
    shard: GroupShard, group_id: str, partitions: Sequence[tuple[str, int]]
) -> CommitDecision:
    """Decide an OffsetDelete, one outcome for each (topic, partition)."""
    group = shard.groups.get(group_id)
    error = removal.offset_delete_error(group)
    if group is None or error is not ErrorCode.none:
        return Decision(Committed(error))
    subscribed = [group.is_subscribed_to(topic) for topic, _ in partitions]
    gone = tuple(
        OffsetRecord(group_id, topic, partition, None)
        for (topic, partition), kept in zip(partitions, subscribed, strict=True)
        if not kept and shard.offsets.has_any(group_id, topic, partition)
    )
    errors = tuple(
        ErrorCode.group_subscribed_to_topic if kept else ErrorCode.none for kept in subscribed
    )
    return Decision(Committed(ErrorCode.none, errors), gone)


def delete_group(shard: GroupShard, group_id: str) -> Decision[ErrorCode, GroupsRecord]:
    """Decide the deletion of a group with all its offsets."""
    group = shard.groups.get(group_id)
    error = removal.delete_error(group)
    if group is None or error is not ErrorCode.none:
        return Decision(error)
    return Decision(error, removal.tombstones(group, shard.offsets))


def forget_topic(
    shard: GroupShard, topic: str, topic_id: UUID | None
) -> Decision[None, GroupsRecord]:
    """A topic was deleted: no group keeps an offset in it."""
    gone = dict.fromkeys(
        OffsetRecord(group_id, topic, partition, None)
        for group_id, partition, committed in shard.offsets.of_topic(topic)
        if not committed.is_of_another_topic(topic_id)
    )
    return Decision(None, tuple(gone))


def _of_topic(
    wanted: Wanted, rows: Mapping[int, CommittedOffset]
) -> dict[int, CommittedOffset | None]:
    """What is committed in the wanted partitions of the topic that has the name now."""
    found = {partition: rows.get(partition) for partition in wanted.partitions}
    for partition, committed in found.items():
        if committed is not None and committed.is_of_another_topic(wanted.topic_id):
            found[partition] = None
    return found
