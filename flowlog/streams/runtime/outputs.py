"""What tasks write, gathered per topic until the batch is done."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from flowlog.streams.records import Headers
from flowlog.streams.state.entry import ChangelogRow

OutRow = tuple[bytes | None, bytes | None, int, "Headers | None"]
"""Key, value, timestamp in ms, headers."""


class Sender(Protocol):
    """Where rows go: a Kafka producer, or the test driver's topics."""

    def send(self, topic: str, rows: Sequence[OutRow]) -> None:
        """Write rows; the partition follows from the key."""
        ...

    def send_to(self, topic: str, partition: int, rows: Sequence[ChangelogRow]) -> None:
        """Write rows to a partition."""
        ...


class Outputs:
    """Rows by topic, in the order in which they were made."""

    def __init__(self) -> None:
        self._rows: dict[str, list[OutRow]] = {}
        self._pinned: dict[tuple[str, int], list[ChangelogRow]] = {}

    def append_to(self, topic: str) -> Callable[[OutRow], Any]:
        """The function that adds a row for the topic; stays valid."""
        return self._rows.setdefault(topic, []).append

    def add_changelog(self, topic: str, partition: int, rows: list[ChangelogRow]) -> None:
        """Rows for one partition."""
        if rows:
            self._pinned.setdefault((topic, partition), []).extend(rows)

    def drain(self, sender: Sender) -> None:
        """Hand everything over."""
        for topic, rows in self._rows.items():
            if rows:
                sender.send(topic, rows)
                rows.clear()
        for (topic, partition), changes in self._pinned.items():
            sender.send_to(topic, partition, changes)
        self._pinned.clear()

    def discard(self) -> None:
        """Forget everything."""
        for rows in self._rows.values():
            rows.clear()
        self._pinned.clear()
