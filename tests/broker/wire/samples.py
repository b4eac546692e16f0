"""Messages to test with: drawn ones, filled ones, and hostile bytes made from the schemas alone."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, Final

from hypothesis import strategies as st
from kio.schema.errors import ErrorCode
from kio.schema.index import schema_name_map

from flowlog.broker.wire.classes import fields_of_all_versions, message_classes
from flowlog.broker.wire.layout import FIXED_FORMATS, fixed_bytes
from flowlog.broker.wire.schema import (
    STRUCT,
    Direction,
    FieldSchema,
    StructSchema,
    directions,
    message_schema,
    versions,
)
from flowlog.broker.wire.writing import uvarint

MESSAGES: Final[list[tuple[str, Direction]]] = [
    (name, direction) for name in schema_name_map for direction in directions(name)
]
"""Every API's request and response, and every data message."""


def examples(count: int) -> int:
    """How many examples to try: multiplied by the environment variable FLOWLOG_EXAMPLES."""
    return max(1, round(count * float(os.environ.get("FLOWLOG_EXAMPLES", "1"))))


def schemas(name: str, direction: Direction) -> Iterator[StructSchema]:
    """The message at each of its versions."""
    for version in versions(name, direction):
        yield message_schema(name, version, direction)


_YEAR_9000_SECONDS: Final = 221_845_392_000

_VALUES: Final[dict[str, st.SearchStrategy[Any]]] = {
    "bool": st.booleans(),
    "int8": st.integers(-(2**7), 2**7 - 1),
    "int16": st.integers(-(2**15), 2**15 - 1),
    "uint16": st.integers(0, 2**16 - 1),
    "int32": st.integers(-(2**31), 2**31 - 1),
    "int64": st.integers(-(2**63), 2**63 - 1),
    "float64": st.floats(allow_nan=False, allow_infinity=False),
    "error_code": st.sampled_from(ErrorCode),
    "timedelta_i32": st.integers(-(2**31), 2**31 - 1),
    "timedelta_i64": st.integers(-(2**40), 2**40),
    "datetime_i64": st.integers(0, _YEAR_9000_SECONDS).map(lambda seconds: seconds * 1000),
    # kio goes through floats for datetimes and i64 timedeltas
    "uuid": st.none() | st.uuids().filter(lambda value: value.int != 0),
    "string": st.text(max_size=6) | st.just("é" * 100),
    "bytes": st.binary(max_size=6) | st.just(bytes(200)),
    "records": st.binary(max_size=6) | st.just(bytes(20_000)),
}


@cache
def drawn(name: str, direction: Direction) -> st.SearchStrategy[Any]:
    """Messages with a value in every field that any version has."""
    built: dict[str, st.SearchStrategy[Any]] = {}
    for struct_name, fields in fields_of_all_versions(name, direction).items():
        made = message_classes(name, direction)[struct_name]
        built[struct_name] = st.builds(made, **{f.name: _value(f, built) for f in fields.values()})
    return built[struct_name]


def _value(field: FieldSchema, built: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[Any]:
    value = built[field.struct.name] if field.struct else _VALUES[field.kind]
    if field.is_array:
        value = st.lists(value, max_size=2).map(tuple)
    return st.none() | value if field.is_nullable else value


def as_read(message: Any, schema: StructSchema) -> Any:
    """What reading gives back after writing at a version: fields it lacks have their defaults."""
    known = {f.name: _value_as_read(getattr(message, f.name), f) for f in schema.fields}
    return type(message)(**known)


def _value_as_read(value: Any, field: FieldSchema) -> Any:
    if value is None and not field.is_nullable and field.kind != "uuid":
        return () if field.is_array else ""
    if value is None or field.struct is None:
        return value
    if field.is_array:
        return tuple(as_read(element, field.struct) for element in value)
    return as_read(value, field.struct)


_FILLED: Final[dict[str, Any]] = {
    "bool": True,
    "string": "topic",
    "bytes": b"bytes",
    "records": b"records",
    "error_code": ErrorCode.unknown_server_error,
    "float64": 1.5,
}


def filled(name: str, direction: Direction, schema: StructSchema) -> Any:
    """A message with something in every field, two elements in every array."""
    return _filled(message_classes(name, direction), schema)


def _filled(classes: Any, schema: StructSchema) -> Any:
    values = {}
    for field in schema.fields:
        if field.struct is not None:
            value = _filled(classes, field.struct)
        else:
            value = None if field.kind == "uuid" else _FILLED.get(field.kind, 3)
        values[field.name] = (value, value) if field.is_array else value
    return classes[schema.name](**values)


_TELLING_BYTES: Final = (0, 1, 2, 32, 127, 128, 254, 255)


def damaged(data: bytes, rng: random.Random) -> bytes:
    """The bytes with one to three of them changed, removed or put in, and maybe cut short."""
    result = bytearray(data)
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(result) + 1)
        how = rng.choice(("set", "set", "count", "remove", "insert", "fill"))
        if how == "insert" or at == len(result):
            result.insert(at, rng.choice(_TELLING_BYTES))
        elif how == "remove":
            del result[at]
        elif how == "fill":
            result[at : at + 4] = bytes((255, 255, 255, rng.choice(_TELLING_BYTES)))
        elif how == "count":
            result[at] = (result[at] + rng.choice((-1, 1))) % 256
        else:
            result[at] = rng.choice(_TELLING_BYTES)
    return bytes(result[: rng.randrange(len(result) + 1)] if rng.random() < 0.2 else result)


Wrap = Callable[[bytes], bytes]
"""Puts bytes where a certain array, or a struct's tags, stand in a message; what follows them in
the message is missing, since a reader that believes them never gets there."""


def array_sites(struct: StructSchema, wrap: Wrap = bytes) -> Iterator[tuple[FieldSchema, Wrap]]:
    """Where each array of a message stands, also the arrays inside arrays and tags."""
    for field, site in _field_sites(struct, wrap):
        if field.is_array:
            yield field, site
        if field.struct is not None:
            yield from array_sites(field.struct, _inside(field, site, struct.is_flexible))


def tag_sites(struct: StructSchema, wrap: Wrap = bytes) -> Iterator[Wrap]:
    """Where the tags of each struct of a message stand."""
    for field, site in _field_sites(struct, wrap):
        if field.struct is not None:
            yield from tag_sites(field.struct, _inside(field, site, struct.is_flexible))
    if struct.is_flexible:
        before = b"".join(_least(f, is_flexible=True) for f in struct.fields if f.tag is None)
        yield lambda payload: wrap(before + payload)


def _field_sites(struct: StructSchema, wrap: Wrap) -> Iterator[tuple[FieldSchema, Wrap]]:
    before = b""
    for field in struct.fields:
        if field.tag is None:
            yield field, lambda payload, before=before: wrap(before + payload)
            before += _least(field, is_flexible=struct.is_flexible)
    for field in struct.fields:
        if field.tag is not None:
            head = before + b"\x01" + uvarint(field.tag)
            yield field, lambda value, head=head: wrap(head + uvarint(len(value)) + value)


def _inside(field: FieldSchema, site: Wrap, is_flexible: bool) -> Wrap:
    if field.is_array:
        one = b"\x02" if is_flexible else b"\x00\x00\x00\x01"
        return lambda payload: site(one + payload)
    if field.is_nullable:
        return lambda payload: site(b"\x01" + payload)
    return site


def least_encoding(struct: StructSchema) -> bytes:
    """The shortest encoding of a struct: zeroes, empty values and nulls."""
    fields = (_least(f, is_flexible=struct.is_flexible) for f in struct.fields if f.tag is None)
    return b"".join(fields) + (b"\x00" if struct.is_flexible else b"")


def least_element(field: FieldSchema, *, is_flexible: bool) -> bytes:
    """The shortest encoding of one element of an array."""
    if field.struct is not None:
        return least_encoding(field.struct)
    if field.kind in FIXED_FORMATS:
        return bytes(fixed_bytes(field.kind))
    if is_flexible:
        return b"\x01"
    return bytes(2 if field.kind == "string" else 4)


def _least(field: FieldSchema, *, is_flexible: bool) -> bytes:
    if field.is_array:
        return b"\x01" if is_flexible else bytes(4)
    if field.kind == STRUCT and field.is_nullable:
        return b"\xff"
    return least_element(field, is_flexible=is_flexible)
