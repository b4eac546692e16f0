"""Where the picture goes: redrawn in place on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Final, Self

from rich.console import Console
from rich.live import Live

from .board import Board
from .month import airline_names
from .screen import Progress, line, screen

LINE_EVERY_S: Final = 2.0


class Display:
    """A context manager; `show` may be called as often as one likes."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, auto_refresh=False) if console.is_terminal else None
        self._airlines = airline_names()
        self._next_line_s = 0.0

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def show(self, progress: Progress, board: Board) -> None:
        """Draw the picture; elsewhere print a line when the last one is old enough."""
        if self._live is not None:
            self._live.update(screen(progress, board, self._airlines), refresh=True)
        elif time.monotonic() >= self._next_line_s:
            self._next_line_s = time.monotonic() + LINE_EVERY_S
            self.say(line(progress, board))

    def say(self, text: str) -> None:
        """Print a line that stays."""
        self._console.print(text, soft_wrap=True, highlight=False, markup=False)
