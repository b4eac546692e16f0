"""Read and write whole messages: bodies of requests and responses, and data messages.

The one place where bytes of strangers become objects. Whatever the bytes, a reader returns a
message or raises `ProtocolError`, and takes memory in proportion to the bytes that are there.
Headers and frames are not in here (`headers`, `frames`).
"""

from __future__ import annotations

from functools import cache
from typing import Any

from kio.schema.index import api_key_map

from flowlog.broker.wire.classes import fields_of_all_versions, message_classes
from flowlog.broker.wire.errors import MALFORMED, ProtocolError
from flowlog.broker.wire.reader_compiler import Reader, compile_reader
from flowlog.broker.wire.reading import MAX_ELEMENT_COUNT, Buffer, expect_end
from flowlog.broker.wire.schema import Direction, message_schema
from flowlog.broker.wire.writer_compiler import Writer, compile_writer


def read_request(api_key: int, version: int, body: Buffer) -> Any:
    """Read a request's body; raises `ProtocolError` unless it is one.

    `records` fields are slices of `body`: pass a memoryview and they are not copied. Bytes behind
    the last field are ignored, as Kafka does: librdkafka 2.16 asks for all topics (Metadata 9 and
    later) with three bytes too many.
    """
    return read_message(_api_name(api_key), version, "request", body, allow_trailing=True)


def read_response(api_key: int, version: int, body: Buffer) -> Any:
    """Read a response's body to its last byte; see `read_request`."""
    return read_message(_api_name(api_key), version, "response", body)


def read_data(name: str, version: int, data: Buffer, *, allow_trailing: bool = False) -> Any:
    """Read a data message, such as "consumer_protocol_subscription"; see `read_request`.

    Args:
        allow_trailing: ignore what follows, as readers of a newer writer's data must.
    """
    return read_message(name, version, "data", data, allow_trailing=allow_trailing)


def write_request(api_key: int, version: int, request: Any) -> bytes:
    """Write a request's body with the fields that the version has."""
    return write_message(api_key_map[api_key], version, "request", request)


def write_response(api_key: int, version: int, response: Any) -> bytes:
    """Write a response's body with the fields that the version has."""
    return write_message(api_key_map[api_key], version, "response", response)


def write_data(name: str, version: int, message: Any) -> bytes:
    """Write a data message with the fields that the version has."""
    return write_message(name, version, "data", message)


def _api_name(api_key: int) -> str:
    name: str | None = api_key_map.get(api_key)
    if name is None:
        raise ProtocolError(f"unknown API key {api_key}")
    return name


def read_message(
    name: str, version: int, direction: Direction, data: Buffer, *, allow_trailing: bool = False
) -> Any:
    """Read any message by kio's name of it; see `read_request` and `read_data`."""
    try:
        reader = _reader(name, version, direction)
    except KeyError:
        raise ProtocolError(f"no {name} {direction} of version {version}") from None
    end = len(data)
    try:
        message, position = reader(data, 0, end, [MAX_ELEMENT_COUNT])
        if not allow_trailing:
            expect_end(position, end)
    except MALFORMED as error:
        raise ProtocolError(f"malformed {name} {direction} v{version}: {error}") from None
    return message


def write_message(name: str, version: int, direction: Direction, message: Any) -> bytes:
    """Write any message by kio's name of it.

    What cannot be written is our bug and raises what Python raises, with a note of where.
    """
    out = bytearray()
    try:
        _writer(name, version, direction)(out, message)
    except Exception as error:
        error.add_note(f"while writing a {name} {direction} v{version}")
        raise
    return bytes(out)


@cache
def _reader(name: str, version: int, direction: Direction) -> Reader:
    schema = message_schema(name, version, direction)
    title = f"read {name} {direction} v{version}"
    return compile_reader(schema, message_classes(name, direction), title)


@cache
def _writer(name: str, version: int, direction: Direction) -> Writer:
    schema = message_schema(name, version, direction)
    merged = fields_of_all_versions(name, direction)
    title = f"write {name} {direction} v{version}"
    return compile_writer(schema, merged, message_classes(name, direction), title)
