"""`Controller`: the one writer of the cluster's metadata.

A change is decided against the image, appended to the metadata log, forced to disk, and only
then applied: decide, write, replay, answer. Listeners hear each committed batch, in order.
One node is a quorum of one: its own flushed log is the commit.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

import anyio

from .image import MetadataImage
from .records import MetadataRecord

Listener = Callable[[Sequence[MetadataRecord]], Awaitable[None]]


class MetadataLog(Protocol):
    """Where metadata records are kept."""

    async def append(self, records: Sequence[MetadataRecord]) -> None:
        """Keep the records, all or none; return when no crash can lose them."""
        ...


class Controller:
    """Serialises changes of the metadata and carries them out."""

    def __init__(self, log: MetadataLog, image: MetadataImage) -> None:
        self.image = image
        self._log = log
        self._one_writer = anyio.Lock()
        self._listeners: list[Listener] = []

    def add_listener(self, listener: Listener) -> None:
        """Call `listener` with every batch from now on, after it was applied."""
        self._listeners.append(listener)

    async def change(self, decide: Callable[[MetadataImage], Sequence[MetadataRecord]]) -> None:
        """Write the records that `decide` derives from the newest image; return when they hold.

        Raises:
            KafkaError: whatever `decide` raises; nothing was written then.
            StorageError: the log could not keep the records.
        """
        async with self._one_writer:
            records = decide(self.image)
            if not records:
                return
            with anyio.CancelScope(shield=True):  # a client that leaves must not split the steps
                await self._log.append(records)
                for record in records:
                    self.image.apply(record)
                for listener in self._listeners:
                    await listener(records)
