"""Who owns which partition, as the members themselves believe: two at once is a broken promise."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Iterable
from math import inf


class Ledger:
    """Ownership by partition; times are monotonic seconds. Any thread may write in it.

    An ownership ends when the member gives it up, or when the member has heard nothing of the
    coordinator for the session timeout and must take itself for dead.
    """

    def __init__(self, partition_count: int) -> None:
        self.partition_count = partition_count
        self.broken: list[str] = []
        self.gains = 0
        self._owners: dict[int, set[str]] = defaultdict(set)
        self._lives_until: dict[str, float] = {}
        self._lock = threading.Lock()

    def joined(self, member: str, *, lives_until: float = inf) -> None:
        """From now on the member may own something; until then, or as `heard` says."""
        with self._lock:
            self._lives_until[member] = lives_until

    def heard(self, member: str, *, lives_until: float) -> None:
        """The coordinator answered: the member's session lasts until then at least."""
        with self._lock:
            if member in self._lives_until:
                self._lives_until[member] = lives_until

    def gone(self, member: str) -> None:
        """The member left, or died, or knows that it is out of the group: it owns nothing."""
        with self._lock:
            self._lives_until.pop(member, None)
            for owners in self._owners.values():
                owners.discard(member)

    def owns(self, member: str, partitions: Iterable[int]) -> None:
        """All that the member works on from now on, and nothing else."""
        wanted = set(partitions)
        with self._lock:
            now = time.monotonic()
            for partition in range(self.partition_count):
                owners = self._owners[partition]
                if partition not in wanted:
                    owners.discard(member)
                elif member not in owners:
                    self._check(partition, member, owners, now)
                    owners.add(member)
                    self.gains += 1

    def _check(self, partition: int, member: str, owners: set[str], now: float) -> None:
        for other in sorted(owners):
            if self._lives_until.get(other, -inf) > now:
                self.broken.append(f"two owners: {member} got {partition} while {other} had it")

    def unsettled(self) -> list[int]:
        """Partitions that have not exactly one live owner at this moment."""
        with self._lock:
            now = time.monotonic()
            return [
                partition
                for partition in range(self.partition_count)
                if sum(self._lives_until.get(m, -inf) > now for m in self._owners[partition]) != 1
            ]

    def busy(self) -> set[str]:
        """The members that own something."""
        with self._lock:
            return set[str]().union(*self._owners.values())
