"""What members ask of a KIP-848 group and what they hear, free of protocol versions."""

from __future__ import annotations

from typing import Final, NamedTuple

from kio.schema.errors import ErrorCode

from .member import Target
from .reconciling import Reported

NOT_GIVEN: Final = -1


class ConsumerHeartbeat(NamedTuple):
    """ConsumerGroupHeartbeat; None (of the timeout: -1) for what has not changed."""

    group_id: str
    member_id: str
    member_epoch: int
    client_id: str
    client_host: str
    instance_id: str | None = None
    rack_id: str | None = None
    rebalance_timeout_ms: int = NOT_GIVEN
    topics: frozenset[str] | None = None
    regex: str | None = None
    assignor: str | None = None
    owned: Reported | None = None

    @property
    def is_full(self) -> bool:
        """Whether it says everything anew: the member joins, or has lost an answer."""
        return self.member_epoch == 0 or (
            self.rebalance_timeout_ms != NOT_GIVEN
            and (self.topics is not None or self.regex is not None)
            and self.owned is not None
        )


class HeartbeatResult(NamedTuple):
    """The answer; `assignment` is None where it has not changed."""

    error: ErrorCode
    message: str | None = None
    member_id: str | None = None
    member_epoch: int = 0
    interval_ms: int = 0
    assignment: Target | None = None
