"""A member of the classic protocol: JoinGroup, SyncGroup, Heartbeat; eager, the leader assigns."""

from __future__ import annotations

import json
import time
from typing import Any, Final

from kio.schema.errors import ErrorCode

from flowlog.broker.wire import messages
from tests.e2e.group_churn.member import Group
from tests.e2e.group_churn.raw_member import LostMembershipError, RawMember

JOIN, HEARTBEAT, LEAVE, SYNC = 11, 12, 13, 14
VERSION: Final = 5
LEAVE_VERSION: Final = 3
PROTOCOL_TYPE: Final = "churn"
COMES_AGAIN: Final = frozenset(
    {
        ErrorCode.rebalance_in_progress,
        ErrorCode.illegal_generation,
        ErrorCode.coordinator_load_in_progress,
        ErrorCode.not_coordinator,
        ErrorCode.coordinator_not_available,
    }
)


class ClassicMember(RawMember):
    """Gives up everything before it joins again."""

    def __init__(self, group: Group, name: str) -> None:
        super().__init__(group, name)
        self._member_id = ""
        self._generation = -1

    async def _join(self) -> None:
        while not self._leaves.is_set():
            self._give_up()
            joined = await self._ask_to_join()
            if joined is None:
                continue
            self._member_id, self._generation = joined.member_id, joined.generation_id
            if await self._sync(joined):
                return

    async def _ask_to_join(self) -> Any:
        m = messages.join_group
        request = m.JoinGroupRequest(
            group_id=self.group.name,
            member_id=self._member_id,
            session_timeout_ms=self.group.session_timeout_ms,
            rebalance_timeout_ms=self.group.rebalance_timeout_ms,
            protocol_type=PROTOCOL_TYPE,
            protocols=(m.JoinGroupRequestProtocol(name="modulo", metadata=b""),),
        )
        joined = await self._call(JOIN, VERSION, request)
        if joined.error_code is ErrorCode.member_id_required:
            self._member_id = joined.member_id
            return None
        return joined if self._goes_on(joined) else None

    async def _sync(self, joined: Any) -> bool:
        m = messages.sync_group
        shares = self._shares(joined) if joined.leader == self._member_id else {}
        request = m.SyncGroupRequest(
            group_id=self.group.name,
            generation_id=self._generation,
            member_id=self._member_id,
            assignments=tuple(
                m.SyncGroupRequestAssignment(
                    member_id=member, assignment=json.dumps(share).encode()
                )
                for member, share in shares.items()
            ),
        )
        asked = time.monotonic()
        synced = await self._call(SYNC, 3, request)
        if not self._goes_on(synced):
            return False
        ledger = self.group.ledger
        ledger.joined(self.name, lives_until=asked + self.group.session_timeout_s)
        ledger.owns(self.name, json.loads(synced.assignment))
        return True

    def _shares(self, joined: Any) -> dict[str, list[int]]:
        """Every n-th partition for each of n members."""
        members = sorted(member.member_id for member in joined.members)
        partitions = range(self.group.ledger.partition_count)
        return {member: [*partitions[i :: len(members)]] for i, member in enumerate(members)}

    async def _beat(self) -> None:
        m = messages.heartbeat
        request = m.HeartbeatRequest(
            group_id=self.group.name, generation_id=self._generation, member_id=self._member_id
        )
        if not self._goes_on(await self._call(HEARTBEAT, 3, request)):
            await self._join()

    def _goes_on(self, response: Any) -> bool:
        """Whether it went well; otherwise the member is to join again.

        Raises:
            LostMembershipError: with another member id.
        """
        if response.error_code is ErrorCode.none:
            return True
        if response.error_code in COMES_AGAIN:
            return False
        assert response.error_code is ErrorCode.unknown_member_id, response
        self._member_id = ""
        raise LostMembershipError

    def _give_up(self) -> None:
        self.group.ledger.owns(self.name, ())

    async def _goodbye(self) -> None:
        m = messages.leave_group
        member = m.MemberIdentity(member_id=self._member_id)
        request = m.LeaveGroupRequest(group_id=self.group.name, members=(member,))
        await self._call(LEAVE, LEAVE_VERSION, request)
