"""What a message looks like at one version, as plain data taken from kio's class definitions.

kio has one dataclass per message and version. Their fields' names, types, tags and defaults are
the only thing flowlog takes from them: no kio reader ever sees a byte (its native reader trusts
lengths). Modules are imported when a version is first asked for, because importing all of them
costs over a second.

Where kio's Python types cost a checked call per value, flowlog has plain ones: durations and
times of day are `int` milliseconds, in fields that end in `_ms` as Kafka's own schemas name them.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pkgutil import resolve_name
from types import NoneType, UnionType
from typing import Any, Final, Literal, get_args, get_origin

from kio.schema.errors import ErrorCode
from kio.schema.index import schema_name_map
from kio.static.constants import EntityType

Direction = Literal["request", "response", "data"]

STRUCT: Final = "struct"
"""The kind of a field that holds another struct; all other kinds are kio's `kafka_type`."""

_MILLISECOND_KINDS: Final = frozenset({"timedelta_i32", "timedelta_i64", "datetime_i64"})
_NULL_TIMESTAMP_MS: Final = -1


@dataclass(frozen=True, slots=True)
class FieldSchema:
    """One field of a struct at one version.

    `is_nullable` speaks of the array where the field is one, else of the value. A UUID is never
    nullable on the wire: all zeroes stand for `None`.
    """

    name: str
    kind: str
    is_array: bool
    is_nullable: bool
    tag: int | None
    default: Any
    struct: StructSchema | None

    @property
    def default_is_struct(self) -> bool:
        """Whether a missing value means a struct of defaults rather than a plain value."""
        return self.kind == STRUCT and not self.is_array and not self.is_nullable


@dataclass(frozen=True, slots=True)
class StructSchema:
    """A message, or a struct inside one, at one version."""

    name: str
    version: int
    is_flexible: bool
    fields: tuple[FieldSchema, ...]


def versions(name: str, direction: Direction) -> tuple[int, ...]:
    """The versions kio knows of a message, ascending; raises `KeyError` for an unknown name."""
    kind = EntityType[direction]
    return tuple(sorted(v for v, kinds in schema_name_map[name].items() if kind in kinds))


def directions(name: str) -> tuple[Direction, ...]:
    """The directions a message has: request and response for an API, data for the others."""
    kinds = {kind for by_kind in schema_name_map[name].values() for kind in by_kind}
    found: tuple[Direction, ...] = ("request", "response", "data")
    return tuple(direction for direction in found if EntityType[direction] in kinds)


def kio_class(name: str, version: int, direction: Direction) -> Any:
    """Import kio's class; raises `KeyError` when there is no such message or version."""
    return resolve_name(schema_name_map[name][version][EntityType[direction]])


@cache
def message_schema(name: str, version: int, direction: Direction) -> StructSchema:
    """Describe a message at one version; raises `KeyError` when there is none."""
    return _describe(kio_class(name, version, direction))


def _describe(kio_struct: Any) -> StructSchema:
    return StructSchema(
        name=kio_struct.__name__,
        version=kio_struct.__version__,
        is_flexible=kio_struct.__flexible__,
        fields=tuple(_describe_field(field) for field in dataclasses.fields(kio_struct)),
    )


def _describe_field(field: dataclasses.Field[Any]) -> FieldSchema:
    value_type, is_nullable = _without_none(field.type)
    is_array = get_origin(value_type) is tuple
    if is_array:
        value_type, _ = _without_none(get_args(value_type)[0])
    struct = _describe(value_type) if dataclasses.is_dataclass(value_type) else None
    kind = STRUCT if struct else field.metadata["kafka_type"]
    return FieldSchema(
        name=_field_name(field.name, kind),
        kind=kind,
        is_array=is_array,
        is_nullable=is_nullable and (is_array or kind not in ("uuid", "datetime_i64")),
        tag=field.metadata.get("tag"),
        default=_default(field.default, kind, is_array=is_array, is_nullable=is_nullable),
        struct=struct,
    )


def _without_none(declared: Any) -> tuple[Any, bool]:
    if get_origin(declared) is not UnionType:
        return declared, False
    (inner,) = (part for part in get_args(declared) if part is not NoneType)
    return inner, True


def _field_name(kio_name: str, kind: str) -> str:
    if kind in _MILLISECOND_KINDS and not kio_name.endswith("_ms"):
        return kio_name + "_ms"
    return kio_name


def _default(declared: Any, kind: str, *, is_array: bool, is_nullable: bool) -> Any:
    """The value a field has when nobody gives one: the schema's default, else zero or empty.

    A nullable array without a default is empty, since null often means "all"; any other nullable
    field without a default is `None`.
    """
    if isinstance(declared, timedelta):
        return declared // timedelta(milliseconds=1)
    if kind == "datetime_i64":
        return _datetime_default_ms(declared)
    if declared is not dataclasses.MISSING:
        return _plain(declared)
    if is_array:
        return ()
    return None if is_nullable else _ZERO_VALUES.get(kind)


def _datetime_default_ms(declared: Any) -> int:
    if isinstance(declared, datetime):
        return round(declared.timestamp() * 1000)
    return _NULL_TIMESTAMP_MS if declared is None else 0


def _plain(declared: Any) -> Any:
    """kio's phantom integers and strings as Python's own, structs as None (see `classes`)."""
    return None if dataclasses.is_dataclass(declared) else declared


_ZERO_VALUES: Final[dict[str, Any]] = {
    "bool": False,
    "float64": 0.0,
    "string": "",
    "bytes": b"",
    "records": b"",
    "uuid": None,
    "error_code": ErrorCode.none,
    STRUCT: None,
    **dict.fromkeys(
        ("int8", "int16", "int32", "int64", "uint16", "timedelta_i32", "timedelta_i64"), 0
    ),
}
