"""Share sessions (KIP-932): a member names its partitions once, and is known by a growing epoch.

Pure. A session ends with the member's last request (epoch -1), its connection, or its membership;
what the member holds is released then.

Source: `ShareSessionCache`, `SharePartitionManager.newContext` in apache/kafka.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple
from uuid import UUID

from kio.schema.errors import ErrorCode

from flowlog.errors import KafkaError

INITIAL_EPOCH: Final = 0
FINAL_EPOCH: Final = -1
EPOCH_MAX: Final = 2**31 - 1


class TopicPartition(NamedTuple):
    """A partition by its topic's id."""

    topic_id: UUID
    partition: int


class ShareSession:
    """What one member of one group fetches. `is_closed`: nothing may be given to it any more."""

    __slots__ = ("_partitions", "connection", "epoch", "group_id", "is_closed", "member_id")

    def __init__(self, group_id: str, member_id: str, connection: object) -> None:
        self.group_id = group_id
        self.member_id = member_id
        self.connection = connection
        self.epoch = INITIAL_EPOCH + 1  # what the next request must carry
        self.is_closed = False
        self._partitions: dict[TopicPartition, None] = {}

    def update(self, added: Iterable[TopicPartition], gone: Iterable[TopicPartition] = ()) -> None:
        self._partitions.update(dict.fromkeys(added))
        for partition in gone:
            self._partitions.pop(partition, None)

    def advance(self) -> None:
        """A request of the expected epoch came in; after the last epoch comes the first again."""
        self.epoch = self.epoch + 1 if self.epoch < EPOCH_MAX else INITIAL_EPOCH + 1

    def partitions(self) -> list[TopicPartition]:
        """In the order in which they were named."""
        return list(self._partitions)

    def in_turn(self) -> list[TopicPartition]:
        """In an order that begins elsewhere in each epoch, so that none is starved."""
        partitions = list(self._partitions)
        if not partitions:
            return partitions
        begin = self.epoch % len(partitions)
        return partitions[begin:] + partitions[:begin]


class ShareSessions:
    """Every share session of this broker, by group and member."""

    def __init__(self, sessions_max: int) -> None:
        self._sessions_max = sessions_max
        self._sessions: dict[tuple[str, str], ShareSession] = {}

    def __len__(self) -> int:
        return len(self._sessions)

    def open(
        self,
        group_id: str,
        member_id: str,
        connection: object,
        partitions: Sequence[TopicPartition],
    ) -> ShareSession:
        """Begin anew; an older session of the member is over, though not what it holds.

        Raises:
            KafkaError: SHARE_SESSION_LIMIT_REACHED.
        """
        key = group_id, member_id
        old = self._sessions.pop(key, None)
        if old is not None:
            old.is_closed = True
        if len(self._sessions) >= self._sessions_max:
            raise KafkaError(ErrorCode.share_session_limit_reached)
        session = self._sessions[key] = ShareSession(group_id, member_id, connection)
        session.update(partitions)
        return session

    def go_on(self, group_id: str, member_id: str, epoch: int) -> ShareSession:
        """The session of a request that is neither its first nor its last.

        Raises:
            KafkaError: SHARE_SESSION_NOT_FOUND, INVALID_SHARE_SESSION_EPOCH.
        """
        session = self.find(group_id, member_id)
        if session.epoch != epoch:
            raise KafkaError(ErrorCode.invalid_share_session_epoch)
        session.advance()
        return session

    def find(self, group_id: str, member_id: str) -> ShareSession:
        """The member's session; raises KafkaError SHARE_SESSION_NOT_FOUND."""
        session = self._sessions.get((group_id, member_id))
        if session is None:
            raise KafkaError(ErrorCode.share_session_not_found)
        return session

    def close(self, session: ShareSession) -> None:
        """It is over; does nothing if it is already."""
        session.is_closed = True
        key = session.group_id, session.member_id
        if self._sessions.get(key) is session:
            del self._sessions[key]

    def close_of_member(self, group_id: str, member_id: str) -> ShareSession | None:
        """The member is gone; what was its session, if it had one."""
        session = self._sessions.get((group_id, member_id))
        if session is not None:
            self.close(session)
        return session

    def close_of_connection(self, connection: object) -> list[ShareSession]:
        """The client's connection is lost; what were its sessions."""
        closed = [s for s in self._sessions.values() if s.connection is connection]
        for session in closed:
            self.close(session)
        return closed
