"""Compile a writer for one message at one version.

Each struct becomes one function `write_<struct>(out, message)` that appends to a `bytearray`.
Neighbouring fields of fixed size are packed in one go.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import groupby
from struct import Struct, pack
from typing import Any, Final

from flowlog.broker.wire import writing
from flowlog.broker.wire.layout import FIXED_FORMATS
from flowlog.broker.wire.schema import STRUCT, FieldSchema, StructSchema
from flowlog.broker.wire.source import Source, identifier

Writer = Callable[[bytearray, Any], None]
Merged = Mapping[str, Mapping[str, FieldSchema]]

_HELPERS: Final[Mapping[str, Any]] = {
    name: value for name, value in vars(writing).items() if not name.startswith("_")
} | {"pack": pack}
_EMPTY_VALUES: Final[Mapping[str, str]] = {"string": "''", "bytes": "b''", "records": "b''"}
_NULL_STRUCT: Final = 0xFF
_PRESENT_STRUCT: Final = 0x01


def compile_writer(
    schema: StructSchema, merged: Merged, classes: Mapping[str, type[Any]], title: str
) -> Writer:
    """Compile the writer of a message.

    Args:
        merged: the fields of all versions by struct and name; see `null` in `_WriterSource`.
        classes: the structs' classes, by name.
        title: what tracebacks call the source.
    """
    source = Source(**_HELPERS)
    _WriterSource(source, merged, classes).write_struct(schema)
    writer: Writer = source.compiled(title)[f"write_{schema.name}"]
    return writer


class _WriterSource:
    """Writes the source of writers; one per message, so that each struct comes once.

    Where a newer version can say null and the asked one cannot, null is written as empty: that is
    what the older versions meant by it (JoinGroup's `protocol_name`, "all topics" in Metadata 0).
    """

    def __init__(self, source: Source, merged: Merged, classes: Mapping[str, type[Any]]) -> None:
        self._source = source
        self._merged = merged
        self._classes = classes
        self._written: set[str] = set()

    def write_struct(self, struct: StructSchema) -> None:
        if struct.name in self._written:
            return
        self._written.add(struct.name)
        for field in struct.fields:
            if field.struct is not None:
                self.write_struct(field.struct)
        with self._source.block(f"def write_{identifier(struct.name)}(out, message)"):
            self._write_fields(struct)
            if struct.is_flexible:
                self._write_tagged_fields([f for f in struct.fields if f.tag is not None])
            self._source.line("return None")

    def _write_fields(self, struct: StructSchema) -> None:
        untagged = [field for field in struct.fields if field.tag is None]
        for is_fixed, run in groupby(untagged, key=_is_fixed):
            if is_fixed:
                self._write_fixed_run(list(run))
                continue
            for field in run:
                self._source.line(f"value = message.{identifier(field.name)}")
                if self._merged[struct.name][field.name].is_nullable and not field.is_nullable:
                    with self._source.block("if value is None"):
                        empty = "()" if field.is_array else _EMPTY_VALUES[field.kind]
                        self._source.line(f"value = {empty}")
                self._write_value(field, "out", is_flexible=struct.is_flexible)

    def _write_fixed_run(self, run: list[FieldSchema]) -> None:
        layout = Struct(">" + "".join(FIXED_FORMATS[field.kind] for field in run))
        packer = self._source.constant("pack", layout.pack)
        values = ", ".join(_packable(f.kind, f"message.{identifier(f.name)}") for f in run)
        self._source.line(f"out += {packer}({values})")

    def _write_value(self, field: FieldSchema, out: str, *, is_flexible: bool) -> None:
        """Write the statements that append the variable `value` to the variable named `out`."""
        if field.is_array:
            self._write_array(field, out, is_flexible=is_flexible)
        elif field.kind == STRUCT and field.is_nullable:
            self._write_nullable_struct(field, out)
        else:
            statement = _put(field, out, is_nullable=field.is_nullable, is_flexible=is_flexible)
            self._source.line(statement)

    def _write_nullable_struct(self, field: FieldSchema, out: str) -> None:
        # KIP-893: a signed byte, -1 for null and 1 before a struct.
        with self._source.block("if value is None"):
            self._source.line(f"{out}.append({_NULL_STRUCT})")
        with self._source.block("else"):
            self._source.line(f"{out}.append({_PRESENT_STRUCT})")
            self._source.line(_put(field, out, is_nullable=False, is_flexible=True))

    def _write_array(self, field: FieldSchema, out: str, *, is_flexible: bool) -> None:
        put_count = "put_compact_count" if is_flexible else "put_count"
        if not field.is_nullable:
            self._write_elements(field, out, put_count, is_flexible=is_flexible)
            return
        with self._source.block("if value is None"):
            self._source.line(f"{put_count}({out}, -1)")
        with self._source.block("else"):
            self._write_elements(field, out, put_count, is_flexible=is_flexible)

    def _write_elements(
        self, field: FieldSchema, out: str, put_count: str, *, is_flexible: bool
    ) -> None:
        self._source.line(f"{put_count}({out}, len(value))")
        if field.kind in FIXED_FORMATS and _packable(field.kind, "x") == "x":
            layout = f"f'>{{len(value)}}{FIXED_FORMATS[field.kind]}'"
            self._source.line(f"{out} += pack({layout}, *value)")
            return
        with self._source.block("for value in value"):
            self._source.line(_put(field, out, is_nullable=False, is_flexible=is_flexible))

    def _write_tagged_fields(self, fields: list[FieldSchema]) -> None:
        if not fields:
            self._source.line("out.append(0)")
            return
        self._source.line("tag_count, tagged = 0, bytearray()")
        for field in sorted(fields, key=lambda field: field.tag or 0):
            self._write_tagged_field(field)
        self._source.line("put_uvarint(out, tag_count)")
        self._source.line("out += tagged")

    def _write_tagged_field(self, field: FieldSchema) -> None:
        # A tagged field that has its default is left out.
        self._source.line(f"value = message.{identifier(field.name)}")
        with self._source.block(f"if value != {self._default(field)}"):
            self._source.line("part = bytearray()")
            self._write_value(field, "part", is_flexible=True)
            self._source.line(f"put_tag(tagged, {field.tag}, part)")
            self._source.line("tag_count += 1")

    def _default(self, field: FieldSchema) -> str:
        if field.default_is_struct:
            assert field.struct is not None
            return self._source.constant("default", self._classes[field.struct.name]())
        return self._source.constant("default", field.default)


def _is_fixed(field: FieldSchema) -> bool:
    return field.kind in FIXED_FORMATS and not field.is_array


def _packable(kind: str, expression: str) -> str:
    return f"uuid_bytes({expression})" if kind == "uuid" else expression


def _put(field: FieldSchema, out: str, *, is_nullable: bool, is_flexible: bool) -> str:
    if field.struct is not None:
        return f"write_{identifier(field.struct.name)}({out}, value)"
    if field.kind in FIXED_FORMATS:
        layout = FIXED_FORMATS[field.kind]
        return f"{out} += pack('>{layout}', {_packable(field.kind, 'value')})"
    null = "nullable_" if is_nullable else ""
    compact = "compact_" if is_flexible else ""
    shape = "string" if field.kind == "string" else "bytes"
    return f"put_{null}{compact}{shape}({out}, value)"
