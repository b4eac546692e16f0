"""JSON for every type that msgspec knows: dataclasses, Structs, TypedDicts, attrs, lists, dicts.

A pydantic model is written and read by its own methods.
"""

from __future__ import annotations

import datetime
import enum
import typing
import uuid
from typing import Any, Final

from flowlog.errors import ConfigError

from .serde import Serde

_IMMUTABLE: Final = (bool, datetime.date, datetime.time, datetime.timedelta, uuid.UUID, enum.Enum)


def json_serde(value_type: Any) -> Serde[Any]:
    """The JSON serde of a type.

    Raises:
        ConfigError: neither msgspec nor the type itself knows how to write and read it.
    """
    if hasattr(value_type, "model_validate_json"):
        return _pydantic(value_type)
    import msgspec
    import msgspec.inspect

    try:
        if isinstance(msgspec.inspect.type_info(value_type), msgspec.inspect.CustomType):
            raise TypeError("it has no fields that are known")
        decoder = msgspec.json.Decoder(value_type)
    except (TypeError, NameError) as error:
        raise ConfigError(
            f"{type_name(value_type)} cannot be written as JSON: {error}",
            hint="use a dataclass, a msgspec.Struct, a TypedDict, or bytes",
        ) from None
    encoder = msgspec.json.Encoder()
    return Serde(
        f"json:{type_name(value_type)}",
        value_type,
        encoder.encode,
        decoder.decode,
        is_immutable=isinstance(value_type, type) and issubclass(value_type, _IMMUTABLE),
    )


def _pydantic(model: Any) -> Serde[Any]:
    return Serde(
        f"json:{type_name(model)}",
        model,
        lambda value: value.model_dump_json().encode(),
        model.model_validate_json,
    )


def type_name(value_type: Any) -> str:
    """A type's name for people and for comparing serdes."""
    if isinstance(value_type, type) and typing.get_origin(value_type) is None:
        return value_type.__qualname__.rpartition("<locals>.")[2]
    return str(value_type).replace("typing.", "")
