"""RE2's syntax, read into nodes: what `com.google.re2j` takes, over ASCII.

Left out are what needs backtracking and RE2 refuses too (look-around, back references), and the
Unicode classes other than letters and digits.
Source: the syntax page of RE2 (github.com/google/re2/wiki/Syntax).
"""

from __future__ import annotations

from typing import Final

from .classes import ESCAPED_CLASSES, read_class
from .nodes import (
    ALL,
    EMPTY,
    NEWLINE,
    Chars,
    Choice,
    Condition,
    Node,
    Repeat,
    Sequence,
    any_case,
    mask_of,
)
from .reader import Reader

REPEATS_MAX: Final = 1000  # as in RE2
DEPTH_MAX: Final = 100  # of groups in groups

_SIMPLE_REPEATS: Final = {"*": (0, None), "+": (1, None), "?": (0, 1)}
_CONDITIONS: Final = {
    "A": Condition.START,
    "z": Condition.END,
    "b": Condition.BOUNDARY,
    "B": Condition.NO_BOUNDARY,
}
_FLAGS: Final = frozenset("imsU")


def parse(pattern: str) -> Node:
    """The expression.

    Raises:
        ValueError: it is none, with what is wrong.
    """
    parser = _Parser(pattern)
    node = parser.choice(0)
    if parser.reader.more:
        raise ValueError("unexpected )")
    return node


class _Parser:
    """Flags hold from where they are set to the end of the group around them."""

    def __init__(self, pattern: str) -> None:
        self.reader = Reader(pattern)
        self.flags: frozenset[str] = frozenset()

    def choice(self, depth: int) -> Node:
        if depth > DEPTH_MAX:
            raise ValueError("groups are nested too deeply")
        flags = self.flags
        options = [self._sequence(depth)]
        while self.reader.take("|"):
            options.append(self._sequence(depth))
        self.flags = flags
        return options[0] if len(options) == 1 else Choice(tuple(options))

    def _sequence(self, depth: int) -> Node:
        parts: list[Node] = []
        while self.reader.more and self.reader.peek not in "|)":
            atom = self._atom(depth)
            if atom is not None:
                parts.append(self._repeated(atom))
        return parts[0] if len(parts) == 1 else Sequence(tuple(parts))

    def _repeated(self, atom: Node) -> Node:
        bounds = self._bounds()
        if bounds is None:
            return atom
        self.reader.take("?")  # a lazy repeat matches the same names
        if self.reader.more and self._bounds() is not None:
            raise ValueError("invalid nested repetition operator")
        return Repeat(atom, *bounds)

    def _bounds(self) -> tuple[int, int | None] | None:
        if not self.reader.more:
            return None
        simple = _SIMPLE_REPEATS.get(self.reader.peek)
        if simple is not None:
            self.reader.next()
            return simple
        bounds = self.reader.counted_repeat()
        if bounds is not None and max(bounds[0], bounds[1] or 0) > REPEATS_MAX:
            raise ValueError(f"invalid repeat count: more than {REPEATS_MAX}")
        if bounds is not None and bounds[1] is not None and bounds[0] > bounds[1]:
            raise ValueError("invalid repeat count: the lower bound is above the upper")
        return bounds

    def _atom(self, depth: int) -> Node | None:
        """One atom; None for a setting of flags, which matches nothing and is not repeated."""
        character = self.reader.next()
        match character:
            case "(":
                return self._group(depth)
            case "[":
                return Chars(read_class(self.reader, ignore_case="i" in self.flags))
            case ".":
                return Chars(ALL if "s" in self.flags else ALL & ~NEWLINE)
            case "^":
                return Condition.START
            case "$":
                return Condition.END
            case "\\":
                return self._escape()
            case "*" | "+" | "?":
                raise ValueError(f"missing argument to repetition operator: {character}")
            case _:
                return self._chars(mask_of(character))

    def _chars(self, mask: int) -> Chars:
        return Chars(any_case(mask) if "i" in self.flags else mask)

    def _group(self, depth: int) -> Node | None:
        if self.reader.take("?"):
            flags = self.flags
            if self.reader.take("P<") or (self.reader.take("<") and self._is_name()):
                self._group_name()
            elif not self._set_flags():
                return None
            return self._group_body(depth, flags)
        return self._group_body(depth, self.flags)

    def _group_body(self, depth: int, flags_after: frozenset[str]) -> Node:
        node = self.choice(depth + 1)
        if not self.reader.take(")"):
            raise ValueError("missing closing )")
        self.flags = flags_after
        return node

    def _is_name(self) -> bool:
        if self.reader.more and self.reader.peek in "=!":
            raise ValueError("invalid or unsupported Perl syntax: look-behind")
        return True

    def _group_name(self) -> None:
        name = self.reader.until(">")
        if not name.isidentifier():
            raise ValueError(f"invalid named capture: {name!r}")

    def _set_flags(self) -> bool:
        """Read `i-s:` or `i-s)`; whether a group's body follows."""
        on = True
        flags = set(self.flags)
        while True:
            character = self.reader.next()
            if character in ":)":
                self.flags = frozenset(flags)
                return character == ":"
            if character == "-":
                on = False
            elif character in _FLAGS:
                (flags.add if on else flags.discard)(character)
            else:
                raise ValueError(f"invalid or unsupported Perl syntax: (?{character}")

    def _escape(self) -> Node:
        reader = self.reader
        character = reader.peek if reader.more else ""
        if character in _CONDITIONS:
            reader.next()
            return _CONDITIONS[character]
        if character == "Q":
            reader.next()
            quoted = reader.until_or_end("\\E")
            return Sequence(tuple(self._chars(mask_of(c)) for c in quoted)) if quoted else EMPTY
        if character in ESCAPED_CLASSES:
            reader.next()
            return self._chars(ESCAPED_CLASSES[character])
        return self._chars(reader.escaped())
