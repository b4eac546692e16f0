"""One piece of work for a group at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio


class GroupLocks:
    """A lock for each group that is being worked on."""

    def __init__(self) -> None:
        self._locks: dict[str, tuple[anyio.Lock, int]] = {}  # and how many have or want it

    @asynccontextmanager
    async def of(self, group_id: str) -> AsyncIterator[None]:
        """Hold the group's lock; who comes first has it first."""
        lock, users = self._locks.get(group_id, (anyio.Lock(), 0))
        self._locks[group_id] = lock, users + 1
        try:
            async with lock:
                yield
        finally:
            lock, users = self._locks.pop(group_id)
            if users > 1:
                self._locks[group_id] = lock, users - 1
