"""What every kind of member can do, and what a group of them is about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from tests.e2e.group_churn.ledger import Ledger


@dataclass(frozen=True, slots=True)
class Group:
    """The group that members join, and how they keep in touch."""

    bootstrap: str
    name: str
    topic: str
    ledger: Ledger
    session_timeout_s: float
    heartbeat_s: float
    rebalance_timeout_s: float = 10.0

    @property
    def session_timeout_ms(self) -> int:
        return round(self.session_timeout_s * 1000)

    @property
    def rebalance_timeout_ms(self) -> int:
        return round(self.rebalance_timeout_s * 1000)


class Member(Protocol):
    """One member of the group, from its start to its end."""

    async def run(self) -> None:
        """Join, and stay until `leave` or `die`."""

    async def leave(self) -> None:
        """Say goodbye; returns once it is over."""

    async def die(self) -> None:
        """Be gone without a word; returns once it is over."""
