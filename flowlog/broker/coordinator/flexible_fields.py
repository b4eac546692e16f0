"""The compound fields of Kafka's flexible record formats: versioned values, arrays, tagged fields.

Source: the protocol guide; KIP-482.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, TypeVar
from uuid import UUID

from .record_fields import FieldReader, uvarint

T = TypeVar("T")

VERSION_0: Final = b"\x00\x00"
NO_TAGS: Final = b"\x00"


def value_of_version_0(data: bytes) -> FieldReader:
    """The fields behind the version. Raises `ValueError` for any version but 0."""
    fields = FieldReader(data)
    version = fields.int16()
    if version != 0:
        raise ValueError(f"a record's value of version {version}")
    return fields


def integer(value: int, size: int) -> bytes:
    """Signed, of that many bytes."""
    return value.to_bytes(size, "big", signed=True)


def to_integer(data: bytes) -> int:
    return int.from_bytes(data, "big", signed=True)


def tagged(number: int, data: bytes) -> bytes:
    """The tagged fields of a struct that has just this one."""
    return b"\x01" + uvarint(number) + uvarint(len(data)) + data


def array(items: Iterable[T], encode: Callable[[T], bytes]) -> bytes:
    encoded = [encode(item) for item in items]
    return uvarint(len(encoded) + 1) + b"".join(encoded)


def int32s(values: Iterable[int]) -> bytes:
    return array(values, lambda value: integer(value, 4))


def read_array(fields: FieldReader, decode: Callable[[FieldReader], T]) -> list[T]:
    return [decode(fields) for _ in range(fields.array_count(compact=True))]


def read_int32s(fields: FieldReader) -> list[int]:
    return read_array(fields, lambda f: f.int32())


def topic_partitions(topic_id: UUID, partitions: Iterable[int]) -> bytes:
    """A topic's id and some of its partitions, in their order."""
    return topic_id.bytes + int32s(sorted(partitions)) + NO_TAGS


def read_topic_partitions(fields: FieldReader) -> tuple[UUID, list[int]]:
    found = UUID(bytes=fields.raw(16)), read_int32s(fields)
    fields.tags()
    return found
