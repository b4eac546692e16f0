"""`Run`: neighbouring records of a share partition that have had the same fate so far."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from ..persister import ACKNOWLEDGED, ARCHIVED, AVAILABLE, StateBatch

ACQUIRED: Final = 1
"""Delivered and locked; the one state that is never written."""

FINAL: Final = frozenset({ACKNOWLEDGED, ARCHIVED})
"""No record leaves these states."""

NO_CHANGE: Final = 0


@dataclass(slots=True)
class Run:
    """Records from `first` to `last`, both inclusive.

    Attributes:
        together: how many records were first delivered together, which is the size from which
            deliveries shrink once a record among them keeps failing.
        member_id, locked_until_ms: whose they are, and until when (monotonic), while ACQUIRED.
        change, outcome: the acknowledgement that is being written, and the state that it makes of
            the records once that is done. NO_CHANGE: there is none.
    """

    first: int
    last: int
    state: int
    delivery_count: int
    together: int
    member_id: str = ""
    locked_until_ms: int = 0
    change: int = NO_CHANGE
    outcome: int = AVAILABLE

    def __len__(self) -> int:
        return self.last - self.first + 1

    @property
    def is_available(self) -> bool:
        return self.state == AVAILABLE

    @property
    def is_final(self) -> bool:
        return self.state in FINAL

    @property
    def is_free(self) -> bool:
        """Acquired, and no acknowledgement is on its way: a lock that may be taken away."""
        return self.state == ACQUIRED and self.change == NO_CHANGE

    @property
    def was_delivered(self) -> bool:
        """False for what is no record at all: gaps, markers, aborted records."""
        return self.delivery_count > 0

    def split(self, offset: int) -> Run:
        """Cut off, and return, the part from `offset` on."""
        assert self.first < offset <= self.last, (self, offset)
        rest = replace(self, first=offset)
        self.last = offset - 1
        return rest

    def acquire(self, member_id: str, locked_until_ms: int) -> None:
        assert self.state == AVAILABLE, self
        self.state = ACQUIRED
        self.delivery_count += 1
        self.member_id, self.locked_until_ms = member_id, locked_until_ms

    def settle(self, state: int) -> None:
        """Leave ACQUIRED, or be archived as what is not there any more."""
        assert not self.is_final, (self, state)
        self.state = state
        self.member_id, self.locked_until_ms = "", 0
        self.change, self.outcome = NO_CHANGE, AVAILABLE

    def may_join(self, after: Run) -> bool:
        """Whether this and the next run may be one from now on."""
        if self.state != after.state or self.state == ACQUIRED:
            return False
        if self.is_final:
            return self.was_delivered == after.was_delivered
        return self.delivery_count == after.delivery_count and self.together == after.together

    def batch(self, state: int) -> StateBatch:
        """What is written of the records once they are in that state."""
        return StateBatch(self.first, self.last, state, self.delivery_count)
