"""Python source under construction, and the values it refers to.

Compiled readers and writers are functions made from templates of our own; the only words in them
that come from elsewhere are names of structs and fields, and those must be identifiers.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

_INDENT: Final = "    "


class Source:
    """Lines of a module, and the globals they need."""

    def __init__(self, **known: Any) -> None:
        self._lines: list[str] = []
        self._depth = 0
        self._globals: dict[str, Any] = dict(known)

    def line(self, text: str) -> None:
        self._lines.append(_INDENT * self._depth + text)

    @contextmanager
    def block(self, opening: str) -> Iterator[None]:
        """Indent what is written inside under a line that ends in a colon."""
        self.line(opening + ":")
        self._depth += 1
        yield
        self._depth -= 1

    def constant(self, prefix: str, value: Any) -> str:
        """Give a value a name of its own; return the name."""
        name = f"{prefix}_{len(self._globals)}"
        self._globals[name] = value
        return name

    def compiled(self, title: str) -> dict[str, Any]:
        """Compile the lines; return the namespace with their functions."""
        assert self._depth == 0, "compiled inside a block"
        exec(compile("\n".join(self._lines), f"<flowlog wire: {title}>", "exec"), self._globals)
        return self._globals


def identifier(name: str) -> str:
    """The name itself, after checking that it can be nothing but a name."""
    assert name.isidentifier(), f"{name!r} cannot become part of source code"
    return name
