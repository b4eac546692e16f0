"""Durations as people write them, in milliseconds."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Final

from flowlog.errors import ConfigError

Duration = str | int | timedelta
"""`"1m"`, `"90s"`, `"1h30m"`; an int is milliseconds."""

_UNIT_MS: Final = {
    "ms": 1,
    "s": 1000,
    "m": 60_000,
    "h": 3_600_000,
    "d": 86_400_000,
    "w": 604_800_000,
}
_PART: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d|w)")


def to_ms(duration: Duration) -> int:
    """The duration in milliseconds, not negative.

    Raises:
        ConfigError: it cannot be read, or is negative.
    """
    if isinstance(duration, timedelta):
        duration_ms = round(duration.total_seconds() * 1000)
    elif isinstance(duration, int):
        duration_ms = duration
    else:
        duration_ms = _parse(duration)
    if duration_ms < 0:
        raise ConfigError(f"duration {duration!r} is negative")
    return duration_ms


def _parse(text: str) -> int:
    compact = text.strip().replace(" ", "")
    parts = _PART.findall(compact)
    if not parts or "".join(number + unit for number, unit in parts) != compact:
        raise ConfigError(f"{text!r} is not a duration", hint='as in "500ms", "30s", "1h30m", "7d"')
    return round(sum(float(number) * _UNIT_MS[unit] for number, unit in parts))
