"""Read Fetch requests, versions 4 to 18, by hand.

    to 14 replica id (4); max wait (4), min bytes (4), max bytes (4), isolation level (1),
    from 7 session id and epoch (4, 4), topics: name or id, partitions (see `_PARTITION_ROWS`),
    from 7 forgotten topics: name or id, partitions (4 each); from 11 rack id

Version 12 made it flexible, version 13 names topics by id, version 15 moved the replica into a
tag. Property tests hold this against the compiled reader.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from struct import Struct, unpack_from
from typing import Any, Final
from uuid import UUID

from flowlog.broker.wire.errors import MALFORMED, ProtocolError
from flowlog.broker.wire.reading import (
    MAX_ELEMENT_COUNT,
    Buffer,
    claim,
    expect_position,
    read_compact_count,
    read_compact_string,
    read_nullable_compact_string,
    read_string,
    read_tags,
    skip_tags,
    uuid_of,
)

VERSIONS: Final = range(4, 19)
_FIRST_SESSION_VERSION: Final = 7
_FIRST_RACK_VERSION: Final = 11
_FIRST_FLEXIBLE_VERSION: Final = 12
_FIRST_TOPIC_ID_VERSION: Final = 13
_FIRST_REPLICA_TAG_VERSION: Final = 15

HIGH_WATERMARK_UNSUPPORTED: Final = 2**63 - 1
"""A follower that does not tell its high watermark (before version 18)."""

_int32: Final = Struct(">i").unpack_from
_int64: Final = Struct(">q").unpack_from
_replica: Final = Struct(">iq").unpack_from
_LEAST_TOPIC_BYTES: Final = 6
_LEAST_COMPACT_TOPIC_BYTES: Final = 3


@dataclass(slots=True)
class FetchPartition:
    """One partition to read; what a version does not say is -1 or `None`."""

    index: int
    current_leader_epoch: int
    fetch_offset: int
    last_fetched_epoch: int
    log_start_offset: int
    max_bytes: int
    replica_directory_id: UUID | None = None
    high_watermark: int = HIGH_WATERMARK_UNSUPPORTED


@dataclass(slots=True)
class FetchTopic:
    """Partitions of one topic: by name up to version 12, by id after it; the other is `None`."""

    name: str | None
    topic_id: UUID | None
    partitions: list[FetchPartition]


@dataclass(slots=True)
class ForgottenTopic:
    """Partitions that leave an incremental fetch session."""

    name: str | None
    topic_id: UUID | None
    partitions: tuple[int, ...]


@dataclass(slots=True)
class FetchRequest:
    """A fetch; `replica_id` is -1 for a consumer, `isolation_level` 1 for read committed."""

    replica_id: int
    max_wait_ms: int
    min_bytes: int
    max_bytes: int
    isolation_level: int
    session_id: int = 0
    session_epoch: int = -1
    topics: list[FetchTopic] = field(default_factory=list)
    forgotten_topics: list[ForgottenTopic] = field(default_factory=list)
    rack_id: str = ""
    cluster_id: str | None = None
    replica_epoch: int = -1


def read_fetch_request(version: int, body: Buffer) -> FetchRequest:
    """Read a request's body; raises `ProtocolError` unless it is one."""
    assert version in VERSIONS, f"Fetch version {version}"
    read = _read_flexible if version >= _FIRST_FLEXIBLE_VERSION else _read_legacy
    try:
        return read(version, body)
    except MALFORMED as error:
        raise ProtocolError(f"malformed fetch request v{version}: {error}") from None


def _first_fields(version: int) -> tuple[Struct, Callable[..., FetchRequest]]:
    """The fixed fields before the topics, and what makes a request of them."""
    session = "ii" if version >= _FIRST_SESSION_VERSION else ""
    if version < _FIRST_REPLICA_TAG_VERSION:
        return Struct(">iiiib" + session), FetchRequest
    return Struct(">iiib" + session), lambda *fields: FetchRequest(-1, *fields)


_FIRST_FIELDS: Final = {version: _first_fields(version) for version in VERSIONS}


def _partition_row(version: int) -> tuple[Struct, Callable[..., FetchPartition]]:
    """The fixed fields of a partition: index, [leader epoch], offset, [last epoch, start], max."""
    if version >= _FIRST_FLEXIBLE_VERSION:
        return Struct(">iiqiqi"), FetchPartition
    if version >= 9:
        return Struct(">iiqqi"), lambda i, epoch, at, start, size: FetchPartition(
            i, epoch, at, -1, start, size
        )
    if version >= 5:
        return Struct(">iqqi"), lambda i, at, start, size: FetchPartition(
            i, -1, at, -1, start, size
        )
    return Struct(">iqi"), lambda i, at, size: FetchPartition(i, -1, at, -1, -1, size)


_PARTITION_ROWS: Final = {version: _partition_row(version) for version in VERSIONS}


def _read_legacy(version: int, body: Buffer) -> FetchRequest:
    end = len(body)
    budget = [MAX_ELEMENT_COUNT]
    first, make_request = _FIRST_FIELDS[version]
    request = make_request(*first.unpack_from(body, 0))
    row, make_partition = _PARTITION_ROWS[version]

    def read_count(position: int, least_bytes: int) -> tuple[int, int]:
        (count,) = _int32(body, position)
        claim(count, least_bytes, end - position - 4, budget)
        return count, position + 4

    topic_count, position = read_count(first.size, _LEAST_TOPIC_BYTES)
    for _ in range(topic_count):
        name, position = read_string(body, position, end)
        count, position = read_count(position, row.size)
        stop = position + count * row.size
        rows = row.iter_unpack(body[position:stop])
        request.topics.append(FetchTopic(name, None, [make_partition(*fields) for fields in rows]))
        position = stop
    if version >= _FIRST_SESSION_VERSION:
        topic_count, position = read_count(position, _LEAST_TOPIC_BYTES)
        for _ in range(topic_count):
            name, position = read_string(body, position, end)
            count, position = read_count(position, 4)
            indexes = unpack_from(f">{count}i", body, position)
            request.forgotten_topics.append(ForgottenTopic(name, None, indexes))
            position += 4 * count
    if version >= _FIRST_RACK_VERSION:
        request.rack_id, position = read_string(body, position, end)
    return request


def _read_flexible(version: int, body: Buffer) -> FetchRequest:
    end = len(body)
    budget = [MAX_ELEMENT_COUNT]
    first, make_request = _FIRST_FIELDS[version]
    request = make_request(*first.unpack_from(body, 0))
    count, position = read_compact_count(body, first.size)
    claim(count, _LEAST_COMPACT_TOPIC_BYTES, end - position, budget)
    for _ in range(count):
        topic, position = _read_topic(version, body, position, end, budget)
        request.topics.append(topic)
    count, position = read_compact_count(body, position)
    claim(count, _LEAST_COMPACT_TOPIC_BYTES, end - position, budget)
    for _ in range(count):
        forgotten, position = _read_forgotten_topic(version, body, position, end, budget)
        request.forgotten_topics.append(forgotten)
    request.rack_id, position = read_compact_string(body, position, end)
    position = _read_last_tags(version, body, position, end, request)
    return request


def _read_topic_key(
    version: int, body: Buffer, position: int, end: int
) -> tuple[str | None, UUID | None, int]:
    if version >= _FIRST_TOPIC_ID_VERSION:
        return None, uuid_of(bytes(body[position : position + 16])), position + 16
    name, position = read_compact_string(body, position, end)
    return name, None, position


def _read_topic(
    version: int, body: Buffer, position: int, end: int, budget: list[int]
) -> tuple[FetchTopic, int]:
    name, topic_id, position = _read_topic_key(version, body, position, end)
    count, position = read_compact_count(body, position)
    row, make_partition = _PARTITION_ROWS[version]
    claim(count, row.size + 1, end - position, budget)
    partitions = []
    for _ in range(count):
        partition = make_partition(*row.unpack_from(body, position))
        position += row.size
        if body[position]:
            position = _read_partition_tags(version, body, position, end, partition)
        else:
            position += 1
        partitions.append(partition)
    return FetchTopic(name, topic_id, partitions), skip_tags(body, position, end)


def _read_partition_tags(
    version: int, body: Buffer, position: int, end: int, partition: FetchPartition
) -> int:
    known = {17: (0,), 18: (0, 1)}.get(version, ())
    tags, after = read_tags(body, position, end, known)
    if 0 in tags:
        start, stop = tags[0]
        partition.replica_directory_id = uuid_of(bytes(body[start:stop]))  # refuses all but 16
    if 1 in tags:
        start, stop = tags[1]
        (partition.high_watermark,) = _int64(body, start)
        expect_position(start + 8, stop)
    return after


def _read_forgotten_topic(
    version: int, body: Buffer, position: int, end: int, budget: list[int]
) -> tuple[ForgottenTopic, int]:
    name, topic_id, position = _read_topic_key(version, body, position, end)
    count, position = read_compact_count(body, position)
    claim(count, 4, end - position, budget)
    indexes: tuple[Any, ...] = unpack_from(f">{count}i", body, position)
    position = skip_tags(body, position + 4 * count, end)
    return ForgottenTopic(name, topic_id, indexes), position


def _read_last_tags(
    version: int, body: Buffer, position: int, end: int, request: FetchRequest
) -> int:
    if body[position] == 0:
        return position + 1
    known = (0, 1) if version >= _FIRST_REPLICA_TAG_VERSION else (0,)
    tags, after = read_tags(body, position, end, known)
    if 0 in tags:
        start, stop = tags[0]
        request.cluster_id, position = read_nullable_compact_string(body, start, stop)
        expect_position(position, stop)
    if 1 in tags:
        start, stop = tags[1]
        request.replica_id, request.replica_epoch = _replica(body, start)
        expect_position(skip_tags(body, start + 12, stop), stop)
    return after
