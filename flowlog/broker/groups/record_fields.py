"""The fields of the records of `__consumer_offsets`; they are those of all coordinators."""

from __future__ import annotations

from flowlog.broker.coordinator.record_fields import (
    FieldReader,
    compact_bytes,
    compact_nullable_string,
    compact_string,
    nullable_string,
    sized_bytes,
    string,
    uvarint,
)

__all__ = [
    "FieldReader",
    "compact_bytes",
    "compact_nullable_string",
    "compact_string",
    "nullable_string",
    "sized_bytes",
    "string",
    "uvarint",
]
