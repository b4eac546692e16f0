"""Producer ids: the controller hands out blocks, a broker counts within its block."""

from __future__ import annotations

from typing import Final

import anyio

from .controller import Controller
from .image import MetadataImage
from .records import MetadataRecord, ProducerIdsRecord

BLOCK_SIZE: Final = 1000


class ProducerIds:
    """Gives each asker an id that no other producer of the cluster ever had."""

    def __init__(self, controller: Controller) -> None:
        self._controller = controller
        self._one_taker = anyio.Lock()
        self._block = range(0)

    def take(self) -> int | None:
        """A fresh producer id without waiting; None when there is none at hand: `refill`."""
        if not self._block:
            return None
        producer_id = self._block[0]
        self._block = self._block[1:]
        return producer_id

    async def refill(self) -> None:
        """Have a block of ids at hand, unless others use it up before the caller comes to it."""
        async with self._one_taker:
            if not self._block:
                await self._take_block()

    async def allocate(self) -> int:
        """A fresh producer id; now and then waits for a new block to be committed."""
        while (producer_id := self.take()) is None:
            await self.refill()
        return producer_id

    async def _take_block(self) -> None:
        """Commit a block first, use it then: a crash wastes ids but never gives one twice."""
        block = range(0)

        def reserve(image: MetadataImage) -> list[MetadataRecord]:
            nonlocal block
            block = range(image.next_producer_id, image.next_producer_id + BLOCK_SIZE)
            return [ProducerIdsRecord(block.stop)]

        await self._controller.change(reserve)
        self._block = block
