"""What `ShardRuntime` asks of a coordinator's pure machine; groups and transactions provide it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, TypeVar

from .commit_log import LogEntry
from .decision import Decision, Now

Rec = TypeVar("Rec")


class Machine(Protocol[Rec]):
    """The state of one shard. Only `replay` changes what is durable, live and at load alike."""

    def encode(self, record: Rec) -> LogEntry:
        """The bytes of a record for the log."""
        ...

    def decode(self, entry: LogEntry) -> Rec | None:
        """The record in those bytes; None for a kind that this version does not know.

        Raises:
            ValueError: the bytes are not what their version says.
        """
        ...

    def replay(self, record: Rec) -> None:
        """Apply a record that is in the log."""
        ...

    def on_loaded(self, now: Now) -> None:
        """The whole log has been replayed: take up what is not durable (sessions, timers)."""
        ...

    def on_unloaded(self) -> None:
        """The shard is served elsewhere from now on: answer whoever is parked."""
        ...

    def next_deadline_ms(self) -> int | None:
        """When `on_time` next has work, on the monotonic clock."""
        ...

    def on_time(self, now: Now) -> Iterable[Decision[None, Rec]]:
        """Decide what the passing of time asks for. Each decision is written before the next."""
        ...
