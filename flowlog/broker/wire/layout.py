"""How many bytes each kind of field takes, at least or always; shared by readers and writers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from flowlog.broker.wire.schema import STRUCT, FieldSchema, StructSchema

FIXED_FORMATS: Final[Mapping[str, str]] = {
    "bool": "?",
    "int8": "b",
    "int16": "h",
    "uint16": "H",
    "int32": "i",
    "int64": "q",
    "float64": "d",
    "error_code": "h",
    "timedelta_i32": "i",
    "timedelta_i64": "q",
    "datetime_i64": "q",
    "uuid": "16s",
}
"""Kinds that take the same number of bytes always, as `struct` formats (big-endian)."""

_FORMAT_BYTES: Final[Mapping[str, int]] = {
    "?": 1,
    "b": 1,
    "h": 2,
    "H": 2,
    "i": 4,
    "q": 8,
    "d": 8,
    "16s": 16,
}
_LEGACY_LENGTH_BYTES: Final[Mapping[str, int]] = {"string": 2, "bytes": 4, "records": 4}
_LEGACY_COUNT_BYTES: Final = 4


def fixed_bytes(kind: str) -> int:
    """The size in bytes of a kind in `FIXED_FORMATS`."""
    return _FORMAT_BYTES[FIXED_FORMATS[kind]]


def least_struct_bytes(struct: StructSchema) -> int:
    """The fewest bytes that can encode the struct; at least 1 for every struct of Kafka's."""
    fields = sum(
        _least_field_bytes(field, is_flexible=struct.is_flexible)
        for field in struct.fields
        if field.tag is None
    )
    return fields + 1 if struct.is_flexible else fields


def least_element_bytes(field: FieldSchema, *, is_flexible: bool) -> int:
    """The fewest bytes that can encode one element of the array `field`; at least 1.

    Readers multiply it with an array's count before they believe the count.
    """
    least = _least_value_bytes(field, is_flexible=is_flexible)
    assert least >= 1, f"elements of {field.name} may take no bytes: their count is unbounded"
    return least


def _least_field_bytes(field: FieldSchema, *, is_flexible: bool) -> int:
    if field.is_array:
        return 1 if is_flexible else _LEGACY_COUNT_BYTES
    if field.kind == STRUCT and field.is_nullable:
        return 1
    return _least_value_bytes(field, is_flexible=is_flexible)


def _least_value_bytes(field: FieldSchema, *, is_flexible: bool) -> int:
    if field.struct is not None:
        return least_struct_bytes(field.struct)
    if field.kind in FIXED_FORMATS:
        return fixed_bytes(field.kind)
    return 1 if is_flexible else _LEGACY_LENGTH_BYTES[field.kind]
