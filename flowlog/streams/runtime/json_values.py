"""Keys and values of tables in URLs and JSON answers."""

from __future__ import annotations

from typing import Any

import msgspec

from flowlog.streams.serdes.basic import BYTES, STR
from flowlog.streams.serdes.serde import Serde


def value_to_json(serde: Serde[Any], data: bytes) -> Any:
    """A value as what a JSON encoder takes; bytes that are no text as base64."""
    if serde.name.startswith("json:"):
        return msgspec.Raw(data)
    if serde == BYTES:
        try:
            return data.decode()
        except UnicodeDecodeError:
            return data
    return serde.decode(data)


def value_from_json(serde: Serde[Any], value: Any) -> bytes:
    """The bytes of a value that `value_to_json` made; bytes only if they are text."""
    if serde.name.startswith("json:"):
        return msgspec.json.encode(value)
    if serde == BYTES:
        return str(value).encode()
    return serde.encode(value)


def key_to_text(serde: Serde[Any], key: bytes) -> str:
    """A key as text for a URL: JSON for types that are JSON."""
    if serde.name in ("str", "int", "float", "bytes") or serde.name.startswith("json:"):
        return key.decode()
    return str(serde.decode(key))


def key_from_text(serde: Serde[Any], text: str) -> bytes:
    """The key that a URL names.

    Raises:
        ValueError: the text is not of the key's type.
    """
    if serde in (STR, BYTES):
        return text.encode()
    if serde.name.startswith("json:"):
        return serde.encode(serde.decode(text.encode()))
    kind = serde.type if callable(serde.type) else str
    return serde.encode(kind(text))
