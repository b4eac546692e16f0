"""`RefillingIds`: producer ids that are fetched when somebody found none, waited for or not."""

from __future__ import annotations

import logging

import anyio

from flowlog.errors import KafkaError

from .producer_ids import RefillableIds

logger = logging.getLogger(__name__)


class RefillingIds:
    """A `RefillableIds` over another. Timers, which nobody waits for, need ids too."""

    def __init__(self, ids: RefillableIds) -> None:
        self._ids = ids
        self._wanted = anyio.Event()

    def take(self) -> int | None:
        """The next id; None: there is none at hand, more are being fetched."""
        producer_id = self._ids.take()
        if producer_id is None:
            self._wanted.set()
        return producer_id

    async def refill(self) -> None:
        """Return when there are ids at hand. Raises `KafkaError`: there will be none."""
        await self._ids.refill()

    async def run(self) -> None:
        """Fetch ids whenever there were none, until cancelled."""
        while True:
            await self._wanted.wait()
            self._wanted = anyio.Event()
            try:
                await self._ids.refill()
            except (KafkaError, OSError) as error:  # whoever needs one asks again
                logger.warning("no producer ids: %s", error)
