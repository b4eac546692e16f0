"""Child processes of `dev`, `demo` and `worker --processes`, and the events they cause.

Events arrive in one queue, which the main thread reads: what a child says, that it ended, that
files changed, that somebody asked to stop. Decisions are made there and nowhere else.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import IO, Final

from . import lifeline

STOP_SECONDS: Final = 15.0


@dataclass(frozen=True, slots=True)
class ChildLine:
    """A line that a child wrote to standard error, without its end."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class ChildExited:
    """A child ended; `child` tells it from an earlier one of the same name."""

    name: str
    exit_code: int
    child: Child


@dataclass(frozen=True, slots=True)
class FilesChanged:
    """Source files were saved."""

    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StopAsked:
    """Ctrl-C or SIGTERM."""


Event = ChildLine | ChildExited | FilesChanged | StopAsked
Events = SimpleQueue[Event]


class Child:
    """One `flowlog` command as a child process, in a process group of its own.

    Ctrl-C in a terminal goes to a whole process group; the children must not see it, so that the
    parent can stop them in order. They end with the parent all the same: see `lifeline`.
    """

    def __init__(
        self,
        name: str,
        arguments: Sequence[str],
        events: Events,
        *,
        remove_when_orphaned: Path | None = None,
        read_errors: bool = False,
        output: IO[bytes] | None = None,
    ) -> None:
        """Start it.

        Args:
            name: what events call it.
            arguments: of the `flowlog` command.
            events: where its end, and its error lines if `read_errors`, are announced.
            remove_when_orphaned: a folder that it deletes when the parent was killed.
            output: where its output and errors go; this process's own unless given.
        """
        self.name = name
        self._process = subprocess.Popen(
            # -P: a user's queue.py in the current folder must not stand in for Python's own.
            [sys.executable, "-P", "-m", "flowlog", *arguments],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.PIPE if read_errors else output,
            env={**os.environ, **lifeline.environment(remove=remove_when_orphaned)},
            start_new_session=True,
        )
        self._reader: threading.Thread | None = None
        if read_errors:
            self._reader = self._thread(self._read_errors, events)
        self._thread(self._wait, events)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._process.poll()

    def stop(self, timeout_s: float = STOP_SECONDS) -> None:
        """Ask it to end, wait, and kill it if it does not."""
        self.ask_to_stop()
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.kill()
        self._close()

    def ask_to_stop(self) -> None:
        """Send SIGTERM."""
        with suppress(ProcessLookupError):
            self._process.terminate()

    def kill(self) -> None:
        """End it now."""
        with suppress(ProcessLookupError):
            self._process.kill()
        self._process.wait()

    def _close(self) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()
        if self._reader is not None:
            self._reader.join(1)

    def _thread(self, function: object, events: Events) -> threading.Thread:
        assert callable(function)
        thread = threading.Thread(target=function, args=(events,), daemon=True)
        thread.start()
        return thread

    def _wait(self, events: Events) -> None:
        exit_code = self._process.wait()
        if self._reader is not None:
            self._reader.join(5)  # what it said last comes before its end
        events.put(ChildExited(self.name, exit_code, self))

    def _read_errors(self, events: Events) -> None:
        stream = self._process.stderr
        assert stream is not None
        with stream:
            for line in stream:
                events.put(ChildLine(self.name, line.decode("utf-8", "replace").rstrip("\r\n")))


@contextmanager
def stop_signals(events: Events) -> Iterator[None]:
    """While inside, Ctrl-C, SIGTERM and a closed terminal become `StopAsked` events."""

    def ask(_number: int, _frame: object) -> None:
        events.put(StopAsked())

    names = ("SIGINT", "SIGTERM", "SIGHUP")
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    before = {number: signal.signal(number, ask) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
