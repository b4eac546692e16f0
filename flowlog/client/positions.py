"""Places in a log as people write them: `start`, `end`, `-100`, `@2026-11-22T12:00`, `42`.

Parsing is pure and takes the current time; `resolve` asks the brokers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Final

from flowlog.errors import ConfigError

from .cluster import Cluster
from .offsets import OffsetRange, Partition, offset_ranges, offsets_for_time

_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d|w)")
_UNIT_MS: Final[Mapping[str, int]] = {
    "ms": 1,
    "s": 1000,
    "m": 60_000,
    "h": 3_600_000,
    "d": 86_400_000,
    "w": 604_800_000,
}
_LAST_MS: Final = 253_402_300_799_999
_FORMS: Final = (
    "start, end, an offset, -100, or @TIME as in @2026-11-22T12:00, @-1h, @1763812800000"
)


class Anchor(Enum):
    """What a position's number counts from."""

    START = "start"
    END = "end"
    OFFSET = "offset"
    TIME = "time"
    SHIFT = "shift"


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a partition.

    `number` is an offset (OFFSET), a timestamp in ms (TIME) or a distance in records (SHIFT): from
    the end when a log is read, from the committed offset when a group is reset.
    """

    anchor: Anchor
    number: int = 0


def parse_position(text: str, *, now_ms: int) -> Position:
    """Read a position; a time without a zone is the machine's local time.

    Raises:
        ConfigError: none of the forms fits.
    """
    if text in ("start", "beginning", "earliest"):
        return Position(Anchor.START)
    if text in ("end", "latest"):
        return Position(Anchor.END)
    if text.startswith("@"):
        return Position(Anchor.TIME, parse_time(text[1:], now_ms=now_ms))
    if re.fullmatch(r"[+-]\d+", text):
        return Position(Anchor.SHIFT, int(text))
    if text.isascii() and text.isdigit():
        return Position(Anchor.OFFSET, int(text))
    raise ConfigError(f"{text!r} is not a position", hint=f"use {_FORMS}")


def parse_time(text: str, *, now_ms: int) -> int:
    """Milliseconds since 1970 of `now`, `-1h30m`, ISO 8601 or a number of milliseconds.

    Raises:
        ConfigError: none of the forms fits.
    """
    if text == "now":
        return now_ms
    if text.startswith("-"):
        return now_ms - parse_duration(text[1:])
    if text.isascii() and text.isdigit() and len(text) >= 10:
        return int(text)
    try:
        return round(datetime.fromisoformat(text).timestamp() * 1000)
    except (ValueError, OverflowError, OSError):
        raise ConfigError(f"{text!r} is not a time", hint=f"use {_FORMS}") from None


def parse_duration(text: str) -> int:
    """Milliseconds of `90s`, `1h30m`, `250ms`.

    Raises:
        ConfigError: anything else.
    """
    parts = _DURATION.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ConfigError(f"{text!r} is not a duration", hint="as in 90s, 1h30m, 250ms, 7d")
    return round(sum(float(number) * _UNIT_MS[unit] for number, unit in parts))


def format_time(timestamp_ms: int) -> str:
    """ISO 8601 in UTC with milliseconds; "" without a timestamp, the number beyond year 9999."""
    if timestamp_ms < 0:
        return ""
    if timestamp_ms > _LAST_MS:
        return str(timestamp_ms)
    moment = datetime.fromtimestamp(timestamp_ms // 1000, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{timestamp_ms % 1000:03d}Z"


def place(position: Position, bounds: OffsetRange, *, shift_from: int) -> int:
    """The offset of a position that is not a time, held within the bounds."""
    match position.anchor:
        case Anchor.START:
            return bounds.start
        case Anchor.END:
            return bounds.end
        case Anchor.OFFSET:
            wanted = position.number
        case Anchor.SHIFT:
            wanted = shift_from + position.number
        case Anchor.TIME:
            raise AssertionError("times are looked up by the brokers")
    return max(bounds.start, min(wanted, bounds.end))


def resolve(
    cluster: Cluster,
    position: Position,
    partitions: Iterable[Partition],
    *,
    shift_from: Mapping[Partition, int] | None = None,
) -> dict[Partition, int]:
    """Each partition's offset for the position, held within what is readable.

    `shift_from` is what a SHIFT counts from where given, and the end where not.
    """
    wanted = tuple(partitions)
    if position.anchor is Anchor.TIME:
        return offsets_for_time(cluster, wanted, position.number)
    ranges = offset_ranges(cluster, wanted)
    bases = shift_from or {}
    return {
        partition: place(position, bounds, shift_from=bases.get(partition, bounds.end))
        for partition, bounds in ranges.items()
    }
