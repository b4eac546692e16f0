"""`ShareGroups`: the part of the group coordinator's shell that looks after share groups.

A group's states are kept by another coordinator, so what touches them waits for it: one such
piece of work for a group at a time, while its members' heartbeats go on.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Final, TypeAlias, TypeVar
from uuid import UUID

from kio.schema.errors import ErrorCode

from flowlog.broker.coordinator.decision import Decision
from flowlog.broker.coordinator.runtime import ShardRuntime
from flowlog.broker.share.persister import (
    UNINITIALIZED_START_OFFSET,
    SharePartitionKey,
    SharePersister,
    ShareStateSummary,
)
from flowlog.errors import KafkaError

from ..shard import GroupShard
from ..topics import Topic, Topics
from . import states, views
from .checks import share_group
from .draft import ShareDraft
from .group import ShareGroup
from .locks import GroupLocks
from .member import LEAVE_EPOCH
from .record_types import NamedPartitions
from .requests import (
    Altered,
    DeletedOffsets,
    DeletedTopic,
    ShareHeartbeat,
    ShareHeartbeatResult,
    TopicOffsets,
)
from .state import FIRST_EPOCH
from .subscribed import missing
from .views import ShareGroupView

logger = logging.getLogger("flowlog.broker.groups")

R = TypeVar("R")

Answer: TypeAlias = R | Awaitable[R]
Shard: TypeAlias = ShardRuntime[GroupShard]

NOTHING_TO_DELETE: Final = "There is no offset information to delete."


class ShareGroups:
    """Every share group of this broker. No method but `describe` raises `KafkaError`."""

    def __init__(
        self, shard_of: Callable[[str], Shard], topics: Topics, persister: SharePersister
    ) -> None:
        """Args:
        shard_of: the shard of a group's id; raises `KafkaError` while it is not served.
        """
        self._shard_of = shard_of
        self._topics = topics
        self._persister = persister
        self._locks = GroupLocks()

    # Members.

    def heartbeat(self, request: ShareHeartbeat) -> Answer[ShareHeartbeatResult]:
        """ShareGroupHeartbeat, of members that join, stay or go.

        Where that makes the group consume something new, its states are made first, so that the
        answer already says what to consume.
        """
        try:
            shard = self._shard_of(request.group_id)
            answer = shard.write(shard.machine.share_heartbeat(request, shard.now()))
            if not isinstance(answer, Awaitable) and not self._lacks_states(shard, request):
                return answer
        except KafkaError as error:
            return _failed(error)
        return self._heartbeat_later(shard, request, answer)

    def _lacks_states(self, shard: Shard, request: ShareHeartbeat) -> bool:
        """Whether the sender stays, and its group lacks states of what it consumes."""
        if request.member_epoch == LEAVE_EPOCH:
            return False
        group = shard.machine.groups.get(request.group_id)
        return isinstance(group, ShareGroup) and group.lacks_states

    async def _heartbeat_later(
        self, shard: Shard, request: ShareHeartbeat, answer: Answer[ShareHeartbeatResult]
    ) -> ShareHeartbeatResult:
        try:
            first = await answer if isinstance(answer, Awaitable) else answer
            if not self._lacks_states(shard, request):
                return first
            if not await self._make_states(shard, request.group_id):
                return first
            again = request._replace(member_epoch=first.member_epoch, topics=None, rack_id=None)
            answer = shard.write(shard.machine.share_heartbeat(again, shard.now()))
            second = await answer if isinstance(answer, Awaitable) else answer
        except KafkaError as error:
            return _failed(error)
        return second._replace(
            assignment=first.assignment if second.assignment is None else second.assignment
        )

    async def _make_states(self, shard: Shard, group_id: str) -> bool:
        """Make the states that the group lacks; whether there is a point in looking again."""
        async with self._locks.of(group_id):
            group = shard.machine.groups.get(group_id)
            if not isinstance(group, ShareGroup):
                return False
            lacking = missing(group.state, self._topics)
            try:
                for key in states.keys(group_id, lacking):
                    await self._persister.initialize(
                        key,
                        state_epoch=group.state.epoch,
                        start_offset=UNINITIALIZED_START_OFFSET,
                    )
            except KafkaError as error:
                logger.warning("share group %s has no state yet: %s", group_id, error)
                return False
            await self._decide(shard, group_id, lambda draft: states.initialized(draft, lacking))
            return True

    # Administration.

    def describe(self, group_id: str) -> ShareGroupView:
        """A share group as it is now.

        Raises:
            KafkaError: there is none, or it is not served here, or not yet.
        """
        return views.describe(share_group(self._group(group_id), group_id))

    def is_share_group(self, group_id: str) -> bool:
        """Raises `KafkaError` while the group's shard is not served."""
        return isinstance(self._group(group_id), ShareGroup)

    async def delete_group(self, group_id: str) -> ErrorCode:
        """DeleteGroups, one share group, with its states."""
        try:
            shard = self._shard_of(group_id)
            async with self._locks.of(group_id):
                group = share_group(shard.machine.groups.get(group_id), group_id)
                states.check_empty(group)
                await self._delete_states(shard, group, states.known_topics(group))
                group = share_group(shard.machine.groups.get(group_id), group_id)
                states.check_empty(group)
                written = shard.write(Decision(None, group.tombstones()))
                if isinstance(written, Awaitable):
                    await written
        except KafkaError as error:
            return error.error_code
        return ErrorCode.none

    async def _delete_states(self, shard: Shard, group: ShareGroup, topics: set[UUID]) -> None:
        """The group hears of it first: what is left after a crash is no state that it counts on."""
        group_id, gone = group.group_id, states.to_delete(group, topics)
        await self._decide(shard, group_id, lambda draft: states.deleting(draft, topics))
        for key in gone:
            await self._persister.delete(key)

    async def alter_offsets(self, group_id: str, wanted: Sequence[TopicOffsets]) -> Altered:
        """AlterShareGroupOffsets: where an empty group goes on; one that is not there is made."""
        if not group_id:
            return Altered(ErrorCode.invalid_group_id)
        try:
            shard = self._shard_of(group_id)
            async with self._locks.of(group_id):
                group = shard.machine.groups.get(group_id)
                epoch = FIRST_EPOCH
                if group is not None:
                    states.check_empty(share_group(group, group_id))
                    epoch = share_group(group, group_id).state.epoch
                return await self._alter(shard, group_id, wanted, epoch)
        except KafkaError as error:
            return Altered(error.error_code, error.message)

    async def _alter(
        self, shard: Shard, group_id: str, wanted: Sequence[TopicOffsets], epoch: int
    ) -> Altered:
        rows: dict[tuple[str, int], ErrorCode] = {}
        made: dict[UUID, NamedPartitions] = {}
        for asked in wanted:
            topic = self._topics.named(asked.topic)
            for partition, offset in asked.offsets.items():
                row = asked.topic, partition
                if topic is None or not 0 <= partition < topic.partition_count:
                    rows[row] = ErrorCode.unknown_topic_or_partition
                    continue
                key = SharePartitionKey(group_id, topic.topic_id, partition)
                rows[row] = await self._set_start(key, epoch, offset)
                if rows[row] is ErrorCode.none:
                    _add(made, topic, partition)
        if made:
            await self._decide(shard, group_id, lambda draft: states.initialized(draft, made))
        return Altered(ErrorCode.none, None, rows)

    async def _set_start(self, key: SharePartitionKey, epoch: int, offset: int) -> ErrorCode:
        try:
            await self._persister.initialize(key, state_epoch=epoch, start_offset=offset)
        except KafkaError as error:
            return error.error_code
        return ErrorCode.none

    async def delete_offsets(self, group_id: str, topics: Sequence[str]) -> DeletedOffsets:
        """DeleteShareGroupOffsets: an empty group forgets topics."""
        if not group_id:
            return DeletedOffsets(ErrorCode.invalid_group_id)
        try:
            shard = self._shard_of(group_id)
            async with self._locks.of(group_id):
                group = share_group(shard.machine.groups.get(group_id), group_id)
                states.check_empty(group)
                known = states.known_topics(group)
                rows = tuple(self._deleted_topic(name, known) for name in topics)
                gone = {row.topic_id for row in rows if row.error is ErrorCode.none}
                topic_ids = {topic_id for topic_id in gone if topic_id is not None}
                if topic_ids:
                    await self._delete_states(shard, group, topic_ids)
                    await self._decide(shard, group_id, lambda d: states.deleted(d, topic_ids))
        except KafkaError as error:
            return DeletedOffsets(error.error_code, error.message)
        return DeletedOffsets(ErrorCode.none, None, rows)

    def _deleted_topic(self, name: str, known: set[UUID]) -> DeletedTopic:
        topic = self._topics.named(name)
        if topic is None:
            return DeletedTopic(name, None, ErrorCode.unknown_topic_or_partition)
        if topic.topic_id not in known:
            unknown = ErrorCode.unknown_topic_or_partition
            return DeletedTopic(name, None, unknown, NOTHING_TO_DELETE)
        return DeletedTopic(name, topic.topic_id, ErrorCode.none)

    def initialized_partitions(self, group_id: str) -> dict[UUID, frozenset[int]]:
        """Where the group has a state; nowhere for one that does not exist.

        Raises:
            KafkaError: its shard is not served here, or not yet.
        """
        group = self._group(group_id)
        if not isinstance(group, ShareGroup):
            return {}
        return {t: named.partitions for t, named in group.state.states.initialized.items()}

    async def summaries(
        self, keys: Iterable[SharePartitionKey]
    ) -> dict[SharePartitionKey, ShareStateSummary | KafkaError]:
        """How far groups are."""
        found: dict[SharePartitionKey, ShareStateSummary | KafkaError] = {}
        for key in keys:
            try:
                found[key] = await self._persister.summary(key, leader_epoch=-1)
            except KafkaError as error:
                found[key] = error
        return found

    async def topic_deleted(self, shard: Shard, topic_id: UUID) -> None:
        """No group of the shard knows of states in that topic any more."""
        for group_id, group in tuple(shard.machine.groups.items()):
            if isinstance(group, ShareGroup) and topic_id in states.known_topics(group):
                await self._decide(shard, group_id, lambda d: states.deleted(d, {topic_id}))

    # Inside.

    def _group(self, group_id: str) -> Any:
        return self._shard_of(group_id).machine.groups.get(group_id)

    async def _decide(
        self, shard: Shard, group_id: str, decide: Callable[[ShareDraft], Decision[None, Any]]
    ) -> None:
        shard.check_active()
        written = shard.write(shard.machine.decide_share_states(group_id, decide, shard.now()))
        if isinstance(written, Awaitable):
            await written


def _add(made: dict[UUID, NamedPartitions], topic: Topic, partition: int) -> None:
    before = made.get(topic.topic_id, NamedPartitions(topic.name, frozenset()))
    made[topic.topic_id] = before._replace(partitions=before.partitions | {partition})


def _failed(error: KafkaError) -> ShareHeartbeatResult:
    return ShareHeartbeatResult(error.error_code, error.message)
