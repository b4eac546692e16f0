"""The small text files: checkpoints, `partition.metadata` and `meta.properties`, as text.

They are Kafka's, with a checksum (CRC-32C, as eight hexadecimal digits) added: a digit that changed
on the disk would pass for another offset. A checkpoint is a version line (1), the checksum of what
follows, a count line, and as many lines of space-separated fields; Kafka's version 0 is the same
without the checksum. `meta.properties` ends with a line `checksum=`, over the lines before it.
Reading is strict: a file that is not whole raises, and the caller rebuilds or refuses.
"""

from __future__ import annotations

import base64
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from crc32c import crc32c

from flowlog.errors import FlowlogError

VERSION: Final = 1
VERSION_WITHOUT_CHECKSUM: Final = 0
METADATA_VERSION: Final = 0
CHECKSUM: Final = "checksum"
LINES_MAX: Final = 10_000_000


class CorruptCheckpointError(FlowlogError):
    """A checkpoint file that is not whole or not one."""

    def __init__(self, message: str) -> None:
        super().__init__(message, code="CORRUPT_CHECKPOINT")


@dataclass(frozen=True, slots=True)
class PartitionMetadata:
    """Whose log a directory holds. The name and number are for people; the id decides."""

    topic_id: uuid.UUID
    topic: str
    partition: int


def encode_checkpoint(rows: Iterable[Iterable[object]]) -> bytes:
    lines = [" ".join(map(str, row)) for row in rows]
    body = "\n".join([str(len(lines)), *lines, ""])
    return f"{VERSION}\n{_checksum(body.encode())}\n{body}".encode()


def decode_checkpoint(data: bytes, *, fields: int) -> list[list[str]]:
    """The rows, each of exactly `fields` fields.

    Raises:
        CorruptCheckpointError: another version, checksum, count or shape than promised.
    """
    version, _, body = data.partition(b"\n")
    if version == str(VERSION).encode():
        checksum, _, body = body.partition(b"\n")
        if checksum != _checksum(body).encode():
            raise CorruptCheckpointError("its checksum differs")
    elif version != str(VERSION_WITHOUT_CHECKSUM).encode():
        raise CorruptCheckpointError(f"version {version[:20]!r} is unknown")
    try:
        lines = body.decode("ascii").splitlines()
        count = int(lines[0])
    except (UnicodeDecodeError, ValueError, IndexError):
        raise CorruptCheckpointError("no count at the start") from None
    rows = [line.split(" ") for line in lines[1:]]
    if len(rows) != count or count > LINES_MAX or not body.endswith(b"\n"):
        raise CorruptCheckpointError(f"{count} rows promised, {len(rows)} there")
    if any(len(row) != fields for row in rows):
        raise CorruptCheckpointError(f"a row that has not {fields} fields")
    return rows


def _checksum(data: bytes) -> str:
    return f"{crc32c(data):08x}"


def encode_epochs(entries: Iterable[tuple[int, int]]) -> bytes:
    """The content of `leader-epoch-checkpoint`."""
    return encode_checkpoint(entries)


def decode_epochs(data: bytes) -> list[tuple[int, int]]:
    """Raises CorruptCheckpointError, also where epochs or offsets do not ascend."""
    try:
        entries = [(int(e), int(o)) for e, o in decode_checkpoint(data, fields=2)]
    except ValueError:
        raise CorruptCheckpointError("an epoch or offset that is no number") from None
    for (epoch, start), (next_epoch, next_start) in pairwise(entries):
        if next_epoch <= epoch or next_start <= start:
            raise CorruptCheckpointError("leader epochs do not ascend")
    if entries and min(entries[0]) < 0:
        raise CorruptCheckpointError("a negative leader epoch or offset")
    return entries


def encode_topic_id(topic_id: uuid.UUID) -> str:
    """Kafka's spelling of an id: 22 characters of URL-safe base64."""
    return base64.urlsafe_b64encode(topic_id.bytes).decode().rstrip("=")


def decode_topic_id(text: str) -> uuid.UUID:
    """Raises ValueError."""
    if len(text) != 22:
        raise ValueError(f"{text!r} is no topic id")
    return uuid.UUID(bytes=base64.urlsafe_b64decode(text + "=="))


def encode_partition_metadata(metadata: PartitionMetadata) -> bytes:
    """Kafka's two lines, and two of flowlog's for whoever looks into the directory."""
    return (
        f"version: {METADATA_VERSION}\ntopic_id: {encode_topic_id(metadata.topic_id)}\n"
        f"topic: {metadata.topic}\npartition: {metadata.partition}\n"
    ).encode()


def decode_partition_metadata(data: bytes) -> PartitionMetadata:
    """Raises CorruptCheckpointError."""
    try:
        pairs = dict(line.split(": ", 1) for line in data.decode("ascii").splitlines())
        return PartitionMetadata(
            decode_topic_id(pairs["topic_id"]), pairs["topic"], int(pairs["partition"])
        )
    except (ValueError, KeyError):
        raise CorruptCheckpointError("partition.metadata is not whole") from None


def encode_properties(properties: Mapping[str, str]) -> bytes:
    data = "".join(f"{key}={value}\n" for key, value in properties.items()).encode()
    return data + f"{CHECKSUM}={_checksum(data)}\n".encode()


def decode_properties(data: bytes) -> dict[str, str]:
    """`key=value` lines; `#` starts a comment line. A file without a checksum is believed.

    Raises:
        CorruptCheckpointError: a line of another shape, or the checksum differs.
    """
    properties = {}
    before, mark, checksum = data.rpartition(f"{CHECKSUM}=".encode())
    if mark and checksum.strip() != _checksum(before).encode():
        raise CorruptCheckpointError("its checksum differs")
    try:
        for line in (before if mark else data).decode().splitlines():
            if line.strip() and not line.startswith("#"):
                key, value = line.split("=", 1)
                properties[key.strip()] = value.strip()
    except ValueError:
        raise CorruptCheckpointError("a line without = in a properties file") from None
    return properties
