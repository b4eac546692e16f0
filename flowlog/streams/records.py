"""The small values that user functions take and give: `fl.rec`, `fl.Tombstone`, `fl.Windowed`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")

Headers = Sequence[tuple[str, bytes | None]]


class Unset:
    """The type of a value that nobody gave; None is a value."""


UNSET: Final = Unset()
_KEEP: Final[Any] = UNSET


class Tombstone:
    """Returned by a function in place of a value: delete the key. Written as a null value."""


class Rec(Generic[K, V]):
    """A value together with what else of the record a function wants to set."""

    __slots__ = ("headers", "key", "timestamp_ms", "value")

    def __init__(self, value: V, key: K, timestamp_ms: int | None, headers: Headers | None) -> None:
        self.value = value
        self.key = key
        self.timestamp_ms = timestamp_ms
        self.headers = headers


def rec(
    value: V,
    *,
    key: K = _KEEP,
    timestamp: int | datetime | None = None,
    headers: Headers | None = None,
) -> Rec[K, V]:
    """A record to go on: what is not given stays as it came.

    A function that sets keys says so in its annotation: `-> fl.Rec[str, Order]`.
    """
    return Rec(value, key, None if timestamp is None else timestamp_ms_of(timestamp), headers)


def timestamp_ms_of(value: int | datetime) -> int:
    """Milliseconds since 1970; an int already is that.

    Raises:
        TypeError: neither an int nor a datetime.
    """
    if isinstance(value, int):
        return value
    if isinstance(value, datetime):
        return round(value.timestamp() * 1000)
    raise TypeError(f"a timestamp is an int (ms) or a datetime, not {type(value).__name__}")


@dataclass(frozen=True)
class Windowed(Generic[K]):
    """A key together with its window [start, end), in milliseconds since 1970.

    `end` is None where the reader does not know the window's size.
    """

    key: K
    start: int
    end: int | None = None
