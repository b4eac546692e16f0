"""Where a task is, as the metadata of its offset commit: the one thing all workers can read.

Stream time, how far each changelog belongs to the committed input, the marks that were taken from
repartition topics, and who committed (for routing questions). JSON, because tools show it.
"""

from __future__ import annotations

import logging
from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Final

import msgspec

from flowlog.streams.topology.marks import SOURCE_BYTES

log: Final = logging.getLogger(__name__)

MAX_CHARACTERS: Final = 4000  # brokers refuse more than offset.metadata.max.bytes: 4096
_MARK_BYTES: Final = SOURCE_BYTES + 16


class TaskPosition(msgspec.Struct, frozen=True, rename={"owner": "h"}):
    """A task's position besides its offsets.

    stream_time_ms: -1 before any record.
    changelogs: per store, the end (exclusive) of the changelog records that belong to the commit.
    marks: per source, the last position taken (see `topology.marks`); the most recent come last.
    owner: HOST:PORT of the worker's HTTP server; "" without one.
    """

    stream_time_ms: int = msgspec.field(default=-1, name="t")
    changelogs: dict[str, int] = msgspec.field(default_factory=dict, name="c")
    packed_marks: str = msgspec.field(default="", name="m")
    owner: str = ""

    def marks(self) -> dict[bytes, bytes]:
        """Positions by source."""
        packed = b64decode(self.packed_marks)
        return {
            packed[at : at + SOURCE_BYTES]: packed[at + SOURCE_BYTES : at + _MARK_BYTES]
            for at in range(0, len(packed), _MARK_BYTES)
        }


def pack_marks(marks: Mapping[bytes, bytes]) -> str:
    """Marks as text; if they are too many, the ones that were added first are left out."""
    packed = b"".join(source + position for source, position in marks.items())
    room = (MAX_CHARACTERS - 1000) * 3 // 4 // _MARK_BYTES * _MARK_BYTES
    return b64encode(packed[-room:]).decode()


def encode_position(position: TaskPosition) -> str:
    """The metadata of a commit."""
    return msgspec.json.encode(position).decode()


def decode_position(metadata: str | None) -> TaskPosition | None:
    """What `encode_position` wrote; None if somebody else committed (a tool, a reset)."""
    if not metadata:
        return None
    try:
        return msgspec.json.decode(metadata, type=TaskPosition)
    except msgspec.DecodeError:
        log.warning("commit metadata of another program ignored: %.80r", metadata)
        return None
