"""Character classes in brackets, and the named ones."""

from __future__ import annotations

from typing import Final

from .nodes import (
    ALL,
    DIGITS,
    LOWER,
    SPACE,
    UPPER,
    WORD,
    any_case,
    mask_between,
    mask_of,
)
from .reader import Reader

ESCAPED_CLASSES: Final = {
    "d": DIGITS,
    "D": ALL & ~DIGITS,
    "w": WORD,
    "W": ALL & ~WORD,
    "s": SPACE,
    "S": ALL & ~SPACE,
}
_POSIX: Final = {
    "alnum": DIGITS | LOWER | UPPER,
    "alpha": LOWER | UPPER,
    "ascii": ALL,
    "blank": mask_of("\t "),
    "cntrl": mask_between(0, 31) | mask_between(127, 127),
    "digit": DIGITS,
    "graph": mask_between(33, 126),
    "lower": LOWER,
    "print": mask_between(32, 126),
    "punct": mask_between(33, 126) & ~(DIGITS | LOWER | UPPER),
    "space": SPACE | mask_of("\v"),
    "upper": UPPER,
    "word": WORD,
    "xdigit": DIGITS | mask_of("abcdefABCDEF"),
}


def read_class(reader: Reader, *, ignore_case: bool) -> int:
    """The set of a class; `reader` stands behind its opening bracket."""
    negated = reader.take("^")
    mask = 0
    if reader.take("]"):  # in the first place it stands for itself
        mask = _range(reader, mask_of("]"))
    while not reader.take("]"):
        if not reader.more:
            raise ValueError("missing closing ]")
        mask |= _element(reader)
    if ignore_case:
        mask = any_case(mask)
    return ALL & ~mask if negated else mask


def _element(reader: Reader) -> int:
    if reader.take("[:"):
        return _posix(reader)
    if not reader.take("\\"):
        return _range(reader, mask_of(reader.next()))
    if reader.more and reader.peek in ESCAPED_CLASSES:
        return ESCAPED_CLASSES[reader.next()]
    return _range(reader, reader.escaped())


def _range(reader: Reader, first: int) -> int:
    """`a-z`; a hyphen at the end stands for itself."""
    if not reader.more or reader.peek != "-" or reader.follows("-]"):
        return first
    reader.next()
    last = reader.escaped() if reader.take("\\") else mask_of(reader.next())
    low, high = first.bit_length() - 1, last.bit_length() - 1
    if low < 0 or high < 0:
        return 0  # beyond ASCII
    if low > high:
        raise ValueError("invalid character class range")
    return mask_between(low, high)


def _posix(reader: Reader) -> int:
    name = reader.until(":]")
    negated = name.startswith("^")
    mask = _POSIX.get(name.removeprefix("^"))
    if mask is None:
        raise ValueError(f"invalid character class range: [:{name}:]")
    return ALL & ~mask if negated else mask
