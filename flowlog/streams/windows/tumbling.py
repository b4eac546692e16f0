"""Tumbling windows: fixed size, side by side, aligned to 1970. Arithmetic on integers only.

A record at `t` belongs to the one window [start, start + size) with start <= t. The window takes
records while `end + grace > stream time` and is closed from then on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from flowlog.errors import ConfigError
from flowlog.streams.durations import Duration, to_ms

DAY_MS: Final = 86_400_000


@dataclass(frozen=True, slots=True)
class TumblingWindow:
    """Size, grace and retention of a table's windows, in milliseconds.

    Retention is how long a window can be asked for, counted in stream time from its start; never
    less than size + grace.
    """

    size_ms: int
    grace_ms: int = 0
    retention_ms: int = DAY_MS

    def __post_init__(self) -> None:
        if self.size_ms <= 0:
            raise ConfigError("a window's size is more than 0")

    @property
    def wait_ms(self) -> int:
        """From a window's start to its close."""
        return self.size_ms + self.grace_ms

    def start_of(self, timestamp_ms: int) -> int:
        """The start of the window that the timestamp belongs to."""
        return timestamp_ms - timestamp_ms % self.size_ms

    def is_closed(self, start_ms: int, stream_time_ms: int) -> bool:
        """Whether the window takes no more records."""
        return start_ms + self.wait_ms <= stream_time_ms

    def is_expired(self, start_ms: int, stream_time_ms: int) -> bool:
        """Whether the window may be forgotten."""
        return start_ms + self.retention_ms <= stream_time_ms


def tumbling(
    size: Duration, *, grace: Duration = 0, retention: Duration | None = None
) -> TumblingWindow:
    """Windows of one size, side by side.

    Args:
        size: "1m" or milliseconds.
        grace: how long after a window's end, in stream time, records are still taken.
        retention: how long windows can be asked for; a day unless size + grace is longer.

    Raises:
        ConfigError: a duration that cannot be read, a size of 0, a retention below size + grace.
    """
    size_ms, grace_ms = to_ms(size), to_ms(grace)
    if retention is None:
        return TumblingWindow(size_ms, grace_ms, max(DAY_MS, size_ms + grace_ms))
    retention_ms = to_ms(retention)
    if retention_ms < size_ms + grace_ms:
        raise ConfigError(
            f"retention {retention!r} is shorter than size + grace",
            hint=f"at least {size_ms + grace_ms} ms",
        )
    return TumblingWindow(size_ms, grace_ms, retention_ms)
