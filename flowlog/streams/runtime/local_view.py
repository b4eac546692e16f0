"""What this process holds of a table, as a mapping of typed keys and values."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Generic, TypeVar

from flowlog.streams.topology.nodes import StoreNode

if TYPE_CHECKING:
    from .queries import Questions

K = TypeVar("K")
V = TypeVar("V")


class LocalView(Generic[K, V]):
    """As of the last commit."""

    def __init__(self, node: StoreNode, questions: Callable[[], Questions]) -> None:
        self._node = node
        self._questions = questions

    def __getitem__(self, key: K) -> V:
        """The value.

        Raises:
            KeyError: the key has none.
            NotHereError: this process does not own the key's partition.
        """
        value = self.get(key)
        if value is None:
            raise KeyError(key)
        return value

    def get(self, key: K, default: V | None = None) -> V | None:
        """The value, or the default."""
        encoded = self._node.state_key_serde.encode(key)
        answer = self._questions().local_get(self._node.name, encoded)
        return default if answer is None else self._node.state_serde.decode(answer.value)

    def scan(self, prefix: str = "") -> Iterator[tuple[K, V]]:
        """Keys and values in the order of the keys' bytes."""
        key_of, value_of = self._node.state_key_serde.decode, self._node.state_serde.decode
        for key, answer in self._questions().local_scan(self._node.name, prefix.encode()):
            yield key_of(key), value_of(answer.value)

    def items(self) -> Iterator[tuple[K, V]]:
        """All keys and values."""
        return self.scan()
