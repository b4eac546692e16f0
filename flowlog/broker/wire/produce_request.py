"""Read Produce requests, versions 3 to 13, by hand: the hottest message there is.

    transactional id, acks (2), timeout (4), topics: name or id, partitions: index (4), records

Version 9 made it flexible, version 13 names topics by id. Record bytes stay where they are: a
partition's records are a view of the body. Property tests hold this against the compiled reader.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from struct import Struct
from typing import Final
from uuid import UUID

from flowlog.broker.wire.errors import MALFORMED, ProtocolError
from flowlog.broker.wire.reading import (
    MAX_ELEMENT_COUNT,
    Buffer,
    claim,
    read_compact_count,
    read_compact_string,
    read_nullable_compact_string,
    read_nullable_string,
    read_string,
    read_uvarint,
    skip_tags,
    uuid_of,
)

_FIRST_FLEXIBLE_VERSION: Final = 9
_FIRST_TOPIC_ID_VERSION: Final = 13
VERSIONS: Final = range(3, 14)

_acks_timeout_count: Final = Struct(">hii").unpack_from
_acks_timeout: Final = Struct(">hi").unpack_from
_int32: Final = Struct(">i").unpack_from
_index_length: Final = Struct(">ii").unpack_from

_LEAST_TOPIC_BYTES: Final = 6
_LEAST_PARTITION_BYTES: Final = 8
_LEAST_COMPACT_TOPIC_BYTES: Final = 3
_LEAST_COMPACT_PARTITION_BYTES: Final = 6


@dataclass(slots=True)
class ProduceTopic:
    """Records for one topic: by name up to version 12, by id after it; the other is `None`.

    `partitions` holds partition index and encoded batches, in the request's order.
    """

    name: str | None
    topic_id: UUID | None
    partitions: list[tuple[int, memoryview | None]]


@dataclass(slots=True)
class ProduceRequest:
    """`acks` is 0 (no answer), 1 (the leader has it) or -1 (all in-sync replicas have it)."""

    transactional_id: str | None
    acks: int
    timeout_ms: int
    topics: list[ProduceTopic]


def read_produce_request(version: int, body: Buffer) -> ProduceRequest:
    """Read a request's body; raises `ProtocolError` unless it is one."""
    assert version in VERSIONS, f"Produce version {version}"
    is_flexible = version >= _FIRST_FLEXIBLE_VERSION
    read = _read_flexible if is_flexible else _read_legacy
    read_key = _read_topic_id if version >= _FIRST_TOPIC_ID_VERSION else _read_topic_name
    try:
        return read(memoryview(body), read_key)
    except MALFORMED as error:
        raise ProtocolError(f"malformed produce request v{version}: {error}") from None


_ReadKey = Callable[[memoryview, int, int], tuple[str | None, UUID | None, int]]


def _read_topic_name(body: memoryview, position: int, end: int) -> tuple[str, None, int]:
    name, position = read_compact_string(body, position, end)
    return name, None, position


def _read_topic_id(body: memoryview, position: int, end: int) -> tuple[None, UUID | None, int]:
    return None, uuid_of(bytes(body[position : position + 16])), position + 16


def _read_legacy(body: memoryview, _: _ReadKey) -> ProduceRequest:
    end = len(body)
    budget = [MAX_ELEMENT_COUNT]
    transactional_id, position = read_nullable_string(body, 0, end)
    acks, timeout_ms, topic_count = _acks_timeout_count(body, position)
    position += 10
    claim(topic_count, _LEAST_TOPIC_BYTES, end - position, budget)
    topics = []
    for _index in range(topic_count):
        name, position = read_string(body, position, end)
        (partition_count,) = _int32(body, position)
        position += 4
        claim(partition_count, _LEAST_PARTITION_BYTES, end - position, budget)
        partitions, position = _read_legacy_partitions(body, position, end, partition_count)
        topics.append(ProduceTopic(name, None, partitions))
    return ProduceRequest(transactional_id, acks, timeout_ms, topics)


def _read_legacy_partitions(
    body: memoryview, position: int, end: int, count: int
) -> tuple[list[tuple[int, memoryview | None]], int]:
    partitions: list[tuple[int, memoryview | None]] = []
    for _index in range(count):
        index, length = _index_length(body, position)
        position += 8
        if length == -1:
            partitions.append((index, None))
            continue
        stop = position + length
        if length < 0 or stop > end:
            raise ProtocolError(f"records of {length} bytes where {end - position} are left")
        partitions.append((index, body[position:stop]))
        position = stop
    return partitions, position


def _read_flexible(body: memoryview, read_key: _ReadKey) -> ProduceRequest:
    end = len(body)
    budget = [MAX_ELEMENT_COUNT]
    transactional_id, position = read_nullable_compact_string(body, 0, end)
    acks, timeout_ms = _acks_timeout(body, position)
    topic_count, position = read_compact_count(body, position + 6)
    claim(topic_count, _LEAST_COMPACT_TOPIC_BYTES, end - position, budget)
    topics = []
    for _index in range(topic_count):
        name, topic_id, position = read_key(body, position, end)
        partition_count, position = read_compact_count(body, position)
        claim(partition_count, _LEAST_COMPACT_PARTITION_BYTES, end - position, budget)
        partitions, position = _read_compact_partitions(body, position, end, partition_count)
        position = skip_tags(body, position, end)
        topics.append(ProduceTopic(name, topic_id, partitions))
    position = skip_tags(body, position, end)
    return ProduceRequest(transactional_id, acks, timeout_ms, topics)


def _read_compact_partitions(
    body: memoryview, position: int, end: int, count: int
) -> tuple[list[tuple[int, memoryview | None]], int]:
    partitions: list[tuple[int, memoryview | None]] = []
    for _index in range(count):
        (index,) = _int32(body, position)
        length_plus_one, position = read_uvarint(body, position + 4)
        if length_plus_one == 0:
            partitions.append((index, None))
        else:
            stop = position + length_plus_one - 1
            if stop > end:
                raise ProtocolError(f"records beyond the end, by {stop - end} bytes")
            partitions.append((index, body[position:stop]))
            position = stop
        position = skip_tags(body, position, end)
    return partitions, position
