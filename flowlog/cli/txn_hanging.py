"""Which open transactions hang: nobody will ever end them, and committed readers stand still.

Pure. A coordinator that knows of a partition will end the transaction there, by time if nothing
else; one that does not know of it never will.
Source: FindHangingTransactionsCommand in apache/kafka, tools.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from .txn_views import Description, ProducerState


class Hanging(NamedTuple):
    """An open transaction that nobody will end; the transactional id, if it is still known."""

    state: ProducerState
    transactional_id: str | None


def still_open(found: Iterable[Hanging], producers: Iterable[ProducerState]) -> list[Hanging]:
    """Those that are open yet, as asked afterwards: others ended while coordinators were asked."""
    now = {(state.partition, state.producer_id, state.start_offset) for state in producers}
    return [
        one
        for one in found
        if (one.state.partition, one.state.producer_id, one.state.start_offset) in now
    ]


def old_enough(
    producers: Iterable[ProducerState], *, now_ms: int, max_timeout_ms: int
) -> list[ProducerState]:
    """Those with a transaction that has been silent for longer than any may take."""
    return [
        state
        for state in producers
        if state.start_offset is not None and now_ms - state.last_timestamp_ms > max_timeout_ms
    ]


def hanging(
    candidates: Iterable[ProducerState], find: Callable[[int], Description | None]
) -> Iterator[Hanging]:
    """Those of the candidates that no coordinator knows of; `find` looks a producer id up."""
    known: dict[int, Description | None] = {}
    for state in candidates:
        if state.producer_id not in known:
            known[state.producer_id] = find(state.producer_id)
        description = known[state.producer_id]
        if description is None:
            yield Hanging(state, None)
        elif state.partition not in description.partitions:
            yield Hanging(state, description.transactional_id)
