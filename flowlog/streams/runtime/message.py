"""A record of a topic that is a list, with the methods of a client's message."""

from __future__ import annotations

from typing import Final

from .outputs import OutRow

CREATE_TIME: Final = 1


class Message:
    """A record in a topic; the methods that a client's message has."""

    __slots__ = ("_offset", "_partition", "_row", "_topic")

    def __init__(self, topic: str, partition: int, offset: int, row: OutRow) -> None:
        self._topic = topic
        self._partition = partition
        self._offset = offset
        self._row = row

    def topic(self) -> str:
        return self._topic

    def partition(self) -> int:
        return self._partition

    def offset(self) -> int:
        return self._offset

    def key(self) -> bytes | None:
        return self._row[0]

    def value(self) -> bytes | None:
        return self._row[1]

    def timestamp(self) -> tuple[int, int]:
        return CREATE_TIME, self._row[2]

    def headers(self) -> list[tuple[str, bytes | None]] | None:
        return list(self._row[3]) if self._row[3] else None
