"""A member of the new protocol (KIP-848): one heartbeat says and answers everything."""

from __future__ import annotations

import time
import uuid
from typing import Any, Final

from kio.schema.errors import ErrorCode

from flowlog.broker.wire import messages
from tests.e2e.group_churn.member import Group
from tests.e2e.group_churn.raw_member import LostMembershipError, RawMember

HEARTBEAT: Final = 68
VERSION: Final = 1
JOINS, LEAVES = 0, -1
OUT: Final = frozenset({ErrorCode.unknown_member_id, ErrorCode.fenced_member_epoch})
RETRIES: Final = frozenset(
    {
        ErrorCode.coordinator_load_in_progress,
        ErrorCode.not_coordinator,
        ErrorCode.coordinator_not_available,
    }
)


class ConsumerMember(RawMember):
    """Gives up what is taken away, says so with the next heartbeat, and takes what is new."""

    def __init__(self, group: Group, name: str) -> None:
        super().__init__(group, name)
        self._member_id = uuid.uuid4().hex
        self._epoch = JOINS
        self._topic_id: uuid.UUID | None = None
        self._owned: tuple[int, ...] = ()
        self._has_news = False

    async def _join(self) -> None:
        self._epoch, self._owned = JOINS, ()
        self.group.ledger.owns(self.name, ())
        await self._say(
            rebalance_timeout_ms=self.group.rebalance_timeout_ms,
            subscribed_topic_names=(self.group.topic,),
            topic_partitions=(),
        )

    async def _beat(self) -> None:
        if self._epoch == JOINS:
            await self._join()
        elif self._has_news:
            self._has_news = False
            await self._say(topic_partitions=self._rows())
        else:
            await self._say()

    async def _say(self, **news: Any) -> None:
        asked = time.monotonic()
        m = messages.consumer_group_heartbeat.request
        request = m.ConsumerGroupHeartbeatRequest(
            group_id=self.group.name,
            member_id=self._member_id,
            member_epoch=self._epoch,
            **{"rebalance_timeout_ms": -1, "topic_partitions": None, **news},
        )
        answer = await self._call(HEARTBEAT, VERSION, request)
        if answer.error_code in RETRIES:
            return
        if answer.error_code in OUT:
            raise LostMembershipError
        assert answer.error_code is ErrorCode.none, answer
        until = asked + self.group.session_timeout_s
        if self._epoch == JOINS:
            self.group.ledger.joined(self.name, lives_until=until)
        self._epoch = answer.member_epoch
        if answer.assignment is not None:
            self._take(answer.assignment)

    def _take(self, assignment: Any) -> None:
        for row in assignment.topic_partitions:
            self._topic_id = row.topic_id
        owned = tuple(sorted(p for row in assignment.topic_partitions for p in row.partitions))
        if owned != self._owned or not owned:
            self._owned, self._has_news = owned, True
            self._note_owned(owned)

    def _note_owned(self, owned: tuple[int, ...]) -> None:
        self.group.ledger.owns(self.name, owned)

    def _rows(self) -> tuple[Any, ...]:
        if not self._owned:
            return ()
        m = messages.consumer_group_heartbeat.request
        return (m.TopicPartitions(topic_id=self._topic_id, partitions=self._owned),)

    async def _goodbye(self) -> None:
        self._epoch = LEAVES
        m = messages.consumer_group_heartbeat.request
        request = m.ConsumerGroupHeartbeatRequest(
            group_id=self.group.name,
            member_id=self._member_id,
            member_epoch=LEAVES,
            rebalance_timeout_ms=-1,
            topic_partitions=None,
        )
        await self._call(HEARTBEAT, VERSION, request)
