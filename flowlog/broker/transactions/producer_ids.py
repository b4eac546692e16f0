"""Where new producer ids come from."""

from __future__ import annotations

from typing import Protocol


class ProducerIdSource(Protocol):
    """Gives ids that no other producer of the cluster ever had."""

    def take(self) -> int | None:
        """The next id; None: there is none at hand, more are being fetched."""
        ...


class RefillableIds(ProducerIdSource, Protocol):
    """A source that the shell can have filled up."""

    async def refill(self) -> None:
        """Return when there are ids at hand.

        Raises:
            KafkaError: there will be none.
        """
        ...


class NoProducerIdError(Exception):
    """A decision needs a new producer id and there is none at hand; nothing was changed."""


def take_id(source: ProducerIdSource) -> int:
    """The next id.

    Raises:
        NoProducerIdError: ask again when there are more.
    """
    producer_id = source.take()
    if producer_id is None:
        raise NoProducerIdError
    return producer_id
