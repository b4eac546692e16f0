"""Where a share group begins in a partition that it has not consumed yet: share.auto.offset.reset.

Source: `ShareGroupAutoOffsetResetStrategy` in apache/kafka; `Duration.parse` of Java.
"""

from __future__ import annotations

import enum
import re
from typing import Final, NamedTuple

from flowlog.errors import ConfigError

_BY_DURATION: Final = "by_duration:"
_DURATION: Final = re.compile(
    r"P(?:(?P<days>\d+)D)?"
    r"(?:T(?=\d)(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+)(?:\.(?P<part>\d{1,9}))?S)?)?",
    re.IGNORECASE | re.ASCII,
)


class ResetKind(enum.Enum):
    """Values are the setting's words."""

    EARLIEST = "earliest"
    LATEST = "latest"
    BY_DURATION = "by_duration"


class ShareReset(NamedTuple):
    """The place to begin; `duration_ms` before now where it is BY_DURATION."""

    kind: ResetKind
    duration_ms: int = 0


def parse_share_reset(text: str) -> ShareReset:
    """The place that the setting names.

    Raises:
        ConfigError: it names none.
    """
    word = text.strip()
    if word in (ResetKind.EARLIEST.value, ResetKind.LATEST.value):
        return ShareReset(ResetKind(word))
    if word.startswith(_BY_DURATION):
        duration_ms = _milliseconds(word.removeprefix(_BY_DURATION))
        if duration_ms is not None:
            return ShareReset(ResetKind.BY_DURATION, duration_ms)
    raise ConfigError(
        f"share.auto.offset.reset: {text!r} is not earliest, latest or by_duration:<ISO 8601>",
        hint="an hour before now is by_duration:PT1H",
    )


def _milliseconds(text: str) -> int | None:
    """Of an ISO 8601 duration in days or less; None: it is none."""
    found = _DURATION.fullmatch(text)
    if found is None or len(text) < len("PT0S") - 1:
        return None
    days, hours, minutes, seconds = (
        int(found[name] or 0) for name in ("days", "hours", "minutes", "seconds")
    )
    part_ms = int((found["part"] or "").ljust(3, "0")[:3])
    return (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000 + part_ms
