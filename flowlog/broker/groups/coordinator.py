"""`GroupCoordinator`: the shell around the group machines; what the handlers talk to.

A method returns its answer, or an awaitable of it where the request is parked or the log commits
later: a heartbeat costs a function call. No method raises for what a client did or for a shard
that is away: every answer carries its error.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, Final, TypeAlias, TypeVar
from uuid import UUID

from kio.schema.errors import ErrorCode

from flowlog.broker.coordinator.commit_log import CommitLog, CoordinatorMarker
from flowlog.broker.coordinator.decision import Decision, Now
from flowlog.broker.coordinator.runtime import ShardRuntime
from flowlog.broker.coordinator.shards import Shards
from flowlog.broker.share.persister import SharePersister
from flowlog.clock import Clock
from flowlog.errors import KafkaError

from . import offset_decisions, views
from .classic.group import ClassicGroup
from .config import GroupConfig
from .consumer import views as consumer_views
from .consumer.checks import not_a_consumer_group, not_found
from .consumer.group import ConsumerGroup
from .consumer.requests import ConsumerHeartbeat, HeartbeatResult
from .consumer.views import ConsumerGroupView
from .context import (
    GroupContext,
    MemberListener,
    SettingsSource,
    default_settings,
    ignore_member,
)
from .group import GroupListing
from .group_id import partition_for
from .offset_decisions import NO_EPOCH
from .requests import (
    Commit,
    Committed,
    Fetched,
    Join,
    JoinResult,
    LeaveResult,
    Leaving,
    Sync,
    SyncResult,
    Wanted,
)
from .shard import GroupShard
from .share.coordinator import ShareGroups
from .topics import Topics, no_topics
from .views import GroupView

R = TypeVar("R")

Answer: TypeAlias = R | Awaitable[R]

OFFSETS_TOPIC: Final = "__consumer_offsets"


class GroupCoordinator:
    """Every group of this broker.

    `run` is its background task; `load` and `unload` follow the leadership of the partitions of
    `__consumer_offsets`.
    """

    def __init__(
        self,
        config: GroupConfig,
        clock: Clock,
        open_log: Callable[[int], CommitLog],
        *,
        share_persister: SharePersister,
        topics: Topics | None = None,
        settings: SettingsSource = default_settings,
        on_share_member_lost: MemberListener = ignore_member,
    ) -> None:
        """Args:
        share_persister: where share groups' states are kept.
        topics: the cluster's topics, which members of the newer protocols are assigned.
        settings: what is set for each group by its own.
        on_share_member_lost: frees what a silent member of a share group holds.
        """
        self.config = config
        topics = topics or no_topics()
        self._clock = clock
        self._shards: Shards[GroupShard] = Shards(
            OFFSETS_TOPIC,
            clock=clock,
            new_machine=lambda: GroupShard(
                GroupContext(config, topics, settings, on_share_member_lost)
            ),
            open_log=open_log,
        )
        self.share = ShareGroups(self._shard, topics, share_persister)

    # Lifecycle.

    async def run(self) -> None:
        """Serve timers and commits until cancelled."""
        await self._shards.run()

    async def load(self, partition: int) -> None:
        """Take over a partition of `__consumer_offsets`; does nothing if it is ours already."""
        await self._shards.load(partition)

    def unload(self, partition: int) -> None:
        """Give up a partition: its parked requests hear NOT_COORDINATOR."""
        self._shards.unload(partition)

    def shutdown(self) -> None:
        """Give up all partitions, so that no connection is kept open by a parked request."""
        self._shards.unload_all()

    def partition_for(self, group_id: str) -> int:
        """The partition of `__consumer_offsets` that holds the group."""
        return partition_for(group_id, self.config.offsets_topic_partitions)

    async def topic_deleted(self, topic: str, topic_id: UUID | None = None) -> None:
        """Remove every group's offsets in a topic that is gone; returns when that is committed.

        With the topic's id, what is committed to a new topic of that name meanwhile stays. Where
        it cannot be written the shard's log says so, and the offsets expire by age.
        """
        for shard in self._shards:
            await shard.wait_loaded()
            with suppress(KafkaError):
                shard.check_active()
                decision = offset_decisions.forget_topic(shard.machine, topic, topic_id)
                removed = shard.write(decision)
                if isinstance(removed, Awaitable):
                    await removed
                if topic_id is not None:
                    await self.share.topic_deleted(shard, topic_id)

    # Members.

    def join(self, request: Join) -> Answer[JoinResult]:
        """JoinGroup; parked until the rebalance that it is part of has its members."""

        def failed(error: ErrorCode) -> JoinResult:
            return JoinResult(error, request.member_id)

        if not request.group_id:
            return failed(ErrorCode.invalid_group_id)
        config = self.config
        if not (
            config.min_session_timeout_ms
            <= request.session_timeout_ms
            <= config.max_session_timeout_ms
        ):
            return failed(ErrorCode.invalid_session_timeout)
        return self._write(request.group_id, lambda shard, now: shard.join(request, now), failed)

    def sync(self, request: Sync) -> Answer[SyncResult]:
        """SyncGroup; parked until the leader's assignment is committed."""
        if not request.group_id:
            return SyncResult(ErrorCode.invalid_group_id)
        return self._write(
            request.group_id, lambda shard, now: shard.sync(request, now), SyncResult
        )

    def heartbeat(
        self, group_id: str, member_id: str, group_instance_id: str | None, generation_id: int
    ) -> ErrorCode:
        """Heartbeat; while the group is being loaded it is simply believed, as in Kafka."""
        if not group_id:
            return ErrorCode.invalid_group_id
        try:
            shard = self._shard(group_id)
        except KafkaError as error:
            is_loading = error.error_code is ErrorCode.coordinator_load_in_progress
            return ErrorCode.none if is_loading else error.error_code
        now_ms = self._clock.monotonic_ms()
        answer = shard.machine.heartbeat(
            group_id, member_id, group_instance_id, generation_id, now_ms
        )
        if answer is not ErrorCode.none:  # there may be less time now than before
            shard.write(Decision(answer))
        return answer

    def leave(self, group_id: str, members: Sequence[Leaving]) -> Answer[LeaveResult]:
        """LeaveGroup, each member with its own outcome."""
        if not group_id:
            return LeaveResult(ErrorCode.invalid_group_id)
        return self._write(
            group_id, lambda shard, now: shard.leave(group_id, members, now), LeaveResult
        )

    def consumer_heartbeat(self, request: ConsumerHeartbeat) -> Answer[HeartbeatResult]:
        """ConsumerGroupHeartbeat, of members that join, stay or go."""
        try:
            shard = self._shard(request.group_id)
            answer = shard.write(shard.machine.consumer_heartbeat(request, shard.now()))
        except KafkaError as error:
            return HeartbeatResult(error.error_code, error.message)
        return _guarded(answer, HeartbeatResult) if isinstance(answer, Awaitable) else answer

    # Offsets. The empty group id is one like any other here, as old clients expect.

    def commit_offsets(self, commit: Commit) -> Answer[Committed]:
        """OffsetCommit; the rows' partitions are known to exist."""
        return self._write(
            commit.group_id,
            lambda shard, now: offset_decisions.commit(shard, commit, now),
            Committed,
        )

    def fetch_offsets(
        self,
        group_id: str,
        wanted: Sequence[Wanted] | None,
        member_id: str | None = None,
        member_epoch: int = NO_EPOCH,
    ) -> Answer[Fetched]:
        """OffsetFetch, of some partitions by topic, or (None) of all that the group has.

        What is answered is committed, whether or not the client asked for stable offsets.
        """
        try:
            shard = self._shard(group_id)
            found = offset_decisions.fetch(shard.machine, group_id, wanted, member_id, member_epoch)
            answer = shard.read(found)
        except KafkaError as error:
            return Fetched(error.error_code)
        return _guarded(answer, Fetched) if isinstance(answer, Awaitable) else answer

    def end_transaction(self, partition: int, marker: CoordinatorMarker) -> Answer[ErrorCode]:
        """WriteTxnMarkers in a partition of `__consumer_offsets`: pending offsets count, or not."""
        try:
            answer = self._shards.get(partition).write(offset_decisions.end_transaction(marker))
        except KafkaError as error:
            return error.error_code
        return _guarded(answer, lambda error: error) if isinstance(answer, Awaitable) else answer

    def delete_offsets(
        self, group_id: str, partitions: Sequence[tuple[str, int]]
    ) -> Answer[Committed]:
        """OffsetDelete of (topic, partition) pairs."""
        if not group_id:
            return Committed(ErrorCode.invalid_group_id)
        return self._write(
            group_id,
            lambda shard, _: offset_decisions.delete_offsets(shard, group_id, partitions),
            Committed,
        )

    # Administration.

    def delete_group(self, group_id: str) -> Answer[ErrorCode]:
        """DeleteGroups, one group."""
        with suppress(KafkaError):  # `_write` hears of it too, and says so
            if self.share.is_share_group(group_id):
                return self.share.delete_group(group_id)
        return self._write(
            group_id, lambda shard, _: offset_decisions.delete_group(shard, group_id), lambda e: e
        )

    def describe(self, group_id: str) -> GroupView:
        """A classic group as it is now.

        Raises:
            KafkaError: GROUP_ID_NOT_FOUND: there is none, or one of another kind; or it is not
                served here, or not yet.
        """
        group = self._shard(group_id).machine.groups.get(group_id)
        if group is None:
            raise not_found(group_id)
        if not isinstance(group, ClassicGroup):
            message = f"Group {group_id} is not a classic group."
            raise KafkaError(ErrorCode.group_id_not_found, message)
        return views.describe(group)

    def describe_consumer_group(self, group_id: str) -> ConsumerGroupView:
        """A KIP-848 group as it is now.

        Raises:
            KafkaError: there is none, or it is not served here, or not yet.
        """
        group = self._shard(group_id).machine.groups.get(group_id)
        if group is None:
            raise not_found(group_id)
        if not isinstance(group, ConsumerGroup):
            raise not_a_consumer_group(group_id)
        return consumer_views.describe(group)

    def list_groups(self) -> list[GroupListing]:
        """Every group of this broker.

        Raises:
            KafkaError: COORDINATOR_LOAD_IN_PROGRESS while any of them is being loaded.
        """
        rows: list[GroupListing] = []
        for shard in self._shards:
            shard.check_active()
            rows += (group.listing() for group in shard.machine.groups.values())
        return rows

    def _shard(self, group_id: str) -> ShardRuntime[GroupShard]:
        return self._shards.get(self.partition_for(group_id))

    def _write(
        self,
        group_id: str,
        decide: Callable[[GroupShard, Now], Decision[R, Any]],
        failed: Callable[[ErrorCode], R],
    ) -> Answer[R]:
        """Decide and write; whatever is in the way becomes the answer of `failed`."""
        try:
            shard = self._shard(group_id)
            answer = shard.write(decide(shard.machine, shard.now()))
        except KafkaError as error:
            return failed(error.error_code)
        return _guarded(answer, failed) if isinstance(answer, Awaitable) else answer


async def _guarded(answer: Awaitable[R], failed: Callable[[ErrorCode], R]) -> R:
    try:
        return await answer
    except KafkaError as error:
        return failed(error.error_code)
