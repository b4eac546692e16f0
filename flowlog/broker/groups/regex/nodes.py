"""The parts of a regular expression. Topic names are ASCII, so a set of characters is a number:
bit c stands for character c."""

from __future__ import annotations

import enum
from typing import Final, NamedTuple, TypeAlias

ALL: Final = (1 << 128) - 1


class Chars(NamedTuple):
    """Any one character of the set."""

    mask: int


class Sequence(NamedTuple):
    parts: tuple[Node, ...]


class Choice(NamedTuple):
    options: tuple[Node, ...]


class Repeat(NamedTuple):
    """At least `low` times and at most `high`; None: any number."""

    part: Node
    low: int
    high: int | None


class Condition(enum.Enum):
    """What must be so between two characters."""

    START = "at the start"
    END = "at the end"
    BOUNDARY = "at the edge of a word"
    NO_BOUNDARY = "not at the edge of a word"


Node: TypeAlias = Chars | Sequence | Choice | Repeat | Condition

EMPTY: Final = Sequence(())


def mask_of(characters: str) -> int:
    mask = 0
    for character in characters:
        code = ord(character)
        if code < 128:
            mask |= 1 << code
    return mask


def mask_between(first: int, last: int) -> int:
    """Both inclusive; what is above ASCII does not occur in names."""
    last = min(last, 127)
    return 0 if first > last else ((1 << (last - first + 1)) - 1) << first


DIGITS: Final = mask_between(ord("0"), ord("9"))
LOWER: Final = mask_between(ord("a"), ord("z"))
UPPER: Final = mask_between(ord("A"), ord("Z"))
WORD: Final = DIGITS | LOWER | UPPER | mask_of("_")
SPACE: Final = mask_of("\t\n\f\r ")
NEWLINE: Final = mask_of("\n")


def any_case(mask: int) -> int:
    """The set with the other case of each of its letters."""
    return mask | (mask & LOWER) >> 32 | (mask & UPPER) << 32
