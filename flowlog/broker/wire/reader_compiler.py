"""Compile a reader for one message at one version.

Each struct becomes one function `read_<struct>(buffer, position, end, budget)` that returns an
instance of its class and the position behind it. Neighbouring fields of fixed size are unpacked
in one go. `budget` is explained at `reading.claim`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import groupby
from struct import Struct, unpack_from
from typing import Any, Final

from kio.schema.errors import ErrorCode

from flowlog.broker.wire import reading
from flowlog.broker.wire.errors import ProtocolError
from flowlog.broker.wire.layout import FIXED_FORMATS, fixed_bytes, least_element_bytes
from flowlog.broker.wire.schema import STRUCT, FieldSchema, StructSchema
from flowlog.broker.wire.source import Source, identifier

Reader = Callable[[reading.Buffer, int, int, list[int]], tuple[Any, int]]

_HELPERS: Final[Mapping[str, Any]] = {
    name: value for name, value in vars(reading).items() if not name.startswith("_")
} | {
    "ProtocolError": ProtocolError,
    "error_codes": {code.value: code for code in ErrorCode},
    "unpack_from": unpack_from,
}
_NULL_STRUCT: Final = 0xFF
_PRESENT_STRUCT: Final = 0x01


def compile_reader(schema: StructSchema, classes: Mapping[str, type[Any]], title: str) -> Reader:
    """Compile the reader of a message; `classes` by the structs' names, `title` for tracebacks."""
    source = Source(**_HELPERS)
    _ReaderSource(source, classes).write_struct(schema)
    reader: Reader = source.compiled(title)[f"read_{schema.name}"]
    return reader


class _ReaderSource:
    """Writes the source of readers; one per message, so that each struct comes once."""

    def __init__(self, source: Source, classes: Mapping[str, type[Any]]) -> None:
        self._source = source
        self._classes = classes
        self._written: set[str] = set()

    def write_struct(self, struct: StructSchema) -> None:
        if struct.name in self._written:
            return
        self._written.add(struct.name)
        for field in struct.fields:
            if field.struct is not None:
                self.write_struct(field.struct)
        with self._source.block(
            f"def read_{identifier(struct.name)}(buffer, position, end, budget)"
        ):
            self._write_fields(struct)
            if struct.is_flexible:
                self._write_tagged_fields([f for f in struct.fields if f.tag is not None])
            made = self._source.constant("class", self._classes[struct.name])
            arguments = ", ".join(f"{identifier(f.name)}={_variable(f)}" for f in struct.fields)
            self._source.line(f"return {made}({arguments}), position")

    def _write_fields(self, struct: StructSchema) -> None:
        untagged = [field for field in struct.fields if field.tag is None]
        for is_fixed, run in groupby(untagged, key=_is_fixed):
            if is_fixed:
                self._write_fixed_run(list(run))
                continue
            for field in run:
                self._write_value(field, is_flexible=struct.is_flexible)

    def _write_fixed_run(self, run: list[FieldSchema]) -> None:
        layout = Struct(">" + "".join(FIXED_FORMATS[field.kind] for field in run))
        unpack = self._source.constant("unpack", layout.unpack_from)
        targets = "".join(f"{_variable(field)}, " for field in run)
        self._source.line(f"{targets}= {unpack}(buffer, position)")
        self._source.line(f"position += {layout.size}")
        for field in run:
            converted = _converted(field.kind, _variable(field))
            if converted != _variable(field):
                self._source.line(f"{_variable(field)} = {converted}")

    def _write_value(self, field: FieldSchema, *, is_flexible: bool) -> None:
        if field.is_array:
            self._write_array(field, is_flexible=is_flexible)
        elif field.kind == STRUCT and field.is_nullable:
            self._write_nullable_struct(field)
        elif field.kind in FIXED_FORMATS:
            self._write_fixed_run([field])
        else:
            call = _read_call(field, is_nullable=field.is_nullable, is_flexible=is_flexible)
            self._source.line(f"{_variable(field)}, position = {call}")
            self._write_copy(field, _variable(field))

    def _write_copy(self, field: FieldSchema, variable: str) -> None:
        # A group keeps metadata and assignments for hours: a slice would pin the whole frame.
        if field.kind != "bytes":
            return
        with self._source.block(f"if {variable} is not None"):
            self._source.line(f"{variable} = bytes({variable})")

    def _write_nullable_struct(self, field: FieldSchema) -> None:
        # KIP-893: a signed byte, -1 for null and 1 before a struct.
        self._source.line("marker = buffer[position]")
        self._source.line("position += 1")
        with self._source.block(f"if marker == {_NULL_STRUCT}"):
            self._source.line(f"{_variable(field)} = None")
        with self._source.block(f"elif marker == {_PRESENT_STRUCT}"):
            call = _read_call(field, is_nullable=False, is_flexible=True)
            self._source.line(f"{_variable(field)}, position = {call}")
        with self._source.block("else"):
            self._source.line(
                "raise ProtocolError('a nullable struct begins with neither -1 nor 1')"
            )

    def _write_array(self, field: FieldSchema, *, is_flexible: bool) -> None:
        prefix = "compact_" if is_flexible else ""
        self._source.line(f"count, position = read_{prefix}count(buffer, position)")
        with self._source.block("if count < 0"):
            if field.is_nullable:
                self._source.line(f"{_variable(field)} = None")
            else:
                self._source.line("raise ProtocolError('null for an array that is never null')")
        with self._source.block("else"):
            least = least_element_bytes(field, is_flexible=is_flexible)
            self._source.line(f"claim(count, {least}, end - position, budget)")
            self._write_elements(field, is_flexible=is_flexible)

    def _write_elements(self, field: FieldSchema, *, is_flexible: bool) -> None:
        variable = _variable(field)
        if field.kind in FIXED_FORMATS and _converted(field.kind, "x") == "x":
            layout = f"f'>{{count}}{FIXED_FORMATS[field.kind]}'"
            self._source.line(f"{variable} = unpack_from({layout}, buffer, position)")
            self._source.line(f"position += count * {fixed_bytes(field.kind)}")
            return
        self._source.line("elements = []")
        with self._source.block("for _ in range(count)"):
            self._write_element(field, is_flexible=is_flexible)
            self._source.line("elements.append(element)")
        self._source.line(f"{variable} = tuple(elements)")

    def _write_element(self, field: FieldSchema, *, is_flexible: bool) -> None:
        if field.kind in FIXED_FORMATS:
            layout = Struct(">" + FIXED_FORMATS[field.kind])
            unpack = self._source.constant("unpack", layout.unpack_from)
            self._source.line(f"element, = {unpack}(buffer, position)")
            self._source.line(f"element = {_converted(field.kind, 'element')}")
            self._source.line(f"position += {layout.size}")
            return
        call = _read_call(field, is_nullable=False, is_flexible=is_flexible)
        self._source.line(f"element, position = {call}")
        self._write_copy(field, "element")

    def _write_tagged_fields(self, fields: Iterable[FieldSchema]) -> None:
        fields = sorted(fields, key=lambda field: field.tag or 0)
        for field in fields:
            self._source.line(f"{_variable(field)} = {self._missing_value(field)}")
        # Nearly always there are no tags: one byte, zero.
        with self._source.block("if buffer[position]"):
            known = self._source.constant("tags", frozenset(field.tag for field in fields))
            self._source.line(f"tags, after = read_tags(buffer, position, end, {known})")
            for field in fields:
                self._write_tagged_field(field)
            self._source.line("position = after")
        with self._source.block("else"):
            self._source.line("position += 1")

    def _write_tagged_field(self, field: FieldSchema) -> None:
        with self._source.block(f"if {field.tag} in tags"):
            self._source.line(f"position, stop = tags[{field.tag}]")
            # The value may read on to the message's end; it must have stopped at its own.
            self._write_value(field, is_flexible=True)
            self._source.line("expect_position(position, stop)")

    def _missing_value(self, field: FieldSchema) -> str:
        if field.default_is_struct:
            assert field.struct is not None
            return self._source.constant("class", self._classes[field.struct.name]) + "()"
        return self._source.constant("default", field.default)


def _variable(field: FieldSchema) -> str:
    return f"field_{identifier(field.name)}"


def _is_fixed(field: FieldSchema) -> bool:
    return field.kind in FIXED_FORMATS and not field.is_array


def _converted(kind: str, variable: str) -> str:
    if kind == "uuid":
        return f"uuid_of({variable})"
    if kind == "error_code":
        return f"error_codes[{variable}]"
    return variable


def _read_call(field: FieldSchema, *, is_nullable: bool, is_flexible: bool) -> str:
    if field.struct is not None:
        return f"read_{identifier(field.struct.name)}(buffer, position, end, budget)"
    null = "nullable_" if is_nullable else ""
    compact = "compact_" if is_flexible else ""
    shape = "string" if field.kind == "string" else "slice"
    return f"read_{null}{compact}{shape}(buffer, position, end)"
