"""Records as lines of text, both ways: plain lines, `-f` formats, JSON objects.

The JSON form is the same for produce and consume, so `consume -o jsonl | produce --format jsonl`
copies records. Key, value and header values are strings where they are UTF-8; others stand as
base64 in `key_base64` and so on. null is no key, or a tombstone.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from flowlog.client.positions import format_time
from flowlog.client.records import Headers, OutgoingRecord, ReceivedRecord
from flowlog.errors import ConfigError, FlowlogError

from .text import bytes_as_text

_FIELDS: Final[Mapping[str, Callable[[ReceivedRecord], str]]] = {
    "t": lambda record: record.topic,
    "p": lambda record: str(record.partition),
    "o": lambda record: str(record.offset),
    "k": lambda record: bytes_as_text(record.key),
    "v": lambda record: bytes_as_text(record.value),
    "s": lambda record: str(record.size_bytes),
    "T": lambda record: str(record.timestamp_ms),
    "D": lambda record: format_time(record.timestamp_ms),
    "h": lambda record: ",".join(f"{key}={bytes_as_text(value)}" for key, value in record.headers),
    "%": lambda record: "%",
}
FORMAT_HELP: Final = (
    "%t topic, %p partition, %o offset, %k key, %v value, %h headers, %s bytes, "
    "%T timestamp in ms, %D the same as a date, %%; \\n and \\t."
)
_ESCAPES: Final = {"\\n": "\n", "\\t": "\t", "\\0": "\0", "\\\\": "\\"}


def compile_format(text: str) -> Callable[[ReceivedRecord], str]:
    """A function that writes a record in the format; a newline is added where none ends it.

    Raises:
        ConfigError: a letter after % that means nothing.
    """
    text = re.sub(r"\\[nt0\\]", lambda match: _ESCAPES[match[0]], text)
    pieces: list[Callable[[ReceivedRecord], str]] = []
    for literal, letter in re.findall(r"([^%]+)|%(.?)", text, re.DOTALL):
        if literal:
            pieces.append(_constant(literal))
        elif letter in _FIELDS:
            pieces.append(_FIELDS[letter])
        else:
            raise ConfigError(f"%{letter} is not a field", hint=FORMAT_HELP)
    end = "" if text.endswith(("\n", "\0")) else "\n"
    return lambda record: "".join(piece(record) for piece in pieces) + end


def _constant(text: str) -> Callable[[ReceivedRecord], str]:
    return lambda _record: text


def record_document(record: ReceivedRecord) -> dict[str, Any]:
    """The record as JSON fields."""
    return {
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "timestamp_ms": record.timestamp_ms,
        **json_bytes("key", record.key),
        **json_bytes("value", record.value),
        "headers": [{"name": name, **json_bytes("value", value)} for name, value in record.headers],
    }


def record_json(record: ReceivedRecord) -> str:
    """The record as one JSON line, with its newline."""
    return json.dumps(record_document(record), ensure_ascii=False) + "\n"


def parse_json_record(line: str) -> OutgoingRecord:
    """A record from a JSON line; topic, partition and offset it came from are not kept.

    Raises:
        FlowlogError: INVALID_RECORD.
    """
    try:
        fields = json.loads(line)
    except ValueError as error:
        raise _invalid(f"not JSON: {error}") from None
    if not isinstance(fields, dict):
        raise _invalid("not a JSON object")
    timestamp_ms = fields.get("timestamp_ms")
    if timestamp_ms is not None and (not isinstance(timestamp_ms, int) or timestamp_ms < 0):
        timestamp_ms = None
    return OutgoingRecord(
        key=_bytes_of(fields, "key"),
        value=_bytes_of(fields, "value"),
        headers=_headers_of(fields.get("headers")),
        timestamp_ms=timestamp_ms,
    )


def parse_header(text: str) -> tuple[str, bytes]:
    """Read `key=value` of a -H option.

    Raises:
        ConfigError: there is no `=`.
    """
    key, separator, value = text.partition("=")
    if not separator or not key:
        raise ConfigError(f"header {text!r} is not KEY=VALUE")
    return key, value.encode()


def unescape(text: str) -> str:
    """A separator as typed: \\t, \\n and \\0 become what they stand for."""
    return re.sub(r"\\[nt0\\]", lambda match: _ESCAPES[match[0]], text)


def json_bytes(name: str, data: bytes | None) -> dict[str, str | None]:
    """Bytes as a JSON field: `name`, or `name_base64` where they are not UTF-8."""
    if data is None:
        return {name: None}
    try:
        return {name: data.decode("utf-8")}
    except UnicodeDecodeError:
        return {f"{name}_base64": base64.b64encode(data).decode("ascii")}


def _bytes_of(fields: Mapping[str, Any], name: str) -> bytes | None:
    encoded = fields.get(f"{name}_base64")
    if isinstance(encoded, str):
        try:
            return base64.b64decode(encoded, validate=True)
        except binascii.Error:
            raise _invalid(f"{name}_base64 is not base64") from None
    value = fields.get(name)
    if value is None:
        return None
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise _invalid(f"{name} holds a lone surrogate") from None


def _headers_of(headers: Any) -> Headers:
    if headers is None:
        return ()
    if isinstance(headers, dict):
        return tuple((name, _bytes_of(headers, name)) for name in headers)
    if isinstance(headers, list) and all(isinstance(h, dict) and "name" in h for h in headers):
        return tuple((str(header["name"]), _bytes_of(header, "value")) for header in headers)
    raise _invalid("headers must be an object, or a list of objects with a name")


def _invalid(reason: str) -> FlowlogError:
    return FlowlogError(
        reason,
        code="INVALID_RECORD",
        hint='a line looks like {"key": "k", "value": "v", "headers": []}',
    )
