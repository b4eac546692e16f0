"""A topic as the app declares it."""

from __future__ import annotations

import typing
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Generic, TypeVar

from flowlog.errors import ConfigError
from flowlog.streams.records import timestamp_ms_of
from flowlog.streams.serdes.basic import STR
from flowlog.streams.serdes.serde import Serde

K = TypeVar("K")
V = TypeVar("V")

TimestampOf = Callable[[Any], int]


class Topic(Generic[K, V]):
    """A topic with the types of its keys and values.

    `key_serde` is None where the app did not say what the keys are: they are then taken as they
    come, and shown as text. `timestamp_of` is None where a record's own timestamp counts.
    """

    def __init__(
        self,
        name: str,
        *,
        key_serde: Serde[Any] | None,
        value_serde: Serde[Any],
        timestamp_of: TimestampOf | None = None,
        partitions: int | None = None,
        config: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self.key_serde = key_serde
        self.value_serde = value_serde
        self.timestamp_of = timestamp_of
        self.partitions = partitions
        self.config = dict(config or {})

    def __repr__(self) -> str:
        return f"<topic {self.name}>"

    @property
    def key_serde_or_text(self) -> Serde[Any]:
        """How keys are read for people and functions."""
        return self.key_serde or STR


def timestamp_reader(ts: str | Callable[[Any], Any] | None, value_type: Any) -> TimestampOf | None:
    """From `ts=` to a function of the value to milliseconds.

    Raises:
        ConfigError: the type has no such field.
    """
    if ts is None:
        return None
    if callable(ts):
        read = ts
        return lambda value: timestamp_ms_of(read(value))
    return _field_reader(ts, value_type)


def _field_reader(field: str, value_type: Any) -> TimestampOf:
    try:
        hints = typing.get_type_hints(value_type)
    except (NameError, TypeError):
        hints = {}
    if hints and field not in hints and not hasattr(value_type, field):
        raise ConfigError(f"{value_type.__name__} has no field {field!r} to take the time from")
    kind = hints.get(field)
    if typing.is_typeddict(value_type) or typing.get_origin(value_type) is dict:
        return lambda value: timestamp_ms_of(value[field])
    if kind is int:
        return lambda value: int(getattr(value, field))
    if kind is datetime:
        return lambda value: round(getattr(value, field).timestamp() * 1000)
    return lambda value: timestamp_ms_of(getattr(value, field))
