"""Keeps several workers running: what to do when one ends is a small, pure policy."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from .children import Child, ChildExited, Events, StopAsked
from .dev_session import wait_event
from .exits import ExitCode

FIRST_PAUSE_S: Final = 1.0
LONGEST_PAUSE_S: Final = 30.0
SETTLED_S: Final = 60.0
MOST_RESTARTS: Final = 5

# Starting again cannot help: the arguments or the app's definition are wrong.
_HOPELESS: Final = frozenset({int(ExitCode.USAGE), int(ExitCode.AUTH)})


@dataclass
class RestartPolicy:
    """How one worker is restarted: after 1, 2, 4 ... 30 s, at most 5 times in a row.

    A worker that ran for a minute has settled: its count starts anew.
    """

    failures: int = 0

    def pause_s(self, exit_code: int, *, ran_s: float) -> float | None:
        """Seconds to wait before starting it again, or None to give up."""
        if exit_code in _HOPELESS:
            return None
        self.failures = 1 if ran_s >= SETTLED_S else self.failures + 1
        if self.failures > MOST_RESTARTS:
            return None
        return float(min(FIRST_PAUSE_S * 2 ** (self.failures - 1), LONGEST_PAUSE_S))


@dataclass
class _Slot:
    """One of the workers: its process, when it started, when it is due to start again."""

    number: int
    child: Child | None = None
    started_s: float = 0.0
    due_s: float = 0.0
    policy: RestartPolicy = field(default_factory=RestartPolicy)


class Supervisor:
    """Starts the workers, starts again those that fail, ends when asked or when one is hopeless."""

    def __init__(
        self,
        start: Callable[[int], Child],
        count: int,
        events: Events,
        *,
        say: Callable[[str], None],
    ) -> None:
        self._start = start
        self._slots = [_Slot(number) for number in range(count)]
        self._events = events
        self._say = say

    def run(self) -> int:
        """Serve until SIGTERM, Ctrl-C, or all workers ended well; return the exit code."""
        try:
            for slot in self._slots:
                self._launch(slot)
            return self._serve()
        finally:
            self._stop_all()

    def _serve(self) -> int:
        while any(slot.child is not None or slot.due_s for slot in self._slots):
            event = wait_event(self._events, 0.5)
            if isinstance(event, StopAsked):
                return ExitCode.OK
            if isinstance(event, ChildExited):
                exit_code = self._ended(event)
                if exit_code is not None:
                    return exit_code
            self._launch_due()
        return ExitCode.OK

    def _ended(self, event: ChildExited) -> int | None:
        """Plan the restart; an exit code gives up."""
        slot = next(slot for slot in self._slots if slot.child is event.child)
        slot.child = None
        if event.exit_code == 0:
            return None
        pause_s = slot.policy.pause_s(event.exit_code, ran_s=time.monotonic() - slot.started_s)
        if pause_s is None:
            self._say(f"{event.name} ended with {event.exit_code}; giving up")
            return event.exit_code if event.exit_code > 0 else ExitCode.FAILED
        self._say(f"{event.name} ended with {event.exit_code}; starting it again in {pause_s:g} s")
        slot.due_s = time.monotonic() + pause_s
        return None

    def _launch_due(self) -> None:
        for slot in self._slots:
            if slot.due_s and time.monotonic() >= slot.due_s:
                self._launch(slot)

    def _launch(self, slot: _Slot) -> None:
        slot.due_s = 0.0
        slot.started_s = time.monotonic()
        slot.child = self._start(slot.number)

    def _stop_all(self) -> None:
        running = [slot.child for slot in self._slots if slot.child is not None]
        for child in running:
            child.ask_to_stop()
        for child in running:
            child.stop()
