"""`ClassicMember`: one member of a classic group, and what it is waiting for."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass

from flowlog.broker.coordinator.decision import Reply

from ..requests import JoinResult, Protocol, SyncResult


@dataclass(slots=True, eq=False)
class ClassicMember:
    """Times in milliseconds; deadlines on the monotonic clock.

    A member that awaits a join or a sync keeps its session without heartbeats. Only a new one can
    run out even then: it has no member id yet that it could send heartbeats with, so a parked
    join of a client that has gone would otherwise stay for ever.
    """

    member_id: str
    group_instance_id: str | None
    client_id: str
    client_host: str
    rebalance_timeout_ms: int
    session_timeout_ms: int
    protocols: tuple[Protocol, ...]
    assignment: bytes = b""
    is_new: bool = False
    join_reply: Reply[JoinResult] | None = None
    sync_reply: Reply[SyncResult] | None = None
    session_deadline_ms: int | None = None

    @property
    def is_static(self) -> bool:
        return self.group_instance_id is not None

    @property
    def keeps_its_session(self) -> bool:
        """Whether it may miss its deadline, because it is waiting for us."""
        return not self.is_new and (self.join_reply is not None or self.sync_reply is not None)

    def metadata(self, protocol_name: str) -> bytes:
        """What it says about itself under that protocol, which it must support."""
        for protocol in self.protocols:
            if protocol.name == protocol_name:
                return protocol.metadata
        raise AssertionError(f"{self.member_id} does not support {protocol_name}")

    def vote(self, candidates: Set[str]) -> str:
        """The first of its protocols that is among the candidates; there must be one."""
        return next(protocol.name for protocol in self.protocols if protocol.name in candidates)
