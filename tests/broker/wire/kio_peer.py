"""kio's own writer and reader, as the peer to agree with; honest bytes only."""

from __future__ import annotations

import dataclasses
import io
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from kio.serial import entity_reader, entity_writer
from kio.serial._introspect import classify_field

from flowlog.broker.wire.schema import Direction, kio_class

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def to_kio(message: Any, kio_struct: Any) -> Any:
    """The same message in kio's class for one version."""
    return kio_struct(
        **{
            field.name: _to_kio_value(_ours(message, field.name), field)
            for field in dataclasses.fields(kio_struct)
        }
    )


def _ours(message: Any, kio_name: str) -> Any:
    return getattr(message, kio_name if hasattr(message, kio_name) else kio_name + "_ms")


def _to_kio_value(value: Any, field: dataclasses.Field[Any]) -> Any:
    kind = field.metadata.get("kafka_type", "struct")
    if value is None:
        return None
    if kind.startswith("timedelta"):
        return timedelta(milliseconds=value)
    if kind == "datetime_i64":
        return None if value == -1 else _EPOCH + timedelta(milliseconds=value)
    if kind != "struct":
        return value
    found = classify_field(field)
    if found.is_array:
        return tuple(to_kio(element, found.type_) for element in value)
    return to_kio(value, found.type_)


def kio_write(kio_message: Any) -> bytes:
    buffer = io.BytesIO()
    entity_writer(type(kio_message))(buffer, kio_message)
    return buffer.getvalue()


def kio_read(name: str, version: int, direction: Direction, data: bytes) -> Any:
    message, size = entity_reader(kio_class(name, version, direction))(data, 0)
    assert size == len(data)
    return message
