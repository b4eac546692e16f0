"""Directories of deleted logs: out of the way at once, removed after `file.delete.delay.ms`."""

from __future__ import annotations

from flowlog.broker.storage.directory_names import deleted_name
from flowlog.broker.storage.files import Files
from flowlog.clock import Clock


class DeletedLogs:
    """What waits to be removed; what a stop leaves of it goes at the next start."""

    def __init__(self, files: Files, clock: Clock) -> None:
        self._files = files
        self._clock = clock
        self._to_remove: list[tuple[int, str]] = []

    def add(self, directory: str, *, delay_ms: int) -> None:
        """Rename a log's directory, if it was ever made, and note when to remove it."""
        if not self._files.exists(directory):
            return
        root, _, name = directory.rpartition("/")
        attempt = 0
        while self._files.exists(deleted := f"{root}/{deleted_name(name, attempt)}"):
            attempt += 1
        self._files.rename(directory, deleted)
        self._to_remove.append((self._clock.monotonic_ms() + delay_ms, deleted))

    def remove_due(self) -> int:
        """Remove those whose delay is over; how many."""
        now_ms = self._clock.monotonic_ms()
        due = [path for due_ms, path in self._to_remove if due_ms <= now_ms]
        self._to_remove = [row for row in self._to_remove if row[0] > now_ms]
        for path in due:
            self._files.remove_dir(path)
        return len(due)
