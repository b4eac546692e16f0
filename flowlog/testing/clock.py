"""Clocks that a test moves, or that follow the event loop's virtual time."""

from __future__ import annotations

from typing import Final

import anyio

EPOCH_MS: Final = 1_700_000_000_000  # an arbitrary moment in 2023


class ManualClock:
    """Time stands still until `advance`."""

    def __init__(self, now_ms: int = 0) -> None:
        self._now_ms = now_ms

    def now_ms(self) -> int:
        return EPOCH_MS + self._now_ms

    def monotonic_ms(self) -> int:
        return self._now_ms

    def advance(self, by_ms: int) -> None:
        assert by_ms >= 0, "time does not go back"
        self._now_ms += by_ms


class EventLoopClock:
    """The event loop's own time; under trio's MockClock a `sleep` moves it at no cost."""

    def now_ms(self) -> int:
        return EPOCH_MS + self.monotonic_ms()

    def monotonic_ms(self) -> int:
        # Rounded, not cut: a sleep until 3000 ms must not wake at 2999.
        return round(anyio.current_time() * 1000)
