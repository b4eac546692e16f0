"""Finding the type that a key function gives, from the type that it takes.

`lambda click: click.page` has no annotations. Called with a probe in place of a click it gives back
a sample of the field's type, and its type is the type of the key. A function for which a probe is
not good enough gives no answer; then the caller must be told the type.
"""

from __future__ import annotations

import typing
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any, Final

from flowlog.streams.records import UNSET

_SAMPLES: Final[dict[Any, Any]] = {
    str: "0",
    bytes: b"0",
    int: 1,
    float: 1.0,
    bool: True,
    datetime: datetime(2000, 1, 1, tzinfo=UTC),
    date: date(2000, 1, 1),
}
"""Values that stand for their types, so that what a function computes with them has a type too."""


class Probe:
    """Stands for a value of a type: its fields are probes of the fields' types."""

    __slots__ = ("_type",)

    def __init__(self, value_type: Any) -> None:
        self._type = value_type

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        field_type = _field_type(self._type, name)
        if field_type is UNSET:
            raise AttributeError(name)
        return _stand_in(field_type)

    def __getitem__(self, item: Any) -> Any:
        if typing.is_typeddict(self._type):
            return _stand_in(_hints(self._type)[item])
        arguments = typing.get_args(self._type)
        if typing.get_origin(self._type) is tuple and Ellipsis not in arguments:
            return _stand_in(arguments[item])
        if typing.get_origin(self._type) is dict:
            return _stand_in(arguments[1])
        raise TypeError(item)


def _stand_in(value_type: Any) -> Any:
    return _SAMPLES[value_type] if value_type in _SAMPLES else Probe(value_type)


def key_type_of(function: Callable[..., Any], argument_type: Any) -> Any:
    """The type that the function gives for an argument of the type; UNSET if it cannot be told."""
    try:
        result = function(_stand_in(argument_type))
    except Exception:  # the user's function met something that is no real value
        return UNSET
    return _type_of(result)


def _type_of(result: Any) -> Any:
    if isinstance(result, Probe):
        return result._type
    if isinstance(result, tuple):
        parts = [_type_of(part) for part in result]
        return UNSET if UNSET in parts else tuple[tuple(parts)]  # type: ignore[misc]
    return type(result) if type(result) in _SAMPLES else UNSET


def _field_type(value_type: Any, name: str) -> Any:
    hints = _hints(value_type)
    if name in hints:
        return hints[name]
    attribute = getattr(value_type, name, None)
    if isinstance(attribute, property) and attribute.fget is not None:
        return _hints(attribute.fget).get("return", UNSET)
    return UNSET


def _hints(described: Any) -> dict[str, Any]:
    try:
        return typing.get_type_hints(described)
    except (NameError, TypeError):
        return {}
