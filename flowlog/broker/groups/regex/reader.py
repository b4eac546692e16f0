"""`Reader`: a regular expression's text, taken piece by piece."""

from __future__ import annotations

import re
from typing import Final

from .nodes import ALL, DIGITS, LOWER, UPPER, mask_of

_COUNTED: Final = re.compile(r"\{(\d{1,9})(?:(,)(\d{1,9})?)?\}")
_CONTROL: Final = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "v": "\v", "a": "\a"}
_UNICODE: Final = {"L": LOWER | UPPER, "Ll": LOWER, "Lu": UPPER, "N": DIGITS, "Nd": DIGITS}


class Reader:
    """Every method raises `ValueError` where the text is not what it has to be."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._position = 0

    @property
    def more(self) -> bool:
        return self._position < len(self._text)

    @property
    def peek(self) -> str:
        return self._text[self._position]

    def next(self) -> str:
        if not self.more:
            raise ValueError("it ends too early")
        character = self.peek
        self._position += 1
        return character

    def follows(self, expected: str) -> bool:
        """Whether `expected` comes next."""
        return self._text.startswith(expected, self._position)

    def take(self, expected: str) -> bool:
        """Go past `expected` if it comes next."""
        if not self.follows(expected):
            return False
        self._position += len(expected)
        return True

    def until(self, end: str) -> str:
        found = self._text.find(end, self._position)
        if found < 0:
            raise ValueError(f"missing {end}")
        return self.until_or_end(end)

    def until_or_end(self, end: str) -> str:
        found = self._text.find(end, self._position)
        stop = len(self._text) if found < 0 else found
        taken = self._text[self._position : stop]
        self._position = min(stop + len(end), len(self._text))
        return taken

    def counted_repeat(self) -> tuple[int, int | None] | None:
        """`{2}`, `{2,}` or `{2,5}`; braces that are none of these stand for themselves."""
        found = _COUNTED.match(self._text, self._position)
        if found is None:
            return None
        self._position = found.end()
        low = int(found[1])
        high = low if found[2] is None else None if found[3] is None else int(found[3])
        return low, high

    def escaped(self) -> int:
        """The characters that an escape (behind its backslash) stands for."""
        if not self.more:
            raise ValueError("trailing \\ at end of expression")
        character = self.next()
        if character in _CONTROL:
            return mask_of(_CONTROL[character])
        if character == "x":
            return mask_of(self._hex())
        if character in "pP":
            mask = self._unicode_class()
            return mask if character == "p" else ALL & ~mask
        if character.isalnum():
            raise ValueError(f"invalid escape sequence: \\{character}")
        return mask_of(character)

    def _hex(self) -> str:
        digits = self.until("}") if self.take("{") else self.next() + self.next()
        try:
            return chr(int(digits, 16))
        except (ValueError, OverflowError):
            raise ValueError(f"invalid escape sequence: \\x{digits}") from None

    def _unicode_class(self) -> int:
        name = self.until("}") if self.take("{") else self.next()
        if name not in _UNICODE:
            raise ValueError(f"unsupported character class: \\p{name}")
        return _UNICODE[name]
