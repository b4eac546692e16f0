"""What every client library is asked to do, in one vocabulary.

An adapter per library turns these calls into the library's own; the behaviours in `test_*.py`
are written once against `Client`. Nothing here knows a library, or which broker answers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol, TypeAlias

Header: TypeAlias = tuple[str, bytes | None]
Partition: TypeAlias = tuple[str, int]

CODECS = ("none", "gzip", "snappy", "lz4", "zstd")

# Things that a library may have no call for; an adapter names those in `lacks`.
STATIC_MEMBERS = "static members"
ASSIGNMENT = "assigning partitions by hand"
NULL_HEADERS = "null header values"
NO_ACKS_OFFSETS = "offsets of acknowledged records"
IDEMPOTENCE = "an idempotent producer"
DELETE_GROUPS = "deleting groups"
TRANSACTIONAL_OFFSETS = "committing offsets of any group in a transaction"
NEW_GROUPS = "groups of the new protocol (KIP-848)"
INCREMENTAL_CONFIGS = "altering one config and keeping the others"


class ClientError(Exception):
    """The library reported an error; `code` is the wire's error code, 0 where it hides it."""

    def __init__(self, message: str, *, code: int = 0) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A record to send. `partition` None: the library's partitioner decides by the key."""

    value: bytes | None
    key: bytes | None = None
    headers: tuple[Header, ...] = ()
    timestamp_ms: int | None = None
    partition: int | None = None


@dataclass(frozen=True, slots=True)
class Incoming:
    """A record as read."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[Header, ...]
    timestamp_ms: int


@dataclass(frozen=True, slots=True)
class Sent:
    """Where an acknowledged record went; offset -1 when nothing was asked (acks=0)."""

    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class GroupDescription:
    """A group's state in the wire's words (`Stable`, `Empty`, `Dead`) and its member count."""

    state: str
    member_count: int


class Member(Protocol):
    """One running member of a consumer group. Offsets are committed only by `commit`."""

    def poll(self, timeout_s: float) -> list[Incoming]:
        """Take part in the group for up to `timeout_s` and return what has arrived."""

    def assignment(self) -> frozenset[Partition]:
        """The partitions this member owns now."""

    def commit(self) -> None:
        """Commit the position after the last polled record of each owned partition."""

    def close(self) -> None:
        """Leave the group (a static member stays in it) and free everything."""


class Transactional(Protocol):
    """A producer with a transactional id, which has fenced its predecessors."""

    def begin(self) -> None: ...

    def send(self, topic: str, records: Sequence[Outgoing]) -> None:
        """Send in order and wait for every acknowledgement."""

    def send_offsets(self, group: str, offsets: Mapping[Partition, int]) -> None:
        """Make the group's offsets part of the transaction."""

    def commit(self) -> None: ...

    def abort(self) -> None: ...

    def close(self) -> None:
        """Free everything; an open transaction may stay open for the broker to end."""


class Client(Protocol):
    """One library, connected to one cluster."""

    name: ClassVar[str]
    lacks: ClassVar[frozenset[str]]

    def produce(
        self,
        topic: str,
        records: Sequence[Outgoing],
        *,
        codec: str = "none",
        acks: str = "all",
        idempotent: bool = False,
        batch_bytes: int = 500_000,
    ) -> list[Sent]:
        """Send in order and wait for every acknowledgement, in the order of `records`."""

    def read(
        self, topic: str, partition: int, *, offset: int, count: int, committed_only: bool = False
    ) -> list[Incoming]:
        """Assign one partition by hand, seek to `offset`, read `count` records.

        An `offset` below 0 means the beginning. Raises `TimeoutError` with what came instead.
        """

    def beginning_offsets(self, topic: str) -> dict[int, int]:
        """The first offset that can be read, by partition."""

    def end_offsets(self, topic: str) -> dict[int, int]:
        """The offset after the last committed record, by partition."""

    def offsets_for_time(self, topic: str, timestamp_ms: int) -> dict[int, int | None]:
        """The first offset whose record is not older, by partition; None where there is none."""

    def join(
        self,
        group: str,
        topics: Sequence[str],
        *,
        instance_id: str | None = None,
        session_timeout_ms: int = 10_000,
        protocol: str = "classic",
    ) -> Member:
        """Start a member that begins at the earliest offset where nothing is committed.

        `protocol` is "classic" or "consumer" (KIP-848), whose session timeout is the broker's.
        """

    def commit_offsets(self, group: str, offsets: Mapping[Partition, int]) -> None:
        """Commit for a group that has no members."""

    def committed(self, group: str, topic: str) -> dict[int, int]:
        """What is committed, by partition; partitions without a commit are left out."""

    def topics(self) -> dict[str, int]:
        """Every topic that is not internal, with its partition count."""

    def create_topic(
        self, topic: str, partitions: int = 1, configs: Mapping[str, str] | None = None
    ) -> None: ...

    def delete_topic(self, topic: str) -> None: ...

    def create_partitions(self, topic: str, total_count: int) -> None: ...

    def topic_configs(self, topic: str) -> dict[str, str | None]: ...

    def set_topic_config(self, topic: str, key: str, value: str) -> None: ...

    def groups(self) -> set[str]: ...

    def describe_group(self, group: str) -> GroupDescription: ...

    def delete_group(self, group: str) -> None: ...

    def delete_records(self, topic: str, partition: int, before_offset: int) -> None: ...

    def transactional(
        self, transactional_id: str, *, timeout_ms: int = 30_000
    ) -> Transactional: ...

    def close(self) -> None: ...
