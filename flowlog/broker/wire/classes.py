"""Message classes: one per message and struct, with the fields of all versions.

Handlers see these and no version. A request of any version is read into its class, fields that
the version lacks have their default; a response writes the fields that the asked version has.
Every field has a default, so a caller names only what it means.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

from flowlog.broker.wire.retired import RETIRED_FIELD_VERSIONS
from flowlog.broker.wire.schema import (
    Direction,
    FieldSchema,
    StructSchema,
    message_schema,
    versions,
)

_Fields = dict[str, FieldSchema]


@cache
def message_classes(name: str, direction: Direction) -> Mapping[str, type[Any]]:
    """The classes of one message and its structs, by kio's class names.

    The message's own class comes last. Raises `KeyError` for a name kio does not know.
    """
    merged = fields_of_all_versions(name, direction)
    made: dict[str, type[Any]] = {}
    for struct_name, fields in merged.items():
        made[struct_name] = _make_class(struct_name, fields, made, f"{__name__}.{name}")
    return MappingProxyType(made)


def message_class(name: str, direction: Direction) -> type[Any]:
    """The class of the message itself; raises `KeyError` for a name kio does not know."""
    *_, last = message_classes(name, direction).values()
    return last


def fields_of_all_versions(
    name: str, direction: Direction
) -> Mapping[str, Mapping[str, FieldSchema]]:
    """Merge the fields that each struct has at any version, inner structs first."""
    merged: dict[str, _Fields] = {}
    newest = versions(name, direction)[-1]
    for version in (newest, *RETIRED_FIELD_VERSIONS.get((name, direction), ())):
        for struct in _inner_first(message_schema(name, version, direction)):
            fields = merged.setdefault(struct.name, {})
            for field in struct.fields:
                fields.setdefault(field.name, field)
    outermost = message_schema(name, newest, direction).name
    merged[outermost] = merged.pop(outermost)
    return merged


def _inner_first(struct: StructSchema) -> Iterator[StructSchema]:
    for field in struct.fields:
        if field.struct is not None:
            yield from _inner_first(field.struct)
    yield struct


def _make_class(
    struct_name: str, fields: Mapping[str, FieldSchema], made: Mapping[str, type[Any]], module: str
) -> type[Any]:
    made_class = dataclasses.make_dataclass(
        struct_name,
        [(field.name, Any, _class_field(field, made)) for field in fields.values()],
        slots=True,
        kw_only=True,
    )
    made_class.__module__ = module
    return made_class


def _class_field(field: FieldSchema, made: Mapping[str, type[Any]]) -> Any:
    if field.default_is_struct:
        assert field.struct is not None
        return dataclasses.field(default_factory=made[field.struct.name])
    return dataclasses.field(default=field.default)
