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
        self._block = iter(range(0))

    async def allocate(self) -> int:
        """A fresh producer id; now and then waits for a new block to be committed."""
        producer_id = next(self._block, None)
        while producer_id is None:
            async with self._one_taker:
                producer_id = next(self._block, None)
                if producer_id is None:
                    await self._take_block()
                    producer_id = next(self._block, None)
        return producer_id

    async def _take_block(self) -> None:
        """Commit a block first, use it then: a crash wastes ids but never gives one twice."""
        block = range(0)

        def reserve(image: MetadataImage) -> list[MetadataRecord]:
            nonlocal block
            block = range(image.next_producer_id, image.next_producer_id + BLOCK_SIZE)
            return [ProducerIdsRecord(block.stop)]

        await self._controller.change(reserve)
        self._block = iter(block)
