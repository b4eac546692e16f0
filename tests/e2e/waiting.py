"""Waiting on what a broker does in its own time: by condition and deadline, never by sleeping."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from tests.e2e.clients.model import Incoming, Member, Partition

DEADLINE_S = 30.0
_TURN_S = 0.1


def poll_until(
    members: Iterable[Member], reached: Callable[[], bool], *, what: str
) -> list[Incoming]:
    """Poll every member in turn until `reached`; return what arrived on the way.

    All of them must be polled: a member that is not polled does not take part in a rebalance.
    """
    members = list(members)
    found: list[Incoming] = []
    deadline = time.monotonic() + DEADLINE_S
    while not reached():
        if time.monotonic() > deadline:
            owned = [sorted(member.assignment()) for member in members]
            raise TimeoutError(f"not {what} within {DEADLINE_S} s; members own {owned}")
        for member in members:
            found.extend(member.poll(_TURN_S))
    return found


def poll_records(member: Member, count: int) -> list[Incoming]:
    """Poll one member until `count` records arrived; all that came are returned."""
    found: list[Incoming] = []
    deadline = time.monotonic() + DEADLINE_S
    while len(found) < count:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{len(found)} of {count} records arrived")
        found.extend(member.poll(_TURN_S))
    return found


def wait_until(reached: Callable[[], bool], *, what: str) -> None:
    """Ask again and again, with a short pause so as not to keep the broker busy."""
    deadline = time.monotonic() + DEADLINE_S
    while not reached():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not {what} within {DEADLINE_S} s")
        time.sleep(0.05)


def shared_fairly(members: Iterable[Member], partitions: Iterable[Partition]) -> bool:
    """Whether the members own all of `partitions`, each exactly one owner, none idle."""
    owned = [member.assignment() for member in members]
    total = [partition for assignment in owned for partition in assignment]
    return all(owned) and sorted(total) == sorted(partitions)
