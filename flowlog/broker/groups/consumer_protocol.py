"""What consumers of the classic protocol say to each other, as far as a coordinator looks into it.

    subscription  version i16 | topics [] | user data bytes?
                  | v1: owned [] of topic, partitions [] | v2: generation i32 | v3: rack?
    assignment    version i16 | assigned [] of topic, partitions [] | user data bytes?

A newer version begins as its elders do.
Source: ConsumerProtocolSubscription.json and ConsumerProtocolAssignment.json in apache/kafka.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Set
from typing import Final, NamedTuple, TypeAlias

from .record_fields import FieldReader, string
from .requests import Protocol

NEWEST_VERSION: Final = 3
NO_USER_DATA: Final = b"\xff\xff\xff\xff"

_INT32: Final = struct.Struct(">i")

ByName: TypeAlias = Mapping[str, Set[int]]
"""Partitions by the topic's name."""

NOTHING_OWNED: Final[ByName] = {}


class Subscription(NamedTuple):
    version: int
    topics: frozenset[str]
    owned: ByName = NOTHING_OWNED
    rack_id: str | None = None


class ClassicAssignment(NamedTuple):
    partitions: ByName
    has_user_data: bool


def decode_subscription(data: bytes) -> Subscription:
    """Raises `ValueError` for bytes that are no consumer's subscription."""
    fields = FieldReader(data)
    version = _version(fields)
    topics = frozenset(fields.string() for _ in range(fields.array_count()))
    _skip_user_data(fields)
    owned = _read_partitions(fields) if version >= 1 else NOTHING_OWNED
    if version >= 2:
        fields.int32()
    rack_id = fields.nullable_string() if version >= 3 else None
    return Subscription(version, topics, owned, rack_id)


def subscription_version(protocols: Iterable[Protocol]) -> int:
    """That of a member's first protocol which is a consumer's; it may offer others beside it."""
    for protocol in protocols:
        try:
            return decode_subscription(protocol.metadata).version
        except ValueError:
            continue
    return 0


def decode_assignment(data: bytes) -> ClassicAssignment:
    """Raises `ValueError` for bytes that are no consumer's assignment; none at all are an empty
    one."""
    if not data:
        return ClassicAssignment({}, has_user_data=False)
    fields = FieldReader(data)
    _version(fields)
    partitions = _read_partitions(fields)
    return ClassicAssignment(partitions, has_user_data=_skip_user_data(fields) > 0)


def encode_assignment(partitions: ByName, version: int) -> bytes:
    """For a consumer that subscribed with that version."""
    parts = [min(version, NEWEST_VERSION).to_bytes(2, "big"), _INT32.pack(len(partitions))]
    for topic in sorted(partitions):
        numbers = sorted(partitions[topic])
        parts += [string(topic), _INT32.pack(len(numbers)), *map(_INT32.pack, numbers)]
    return b"".join((*parts, NO_USER_DATA))


def _version(fields: FieldReader) -> int:
    version = fields.int16()
    if version < 0:
        raise ValueError(f"consumer protocol version {version}")
    return version


def _skip_user_data(fields: FieldReader) -> int:
    size = fields.int32()
    return len(fields.raw(size)) if size > 0 else 0


def _read_partitions(fields: FieldReader) -> dict[str, set[int]]:
    found: dict[str, set[int]] = {}
    for _ in range(fields.array_count()):
        name = fields.string()
        found.setdefault(name, set()).update(fields.int32() for _ in range(fields.array_count()))
    return found
