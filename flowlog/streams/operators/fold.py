"""What a fold is to an operator: the user's function, how new keys start, and its precautions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Bind = Callable[[Any, bytes, int], None]
"""Points the fold's `Ctx` at the record in hand: message, key bytes, timestamp in ms."""


@dataclass(frozen=True, slots=True)
class Fold:
    """A function of state and value to the next state.

    needs_guard: a raising function may have changed its state half; keep a copy to go back to.
    bind: for a function that takes a `Ctx`.
    """

    name: str
    function: Callable[[Any, Any], Any]
    init: Callable[[], Any]
    needs_guard: bool = False
    bind: Bind | None = None
    is_count: bool = False

    def refuse_none(self) -> None:
        """A fold that forgot its `return`.

        Raises:
            TypeError: always.
        """
        raise TypeError(
            f"{self.name} returned None: return the state, or fl.Tombstone to delete it"
        )
