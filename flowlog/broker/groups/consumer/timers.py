"""What is soft about the members of a KIP-848 group: until when we wait for what."""

from __future__ import annotations

import enum
from typing import Final, NamedTuple


class Waiting(enum.Enum):
    """What a member is expected to do; values say why it is removed when it does not."""

    SESSION = "its session ended without a heartbeat"
    REVOCATION = "it did not give up partitions within its rebalance timeout"
    JOIN = "it did not rejoin within its rebalance timeout"  # classic members only, as is SYNC
    SYNC = "it did not sync within its rebalance timeout"


NOT_SESSION: Final = (Waiting.REVOCATION, Waiting.JOIN, Waiting.SYNC)


class Overdue(NamedTuple):
    """A member that did not do what it was expected to do."""

    member_id: str
    waiting: Waiting


class Timers:
    """Deadlines on the monotonic clock, in milliseconds."""

    def __init__(self) -> None:
        self.sessions: dict[str, int] = {}
        self._others: dict[tuple[str, Waiting], int] = {}

    def start(self, member_id: str, waiting: Waiting, deadline_ms: int) -> None:
        """Wait until then; a session is extended, other waits run from their first start."""
        if waiting is Waiting.SESSION:
            self.sessions[member_id] = deadline_ms
        else:
            self._others.setdefault((member_id, waiting), deadline_ms)

    def stop(self, member_id: str, waiting: Waiting) -> None:
        self._others.pop((member_id, waiting), None)

    def wait_for_session_only(self, member_id: str) -> None:
        """Of a member that goes: its session runs on, in case its removal cannot be written."""
        for waiting in NOT_SESSION:
            self._others.pop((member_id, waiting), None)

    def forget(self, member_id: str) -> None:
        self.sessions.pop(member_id, None)
        self.wait_for_session_only(member_id)

    def next_deadline_ms(self) -> int | None:
        return min((*self.sessions.values(), *self._others.values()), default=None)

    def overdue(self, now_ms: int) -> Overdue | None:
        """One member whose time is up, the one that was due first."""
        due = [
            (deadline_ms, Overdue(member_id, Waiting.SESSION))
            for member_id, deadline_ms in self.sessions.items()
            if deadline_ms <= now_ms
        ]
        due += [
            (deadline_ms, Overdue(*key))
            for key, deadline_ms in self._others.items()
            if deadline_ms <= now_ms
        ]
        return min(due, key=lambda row: (row[0], row[1].member_id), default=(0, None))[1]
