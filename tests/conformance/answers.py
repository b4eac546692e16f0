"""An answer as a flat table of named fields, with what may differ between two brokers put away.

What identifies one broker or one run (ids, addresses, times, texts for people) becomes a word in
angle brackets, so that its being there still counts. Rows are named by what they are about, not by
their place: brokers need not answer in the same order. Fields with their default value are left
out.
"""

from __future__ import annotations

import dataclasses
import hashlib
import re
from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any, Final
from uuid import UUID

Answer = dict[str, Any]
IS_THERE: Final = "is there"
"""The value of a row itself."""

_ROW_NAMES: Final = (
    "name", "topic", "topic_name", "topic_id", "group_id", "group", "resource_type",
    "resource_name", "path", "log_dir", "partition_index", "partition", "partition_id", "node_id",
    "broker_id", "index", "api_key", "key", "entity", "entity_type", "entity_name", "member_id",
    "group_instance_id", "feature", "replica_id", "producer_id", "transactional_id",
)  # fmt: skip
"""The fields that say what a row is about."""
_TOPIC_NAMES: Final = ("name", "topic", "topic_name")
_PEOPLE: Final = frozenset({"error_message", "acknowledge_error_message", "documentation"})
_IDENTITIES: Final = frozenset({"host", "port", "cluster_id", "log_dir", "client_host"})
_TIMES: Final = re.compile(r".*(timestamp|_time)(_ms)?$")
_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_COUNTERS: Final = frozenset({"producer_id", "finalized_features_epoch"})
_SIZES: Final = frozenset({"total_bytes", "usable_bytes"})


def flatten(message: Any, words: Mapping[str, str]) -> Answer:
    """The message's fields by path; `words` says what to call texts of this run."""
    return dict(_fields(message, "", words))


def _fields(message: Any, prefix: str, words: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
    for field in dataclasses.fields(message):
        value = getattr(message, field.name)
        path = f"{prefix}{field.name}"
        if _is_rows(value):
            yield from _rows(value, path, words)
        elif dataclasses.is_dataclass(value):
            yield from _fields(value, f"{path}.", words)
        else:
            told = _told(field.name, value, words)
            if told != _told(field.name, _default(field), words):
                yield path, told


def _is_rows(value: Any) -> bool:
    return isinstance(value, tuple | list) and bool(value) and dataclasses.is_dataclass(value[0])


def _rows(rows: Any, path: str, words: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
    taken: dict[str, int] = {}
    for row in rows:
        name = _row_name(row, words)
        taken[name] = taken.get(name, 0) + 1
        number = f"#{taken[name]}" if taken[name] > 1 else ""
        place = f"{path}[{name}{number}]"
        yield place, IS_THERE
        told_by_name = _naming_fields(row)
        for inner, told in _fields(row, "", words):
            if inner.partition("[")[0] not in told_by_name:
                yield f"{place}.{inner}", told


def _naming_fields(row: Any) -> list[str]:
    """The fields that say what the row is about; a topic's id only where its name is not there."""
    there = [name for name in _ROW_NAMES if getattr(row, name, None) not in (None, ())]
    if "topic_id" in there and any(getattr(row, name, None) for name in _TOPIC_NAMES):
        there.remove("topic_id")
    return there


def _row_name(row: Any, words: Mapping[str, str]) -> str:
    return " ".join(_part(name, getattr(row, name), words) for name in _naming_fields(row)).strip()


def _part(name: str, value: Any, words: Mapping[str, str]) -> str:
    if _is_rows(value):
        return "+".join(sorted(_row_name(row, words) for row in value))
    return str(_told(name, value, words))


def _default(field: dataclasses.Field[Any]) -> Any:
    if field.default is not dataclasses.MISSING:
        return field.default
    return field.default_factory() if field.default_factory is not dataclasses.MISSING else None


def _told(name: str, value: Any, words: Mapping[str, str]) -> Any:
    """A value as something that JSON has, without what is a single broker's own."""
    if isinstance(value, Enum):
        return value.name if not isinstance(value, int) or name.startswith("error") else int(value)
    if isinstance(value, UUID):
        return words.get(str(value), "<uuid>")
    if name in _PEOPLE:
        return "<text>" if value else None
    if name in _IDENTITIES and value not in ("", None, -1):
        return f"<{name}>"
    if isinstance(value, int) and not isinstance(value, bool):
        if (_TIMES.match(name) or name in _SIZES) and value > 10**6:
            return f"<{name}>"
        if name in _COUNTERS and value >= 0:
            return f"<{name}>"
        return int(value)
    if isinstance(value, str):
        return _text(value, words)
    if isinstance(value, bytes | bytearray | memoryview):
        return f"{len(value)} bytes {hashlib.sha256(value).hexdigest()[:12]}" if value else ""
    if isinstance(value, tuple | list):
        return [_told(name, element, words) for element in value]
    return value


def _text(value: str, words: Mapping[str, str]) -> str:
    for own, word in words.items():
        value = value.replace(own, word)
    return _UUID.sub("<uuid>", value)
