"""What a serde is: two functions, and the name by which two serdes are told to be the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Serde(Generic[T]):
    """How a type is written and read.

    Both functions may raise anything on a value or bytes that are not of the type; the step that
    called them is then the one that failed. Equal names mean equal bytes for equal values.
    """

    name: str
    type: Any
    encode: Callable[[T], bytes]
    decode: Callable[[bytes], T]
    is_immutable: bool = False
    """Whether a value can be kept while a function works with it and still be as it was."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Serde) and self.name == other.name

    def __hash__(self) -> int:
        return hash(self.name)
