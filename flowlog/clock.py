"""Where time comes from: an argument, so that tests and the simulator can set it."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Two times: the calendar's for what is stored, a steady one for deadlines."""

    def now_ms(self) -> int:
        """Milliseconds since 1970 in UTC; may jump when somebody sets the machine's clock."""
        ...

    def monotonic_ms(self) -> int:
        """Milliseconds since an arbitrary moment; never goes back. For timeouts and sessions."""
        ...


class SystemClock:
    """The machine's clocks."""

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def monotonic_ms(self) -> int:
        return time.monotonic_ns() // 1_000_000
