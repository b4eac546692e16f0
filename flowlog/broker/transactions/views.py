"""What people are shown of transactions, and how they choose among them (KIP-664, KIP-994)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from .states import FOREIGN_LABELS, LABELS
from .transaction import Transaction


class TransactionView(NamedTuple):
    """A transactional id and its transaction."""

    transactional_id: str
    transaction: Transaction


class Filters(NamedTuple):
    """Which transactions are wanted; empty or None: all."""

    states: frozenset[str] = frozenset()
    producer_ids: frozenset[int] = frozenset()
    longer_than_ms: int | None = None
    matches: Callable[[str], bool] | None = None
    """What the transactional id has to be like."""

    def accepts(self, view: TransactionView, now_ms: int) -> bool:
        """Whether it is wanted; of one that never began, nobody knows how long it takes."""
        transaction = view.transaction
        return (
            (not self.producer_ids or transaction.producer_id in self.producer_ids)
            and (not self.states or transaction.state.label in self.states)
            and (
                self.longer_than_ms is None or now_ms - transaction.started_ms > self.longer_than_ms
            )
            and (self.matches is None or self.matches(view.transactional_id))
        )


def unknown_states(names: Iterable[str]) -> list[str]:
    """The names that are no state's, each once, in their order."""
    known = {*LABELS.values(), *FOREIGN_LABELS}
    return [name for name in dict.fromkeys(names) if name not in known]
