"""From a type to its serde."""

from __future__ import annotations

import types
import typing
from typing import Any, Final

from flowlog.streams.records import Windowed

from .basic import BYTES, FLOAT, INT, STR
from .serde import Serde
from .typed_json import json_serde
from .windowed import windowed_serde

_BASIC: Final[dict[Any, Serde[Any]]] = {str: STR, bytes: BYTES, int: INT, float: FLOAT}


def serde_for(value_type: Any) -> Serde[Any]:
    """The serde of a type, or the serde itself if one is given.

    Raises:
        ConfigError: the type has none.
    """
    if isinstance(value_type, Serde):
        return value_type
    value_type = without_none(value_type)
    if value_type in _BASIC:
        return _BASIC[value_type]
    if typing.get_origin(value_type) is Windowed:
        (key_type,) = typing.get_args(value_type)
        return windowed_serde(serde_for(key_type))
    return json_serde(value_type)


def without_none(value_type: Any) -> Any:
    """`X | None` as `X`: a null value is a tombstone, not a value of the type."""
    if typing.get_origin(value_type) not in (typing.Union, types.UnionType):
        return value_type
    arguments = typing.get_args(value_type)
    rest = [argument for argument in arguments if argument is not type(None)]
    if len(rest) == len(arguments):
        return value_type
    union = rest[0]
    for argument in rest[1:]:
        union = union | argument
    return union
