"""The churn itself: a random member comes, leaves or dies; in the end the group must come to rest."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import anyio
from anyio.abc import TaskGroup

from tests.e2e.group_churn.member import Group, Member

REST_S: Final = 5.0
"""A group must be stable so long after its last change."""
PRESENT: Final = 0.8
"""About so many of the places are taken, once a while has passed."""
_LOOK_S: Final = 0.02


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of member, and how it goes."""

    make: Callable[[Group, str], Member]
    dies: bool = False
    leaving_unnoticed_s: float = 0.0
    death_unnoticed_s: float = 0.0
    """So long the coordinator may take to notice that one is gone."""


@dataclass(slots=True)
class Churned:
    """What came of it."""

    changes: int
    gains: int
    rest_s: float | None
    """From the last change until every partition had one owner; None if that took too long."""
    broken: list[str]


class Churn:
    """`member_count` places, each taken or empty."""

    def __init__(self, group: Group, kind: Kind, *, member_count: int, rng: random.Random) -> None:
        self._group = group
        self._kind = kind
        self._rng = rng
        self._places: list[Member | None] = [None] * member_count
        self._names = 0
        self._changes = 0
        self._last_change_s = 0.0

    async def run(self, seconds: float, *, pause_s: float) -> Churned:
        """Change something about every `pause_s` for so many seconds, and wait for rest."""
        async with anyio.create_task_group() as tasks:
            for place in range(len(self._places)):
                self._join(place, tasks)
            ends_s = time.monotonic() + seconds
            while time.monotonic() < ends_s:
                await self._change(tasks)
                await anyio.sleep(self._rng.expovariate(1 / pause_s))
            rest_s = await self._rest()
            broken = self._unsettled(rest_s)
            async with anyio.create_task_group() as leaving:
                for member in self._places:
                    if member is not None:
                        leaving.start_soon(member.leave)
        ledger = self._group.ledger
        return Churned(self._changes, ledger.gains, rest_s, ledger.broken + broken)

    async def _change(self, tasks: TaskGroup) -> None:
        empty = [place for place, member in enumerate(self._places) if member is None]
        comes = len(empty) / len(self._places) / (1 - PRESENT) / 2
        if self._rng.random() < comes:
            self._join(self._rng.choice(empty), tasks)
            return
        place = self._rng.choice([p for p, member in enumerate(self._places) if member is not None])
        member, self._places[place] = self._places[place], None
        assert member is not None
        if self._kind.dies and self._rng.random() < 0.5:
            await member.die()
            self._changed(self._kind.death_unnoticed_s)
        else:
            tasks.start_soon(self._leave, member)

    def _join(self, place: int, tasks: TaskGroup) -> None:
        self._names += 1
        member = self._places[place] = self._kind.make(self._group, f"member-{self._names}")
        tasks.start_soon(member.run)
        self._changed()

    async def _leave(self, member: Member) -> None:
        await member.leave()
        self._changed(self._kind.leaving_unnoticed_s)

    def _changed(self, noticed_after_s: float = 0.0) -> None:
        self._changes += 1
        self._last_change_s = max(self._last_change_s, time.monotonic() + noticed_after_s)

    async def _rest(self) -> float | None:
        """How long after the last change each partition had one owner, and that remained so."""
        ledger, settled_s = self._group.ledger, None
        while time.monotonic() < self._last_change_s + REST_S:
            if ledger.unsettled():
                settled_s = None
            elif settled_s is None:
                settled_s = time.monotonic()
            await anyio.sleep(_LOOK_S)
        return None if settled_s is None else max(0.0, settled_s - self._last_change_s)

    def _unsettled(self, rest_s: float | None) -> list[str]:
        if rest_s is not None:
            return []
        return [f"not stable {REST_S:g} s after the last change: {self._group.ledger.unsettled()}"]
