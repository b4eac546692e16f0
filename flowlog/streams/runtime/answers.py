"""What tables answer, and how a question names a time."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from flowlog.errors import ConfigError
from flowlog.streams.durations import to_ms


@dataclass(frozen=True, slots=True)
class Answer:
    """A key's value as bytes, its timestamp in ms, and where it was found."""

    value: bytes
    timestamp_ms: int
    partition: int = -1
    position: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WindowAnswer:
    """A window [start, end) in ms of a key."""

    start_ms: int
    end_ms: int
    value: bytes
    timestamp_ms: int
    is_closed: bool


def since_ms(since: int | str | timedelta | None, now_ms: int) -> int:
    """The earliest start asked for, in ms since 1970.

    `"-1h"` is before now; an int, or a text of digits, is ms; ISO 8601 is itself; None is all.

    Raises:
        ConfigError: it cannot be read.
    """
    if since is None:
        return 0
    if isinstance(since, timedelta):
        return now_ms - abs(to_ms(abs(since)))
    if isinstance(since, int):
        return since if since >= 0 else now_ms + since
    if since.startswith("-"):
        return now_ms - to_ms(since[1:])
    if since.isdigit():
        return int(since)
    try:
        return round(datetime.fromisoformat(since).timestamp() * 1000)
    except ValueError:
        raise ConfigError(
            f"{since!r} is not a time", hint='as in "-1h" or 2026-01-05T12:00Z'
        ) from None
